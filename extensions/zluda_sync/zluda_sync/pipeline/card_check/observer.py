"""What was told of one job while it ran, as a client sees it, and what that was worth."""

from __future__ import annotations

import statistics
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from zluda_sync.core.clock import SYSTEM_CLOCK
from zluda_sync.core.guard import Guard
from zluda_sync.core.records.verification import CheckTrace, Truth
from zluda_sync.core.steps.policy import SyncMode
from zluda_sync.device.preview.queue import JobPreviews
from zluda_sync.pipeline.card_check.fixed_job import is_picture
from zluda_sync.pipeline.card_check.truth import TrueTimes, TruthRecorder
from zluda_sync.pipeline.run import PipelineRun

#: Between two looks at what is told, in seconds.
LOOK_S = 0.005
#: A step was looked at by so many looks; and a job whose steps were, but for this share of them.
LOOKS_A_STEP, UNSEEN_SHARE = 2, 0.25
#: How long the last look may take, in seconds.
STOP_LIMIT_S = 5.0


@dataclass(frozen=True)
class Observation:
    """What one job was like.

    Attributes:
        wall_s: its time.
        bar_error, step_error, lead, previews, torn, early: as of a row; None where nobody looked.
        truth: what it was held against, None where nobody looked, too seldom, or where that cannot be told.
        rung: the way in which its completions were learned at its end, None if none was left.
        lead_rung: the way that first told of a step too early, None if none did.
        is_lost: whether no way was left to follow it.
        steps: its trace.
    """

    wall_s: float
    bar_error: float | None = None
    step_error: int | None = None
    lead: int | None = None
    previews: int | None = None
    torn: int | None = None
    early: int | None = None
    truth: Truth | None = None
    rung: str | None = None
    lead_rung: str | None = None
    is_lost: bool = False
    steps: tuple[tuple[float, float, float], ...] = ()

    def build_trace(self, mode: SyncMode) -> CheckTrace:
        """Return its trace, in this mode."""
        return CheckTrace(mode, self.steps)


@dataclass(frozen=True)
class Sample:
    """One look: the moments before and after it, what was told, and by which way to wait."""

    before_s: float
    after_s: float
    completed: int | None
    fraction: float
    rung: str | None = None


class Observer:
    """Looks at a job as a client does, on a thread of its own."""

    def __init__(self, run: PipelineRun, queue: JobPreviews, recorder: TruthRecorder) -> None:
        self._run, self._queue, self._recorder = run, queue, recorder
        self._samples: list[Sample] = []
        self._shown: dict[int, tuple[float, torch.Tensor]] = {}
        self._is_over = threading.Event()
        self._failures: list[Exception] = []
        self._thread = threading.Thread(target=self._look_on, name="zluda_sync-card-looks", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End it, after one more look; waits a while at most."""
        self._is_over.set()
        self._thread.join(STOP_LIMIT_S)

    def judge(
        self,
        found: Observation,
        true: TrueTimes | None,
        began_s: float,
        ended_s: float,
        pictures: Sequence[torch.Tensor],
    ) -> Observation:
        """Return what was found, with what was told held against what was true.

        That is not judged of which too little was seen, unless that little was a lie.
        """
        samples = [one for one in self._samples if one.after_s <= ended_s]
        bar_errors = [abs(one.fraction - (one.after_s - began_s) / (ended_s - began_s)) for one in samples]
        found = replace(
            found,
            bar_error=statistics.fmean(bar_errors) if bar_errors else None,
            previews=len(self._shown),
            torn=sum(not is_picture(pixels, pictures[step]) for step, (_, pixels) in self._shown.items()),
        )
        if true is None or self._failures or self._thread.is_alive():
            return found
        errors, leading = [0], list[Sample]()
        for one in samples:
            if one.completed is not None:
                most = true.most(one.after_s)
                if one.completed > most:
                    leading.append(one)
                errors.append(max(one.completed - most, true.least(one.before_s) - one.completed))
        if not leading and not _is_seen(samples, true):
            return found
        return replace(
            found,
            step_error=max(errors),
            lead=len(leading),
            lead_rung=leading[0].rung if leading else None,
            early=sum(true.most(at_s) <= step for step, (at_s, _) in self._shown.items()),
            truth=true.truth,
        )

    def _look_on(self) -> None:
        with Guard(lambda what, error: None).watching("looking on", self._failures.append):
            is_last = False
            while not is_last:
                is_last = self._is_over.wait(LOOK_S)
                self._look()

    def _look(self) -> None:
        # The rung first: one that has lied is left for another, and the lie is not that one's.
        rung, before_s = self._run.rung_name, SYSTEM_CLOCK()
        snapshot = self._run.snapshot()
        ready = self._queue.newest_ready()
        self._recorder.look()
        after_s = SYSTEM_CLOCK()
        completed = None if self._run.newest_ledger is None else snapshot.completed
        self._samples.append(Sample(before_s, after_s, completed, snapshot.fraction, rung))
        if ready is not None and ready.step not in self._shown:
            self._shown[ready.step] = after_s, ready.pixels[0, 0].clone()


def _is_seen(samples: Sequence[Sample], true: TrueTimes) -> bool:
    """Whether enough steps were looked at while they ran to say that nothing untrue was told of them."""
    looks = [0] * len(true.at_s)
    for one in samples:
        running = sum(at_s <= one.after_s for at_s in true.at_s)
        if one.completed is not None and running < len(looks):
            looks[running] += 1
    unseen = sum(count < LOOKS_A_STEP for count in looks)
    return unseen <= UNSEEN_SHARE * len(looks)
