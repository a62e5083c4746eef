"""What came of a check: its outcome, what it proves it by, and a row for each case."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence

from zluda_sync.core.records.self_test_report import SelfTestReport
from zluda_sync.core.records.verification import LATEST_STEPS, Outcome, Truth, VerifiedMode
from zluda_sync.core.steps.policy import SyncMode
from zluda_sync.pipeline.card_check.observer import Observation

#: Times that differ by so much, as a share, tell nothing of a few per cent.
MOST_SPREAD = 0.05
#: Mode, and whether the host waits for the device after each step besides.
Case = tuple[SyncMode, bool]


def find_outcome(
    report: SelfTestReport, seen: Mapping[Case, Sequence[Observation]], spread: float
) -> Outcome:
    """Return what came of a check, the worst first.

    Args:
        report: of the self-test.
        seen: jobs that were observed.
        spread: how much the times of one and the same job differ.
    """
    jobs = [job for runs in seen.values() for job in runs]
    is_unsure = spread > MOST_SPREAD
    if any(job.is_lost for job in jobs):
        return Outcome.LOST
    if is_unsure and any(job.truth is Truth.READ_BACK for job in jobs):
        return Outcome.UNSURE  # equal parts of a time that varies prove nothing
    if any(job.lead for job in jobs):
        return Outcome.EARLY
    if any(job.torn or job.early for job in jobs):
        return Outcome.TORN
    if report.runs_ahead is False:  # the extension stays out
        return Outcome.BLOCKING
    if is_unsure:
        return Outcome.UNSURE
    are_late = [(job.step_error or 0) > LATEST_STEPS for job in seen[report.mode, False] if job.truth]
    if not are_late:
        return Outcome.UNTOLD
    if any(are_late):
        return Outcome.LATE if all(are_late) else Outcome.UNSURE
    return Outcome.TRUE


def find_blocking_launch(report: SelfTestReport) -> int | None:
    """Return after how many operations a device holds the host back; None if at once, or not at all."""
    is_later = report.runs_ahead is False and not report.is_blocking
    return report.blocking_launch if is_later else None


def find_lying_rung(seen: Mapping[Case, Sequence[Observation]], mode: SyncMode) -> str | None:
    """Return the way that told of a step too early, in this mode if it was there; None if none did."""
    return next((job.lead_rung for job in _from(seen, mode) if job.lead_rung is not None), None)


def find_truth(seen: Mapping[Case, Sequence[Observation]], mode: SyncMode) -> Truth | None:
    """Return what jobs were held against, those of a mode first; None if none was judged."""
    return next((job.truth for job in _from(seen, mode) if job.truth is not None), None)


def _from(seen: Mapping[Case, Sequence[Observation]], mode: SyncMode) -> Iterator[Observation]:
    yield from seen[mode, False]
    for runs in seen.values():
        yield from runs


def build_row(case: Case, quiet: Sequence[Observation], seen: Sequence[Observation]) -> VerifiedMode:
    """Return the row of a case: times of jobs that nobody looked at, the rest of those that were observed.

    The bar is that of the jobs after the first, which has nothing to go by. What no job could be judged by is
    None: a zero would say that nothing was wrong.
    """
    mode, host_sync = case
    wall_s = statistics.median(job.wall_s for job in quiet)
    bars = [job.bar_error for job in seen if job.bar_error is not None]
    if not seen:
        return VerifiedMode(mode, host_sync, wall_s)
    return VerifiedMode(
        mode,
        host_sync,
        wall_s,
        bar_error=statistics.median(bars[1:] or bars) if bars else None,
        step_error=max((job.step_error for job in seen if job.step_error is not None), default=None),
        lead=_add(job.lead for job in seen),
        previews=_add(job.previews for job in seen),
        torn=_add(job.torn for job in seen),
        early=_add(job.early for job in seen),
    )


def _add(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def find_saving(quiet: Mapping[Case, Sequence[Observation]], mode: SyncMode) -> float | None:
    """Return what a mode saves against the host's own sync with nothing of ours, as a share of that.

    0.0 where one pair of jobs says the contrary of another.
    """
    ratios = [
        ours.wall_s / hosts.wall_s
        for ours, hosts in zip(quiet[mode, False], quiet[SyncMode.OFF, True], strict=True)
    ]
    if not ratios:
        return None
    return 1 - statistics.median(ratios) if min(ratios) > 1 or max(ratios) < 1 else 0.0


def find_spread(runs: Sequence[Observation]) -> float:
    """Return how much times differ: twice the median distance from their median, as a share of that."""
    walls_s = [run.wall_s for run in runs]
    if not walls_s:
        return 0.0
    middle_s = statistics.median(walls_s)
    return 2 * statistics.median(abs(wall_s - middle_s) for wall_s in walls_s) / middle_s
