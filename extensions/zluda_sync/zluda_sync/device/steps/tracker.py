"""The tracker: what all jobs of a process share to learn when the device has finished a step."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import Any

from zluda_sync.core.errors import RungLiedError, RungSilentError
from zluda_sync.core.records.self_test_report import SelfTestReport
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.core.steps.other_work import OtherWork
from zluda_sync.core.steps.policy import BarrierPolicy
from zluda_sync.device.steps.accelerator import Accelerator
from zluda_sync.device.steps.barrier import StepBarrier
from zluda_sync.device.steps.judge import Judge
from zluda_sync.device.steps.ladder import Ladder, Rung, SettledListener, marking_rung, rungs_for
from zluda_sync.device.steps.watcher import DeviceThreads, Marks, WorkMarks


@dataclass(frozen=True)
class Trust:
    """What is known of a device before a job, and who is told what the job finds out.

    Attributes:
        report: of the self-test, None if there was none.
        proven: names of the rungs whose reports need no check.
        wanted: name of a rung to try before all others, None if that is left to us.
        on_caught: told of a rung's name and error when it has not told the truth, or may not have.
        on_failed: told of what has failed in one step, and of the rung that took over (None if none is left).
    """

    report: SelfTestReport | None = None
    proven: Collection[str] = ()
    wanted: str | None = None
    on_caught: Callable[[str, RungLiedError | RungSilentError], None] = lambda name, error: None
    on_failed: SettledListener = lambda failed, successor: None


@dataclass(frozen=True)
class Tracking:
    """How one job learns when its steps, and other pieces of its work, are finished.

    Attributes:
        barrier: marks each step, and waits as the mode says.
        marks: left behind pieces of work that nobody waits for.
    """

    barrier: StepBarrier | BlockingBarrier
    marks: Marks

    @classmethod
    def of_blocking_device(cls) -> Tracking:
        """Return how a job learns on a device that blocks by itself."""
        return cls(BlockingBarrier(), BlockingMarks())


class StepTracker:
    """Begins to learn of the steps of each job.

    Args:
        other_work: knows of work on the device that is not of the steps; none if None.

    Attributes:
        threads: on which the device is looked at and waited for.
    """

    def __init__(self, other_work: OtherWork | None = None) -> None:
        self.threads = DeviceThreads()
        self._other_work = other_work

    def begin(
        self,
        policy: BarrierPolicy,
        accelerator: Accelerator,
        trust: Trust,
        is_leaving: Callable[[], bool] = lambda: False,
    ) -> Tracking:
        """Return what learns of the steps of a job that begins.

        Args:
            policy: when to wait.
            accelerator: what is waited for.
            trust: what is known of it.
            is_leaving: whether the user has stopped or skipped: then there is nothing to wait for.
        """
        marks = WorkMarks(marking_rung(accelerator, trust.report), self.threads.watcher)
        ladder = Ladder(
            rungs_for(policy.mode, accelerator, trust.report, trust.wanted),
            partial(_tell_if_caught, trust, marks),
            trust.on_failed,
        )
        judge = Judge(accelerator, trust.proven, self._other_work)
        barrier = StepBarrier(policy, ladder, accelerator, self.threads, judge, is_leaving=is_leaving)
        barrier.prepare()
        return Tracking(barrier, marks)

    def stop(self) -> None:
        """End the threads."""
        self.threads.stop()


def _tell_if_caught(trust: Trust, marks: WorkMarks, rung: Rung, error: Exception) -> None:
    """A rung has failed; one that has not told the truth leaves no marks either, and is told of."""
    if isinstance(error, (RungLiedError, RungSilentError)):
        marks.distrust(rung.name, error)
        trust.on_caught(rung.name, error)


class BlockingBarrier:
    """Counts each step as it is queued; there is nothing to mark and nothing to wait for."""

    rung_name: str | None = None
    is_capturing = False

    def prepare(self) -> None:
        """Nothing has to be got ready."""

    def pass_step(self, ledger: Ledger, _latents: Any) -> int:
        """Count the step just queued as finished, and return its index."""
        step = ledger.record_launch()
        ledger.record_completion(step)
        return step

    def check_drained(self, _ledger: Ledger, _latents: Any) -> None:
        """Nothing was reported that could be untrue."""

    def forget_finished(self, ledger: Ledger) -> None:
        """Nothing of a finished pass is kept here."""

    def forget(self, ledger: Ledger) -> None:
        """Release whoever waits for a step of the pass."""
        ledger.wake()


class BlockingMarks:
    """Counts each piece of work as it is queued."""

    is_working = True

    def leave(self, ledger: Ledger) -> None:
        """Count the piece just queued as finished."""
        ledger.record_completion(ledger.record_launch())

    def close(self) -> None:
        """Nothing is looked for."""
