"""The check of a card: fixed jobs in every mode, with the host's own sync and without, in paired rounds."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from zluda_sync.core.clock import SYSTEM_CLOCK
from zluda_sync.core.records.self_test_report import SelfTestReport
from zluda_sync.core.records.verification import CheckTrace, Outcome, Verification
from zluda_sync.core.steps.policy import BarrierPolicy, SyncMode
from zluda_sync.device.preview.copy import CopyWay, find_copy_way
from zluda_sync.device.steps.accelerator import Accelerator
from zluda_sync.device.steps.ladder import marking_rung
from zluda_sync.device.steps.tracker import StepTracker
from zluda_sync.device.steps.trust_book import TrustBook
from zluda_sync.device.steps.waits import TrialLimits
from zluda_sync.device.steps.watcher import Marks, WorkMarks
from zluda_sync.device.steps.workload import Workload
from zluda_sync.pipeline.card_check.findings import (
    MOST_SPREAD,
    Case,
    build_row,
    find_blocking_launch,
    find_lying_rung,
    find_outcome,
    find_saving,
    find_spread,
    find_truth,
)
from zluda_sync.pipeline.card_check.fixed_job import STEP_S, FixedJob
from zluda_sync.pipeline.card_check.observed_job import JobBench
from zluda_sync.pipeline.card_check.observer import Observation

#: The jobs of the check, in seconds, once the device is warm.
LIMIT_S = 140.0
#: Until then: a first run loads libraries and compiles kernels.
WARM_UP_LIMIT_S = 300.0
#: After so many seconds of jobs no other round is begun: what there is must do.
ENOUGH_S = 80.0
#: Every job is run so often, and so often more where times differ too much.
ROUNDS, MORE_ROUNDS = 3, 2
#: The way of copies is tried so often while the device is too slow to tell: one that has just started is.
COPY_TRIALS = 3
TRACKED_MODES = (SyncMode.EVERY_STEP, SyncMode.RUN_AHEAD, SyncMode.OBSERVE)
CASES: tuple[Case, ...] = tuple(
    (mode, host_sync) for mode in (SyncMode.OFF, *TRACKED_MODES) for host_sync in (False, True)
)
WorkloadMaker = Callable[[Accelerator, torch.device, TrialLimits], Workload]


def make_workload(accelerator: Accelerator, device: torch.device, limits: TrialLimits) -> Workload:
    """Return work of the length of a step."""
    work = Workload(accelerator, device, limits.wait_to_read, SYSTEM_CLOCK)
    work.calibrate(STEP_S)
    return work


@dataclass(frozen=True)
class CheckedDevice:
    """What is checked, and by which parts of the program.

    Attributes:
        accelerator: of the device, which it names.
        report: of the self-test.
        tracker: begins to learn of steps.
        book: what is known of the device.
        warn: told in one sentence of what does not work.
        make_work: makes the work of a step.
    """

    accelerator: Accelerator
    report: SelfTestReport
    tracker: StepTracker
    book: TrustBook
    warn: Callable[[str], None]
    make_work: WorkloadMaker = make_workload


class CardCheck:
    """One check.

    Args:
        checked: the device.
        limits: of the check, which hold for the warm-up; what is measured has its own.
        on_progress: told of the share that is done and of what is tried.
    """

    def __init__(
        self, checked: CheckedDevice, limits: TrialLimits, on_progress: Callable[[float, str], None]
    ) -> None:
        self._checked = checked
        self._limits = limits
        self._on_progress = on_progress
        self._began_s = self._warm_at_s = SYSTEM_CLOCK()
        self._quiet: dict[Case, list[Observation]] = {case: [] for case in CASES}
        self._seen: dict[Case, list[Observation]] = {case: [] for case in CASES}

    def run(self) -> Verification:
        """Return what was found.

        Raises:
            CalledOff: somebody else needs the device.
            TimeoutError: the time is up.
            RuntimeError: the device fails.
            MemoryError: it has too little memory free.
        """
        kept_before = self._checked.accelerator.kept_bytes
        try:
            with torch.inference_mode(False), torch.no_grad():
                self._run()
        finally:
            self._checked.accelerator.give_back(kept_before)
        accelerator, book = self._checked.accelerator, self._checked.book
        mode = self._checked.report.mode
        own = self._seen[mode, False]
        outcome = find_outcome(self._checked.report, self._seen, self.spread)
        return Verification(
            device=accelerator.name,
            versions=book.versions_of(accelerator),
            taken_at_s=time.time(),
            duration_s=self._took_s,
            outcome=outcome,
            rung=find_lying_rung(self._seen, mode) if outcome is Outcome.EARLY else own[-1].rung,
            saved_share=find_saving(self._quiet, mode),
            truth=find_truth(self._seen, mode),
            rows=tuple(build_row(case, self._quiet[case], self._seen[case]) for case in CASES),
            trace=own[-1].build_trace(mode) if own else CheckTrace(mode),
            blocking_launch=find_blocking_launch(self._checked.report),
        )

    @property
    def spread(self) -> float:
        """How much the times of one and the same job differ, as a share."""
        return max(find_spread(runs) for runs in self._quiet.values())

    @property
    def _took_s(self) -> float:
        return SYSTEM_CLOCK() - self._began_s

    @property
    def _measured_s(self) -> float:
        return SYSTEM_CLOCK() - self._warm_at_s

    def _run(self) -> None:
        self._say(0.0, "calibrating")
        bench = self._build_bench()
        self._say(0.1, "warming up")
        bench.run_bare(host_sync=False)
        bench.check_exact()
        # The first of a kind loads kernels; and its durations are what the bar goes by then.
        bench.run(BarrierPolicy(self._checked.report.mode), host_sync=False, is_observed=True)
        self._limits.begin_anew(LIMIT_S)
        self._warm_at_s = SYSTEM_CLOCK()
        for done in range(ROUNDS + MORE_ROUNDS):
            is_enough = done >= ROUNDS and self.spread <= MOST_SPREAD
            if is_enough or (done and self._measured_s > ENOUGH_S):
                break
            self._run_round(bench, done)
        self._say(1.0, "done")

    def _run_round(self, bench: JobBench, done: int) -> None:
        for place, case in enumerate(CASES if done % 2 == 0 else CASES[::-1]):
            mode, host_sync = case
            where = f"{mode.value}, host's sync {'on' if host_sync else 'off'}"
            share = 0.15 + 0.8 * (done + place / len(CASES)) / ROUNDS
            self._say(min(share, 0.95), where)  # there it stands in rounds that come besides
            if mode is SyncMode.OFF:
                self._quiet[case].append(bench.run_bare(host_sync))
                continue
            policy = BarrierPolicy(mode)
            self._seen[case].append(bench.run(policy, host_sync, is_observed=True))
            self._quiet[case].append(bench.run(policy, host_sync, is_observed=False))

    def _build_bench(self) -> JobBench:
        checked, device = self._checked, self._checked.accelerator.device
        if device is None:
            raise RuntimeError("no device is named")
        fixed = FixedJob(device, checked.make_work(checked.accelerator, device, self._limits))
        marks = WorkMarks(marking_rung(checked.accelerator, checked.report), checked.tracker.threads.watcher)
        way = self._find_copy_way(device, marks)
        marks.close()
        return JobBench(
            fixed, checked.accelerator, checked.tracker, checked.book, self._limits, way, checked.warn
        )

    def _find_copy_way(self, device: torch.device, marks: Marks) -> CopyWay:
        for _ in range(COPY_TRIALS):
            self._limits.check()
            way = find_copy_way(device, marks)
            if way is not None:
                return way
        return CopyWay.THREAD

    def _say(self, share: float, what: str) -> None:
        self._on_progress(share, what)
        self._limits.check()
