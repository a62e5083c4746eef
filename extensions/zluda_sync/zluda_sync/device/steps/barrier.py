"""The step barrier: what happens on the queuing thread each time the host has queued a step."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from zluda_sync.core.errors import NoAnswerError, NoRungLeftError, RungLiedError, RungSilentError
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.core.steps.policy import BarrierPolicy
from zluda_sync.device.steps.accelerator import Accelerator
from zluda_sync.device.steps.judge import Evidence, Judge
from zluda_sync.device.steps.ladder import Ladder, Rung
from zluda_sync.device.steps.rungs import (
    DeviceSynchronize,
    EventRung,
    Mark,
    ReadBack,
    StreamSynchronize,
)
from zluda_sync.device.steps.waits import BlockingCall
from zluda_sync.device.steps.watcher import DeviceThreads

#: How soon after all work is done a report of it must come, in seconds: well above the watcher's pause.
PROOF_S = 0.5
#: So often the watcher must have looked in that time, or nobody has: so many times more it is waited for.
PROOF_LOOKS = 2
MORE_PROOFS = 1
#: Longest time to get ready for checks, in seconds: a device that is busy is not waited for.
PREPARE_LIMIT_S = 1.0
#: Pause between two looks at a mark that is checked, in seconds.
POLL_S = 0.002


@dataclass(frozen=True)
class Patience:
    """How long the device is waited for, in seconds.

    Attributes:
        wait_limit_s: longest wait for one step; then the device counts as lost.
        silence_s: how long a silent rung is waited for before it is put to the proof. Grows with each proof
            that it did not need.
    """

    wait_limit_s: float = 600.0
    silence_s: float = 2.0


class StepBarrier:
    """Marks each launched step, and makes the host wait as the policy says.

    No wait is without limit: what may block for ever blocks on another thread.

    Args:
        policy: when to wait.
        ladder: how to learn of completions.
        accelerator: what is waited for.
        threads: on which the device is looked at and waited for.
        judge: checks the reports of rungs that are not proven.
        patience: how long the device is waited for.
        is_leaving: whether the user has stopped or skipped: then there is nothing to wait for.
    """

    def __init__(
        self,
        policy: BarrierPolicy,
        ladder: Ladder,
        accelerator: Accelerator,
        threads: DeviceThreads,
        judge: Judge | None = None,
        patience: Patience | None = None,
        is_leaving: Callable[[], bool] = lambda: False,
    ) -> None:
        self.policy = policy
        self._ladder = ladder
        self._accelerator = accelerator
        self._watcher, self._waits = threads.watcher, threads.waits
        self._judge = judge or Judge(accelerator)
        patience = patience or Patience()
        self._wait_limit_s, self._silence_s = patience.wait_limit_s, patience.silence_s
        self._is_leaving = is_leaving
        self._polls = 0
        self._is_closed = False

    @property
    def rung_name(self) -> str | None:
        """Name of the rung in use, None if none is left."""
        return self._ladder.current_name

    @property
    def is_capturing(self) -> bool:
        """Whether the device's current stream records a graph, which an exception would spoil."""
        return self._accelerator.is_capturing

    def prepare(self) -> None:
        """Get ready, while the device is idle, what checks will need; nothing where all rungs are proven."""
        evidence = self._judge.plant(None) if self._judge.doubts(self._ladder.current_name) else None
        if evidence is not None:
            with contextlib.suppress(Exception):  # checks will meet it again, and say nothing
                self._waits.begin(evidence.witness.wait).wait(PREPARE_LIMIT_S, lambda: self._is_over)

    def pass_step(self, ledger: Ledger, latents: torch.Tensor | None) -> int:
        """Count the step just queued, mark it, wait if the policy says so, and return its index.

        Must be called by the thread that queues the steps, right after it has queued one.

        Args:
            ledger: of the pass that the step belongs to.
            latents: what the step computes, any shape, None if the pipeline does not tell.
        Raises:
            NoRungLeftError: no way is left to learn of completions; the step is counted as launched.
            NoAnswerError: the device has done nothing for the longest wait.
        """
        step = ledger.record_launch()
        if self._accelerator.is_capturing:
            return step  # the next step's mark stands for this one too
        while True:
            try:
                rung = self._ladder.current
                self._use(rung, ledger, step, latents)
            except (NoAnswerError, NoRungLeftError):
                self._ladder.settle()
                raise
            except Exception as error:  # noqa: BLE001  drivers fail in every way; the next rung tries
                self._demote(rung, error)
                continue
            self._ladder.settle()
            return step

    def check_drained(self, ledger: Ledger, latents: torch.Tensor | None) -> None:
        """Hold a pass that is reported as finished against a read-back, where the host waits anyway.

        Does nothing while steps of it are under way, and nothing the second time: what is queued by then is
        not of the pass.
        """
        rung = self._ladder.current
        is_drained = ledger.launched > 0 and ledger.is_drained
        if isinstance(rung, ReadBack) or not is_drained or self._is_over:
            return
        try:
            self._judge.check_drained(rung, ledger, latents, self._run_bounded)
        except RungLiedError as error:
            self._demote(rung, error)
            self._ladder.settle()
        except Exception:  # noqa: BLE001  the judge has failed, not the rung
            return

    def forget(self, ledger: Ledger) -> None:
        """Look no more for completions of a pass, and release a host that waits for one: its job is over."""
        self._is_closed = True
        self._ladder.settle()
        self._watcher.forget(ledger)
        ledger.wake()

    def forget_finished(self, ledger: Ledger) -> None:
        """A pass is finished, and its job goes on: keep nothing of it."""
        self._watcher.forget(ledger)

    @property
    def _is_over(self) -> bool:
        return self._is_closed or self._is_leaving()

    def _demote(self, rung: Rung, error: Exception) -> None:
        self._ladder.demote(rung, error)
        self._watcher.replace_stuck(self._ladder)

    def _use(self, rung: Rung, ledger: Ledger, step: int, latents: torch.Tensor | None) -> None:
        awaited: int | None = step
        evidence = self._judge.plant_for_step(rung, ledger, latents)
        if isinstance(rung, EventRung):
            mark, _ = rung.plant()
            if evidence is not None:
                self._begin_wait(rung, partial(self._poll, rung, mark), ledger, step, evidence)
            else:
                self._watcher.watch(self._ladder, rung, mark, ledger, step)
                awaited = self.policy.step_to_wait_for(step)
        else:
            self._begin_wait(rung, rung.bind(latents), ledger, step, evidence)
        if awaited is not None and not ledger.has_completed(awaited):
            began_s = ledger.now_s()
            try:
                self._await(rung, ledger, awaited, latents)
            finally:
                ledger.record_wait(step, began_s)

    def _begin_wait(
        self,
        rung: Rung,
        wait: Callable[[], Any],
        ledger: Ledger,
        step: int,
        evidence: Evidence | None,
    ) -> None:
        """Have a rung waited for on a thread, and held against ``evidence`` if any; then its step counts."""

        def wait_and_count() -> None:
            try:
                wait()
                if evidence is not None:
                    self._judge.check(rung, ledger, evidence)
                if not self._is_closed:
                    ledger.record_completion(step)
            except Exception as error:  # noqa: BLE001  drivers fail in every way; the next rung tries
                self._ladder.demote(rung, error)
                ledger.wake()

        self._waits.begin(wait_and_count)

    def _poll(self, rung: EventRung, mark: Mark) -> None:
        while not (rung.poll_or_wait(mark) or self._is_closed or self._ladder.has_failed(rung)):
            self._polls += 1
            time.sleep(POLL_S)

    def _await(self, rung: Rung, ledger: Ledger, step: int, latents: torch.Tensor | None) -> None:
        """Block until ``step`` is reported, or is no more awaited.

        Slow steps are no lie: only a rung that is still silent when all is done has told one.

        Raises:
            NoAnswerError: the device has not done it within the longest wait.
            RuntimeError: the rung has failed meanwhile.
            RungSilentError: the device has done it, and the rung does not report it.
        """

        def is_pointless() -> bool:
            return self._is_over or self._ladder.has_failed(rung)

        waited_s, silence_s, proof, is_value_read = 0.0, self._silence_s, None, False
        while not ledger.wait_completed(step, min(silence_s, self._wait_limit_s), is_pointless):
            if self._is_over:
                return
            if self._ladder.has_failed(rung):
                raise RuntimeError(f"{rung.name} failed while step {step} was awaited")
            waited_s += silence_s
            if proof is None and not isinstance(rung, ReadBack):
                proof, is_value_read = self._begin_proof(rung, latents)
            if proof is not None and self._has_ended(proof, is_pointless):
                was_looked_at = self._give_time_to_report(rung, ledger, step, is_pointless)
                if not ledger.has_completed(step) and not is_pointless():
                    raise RungSilentError(rung.name, step, is_certain=is_value_read and was_looked_at)
                self._silence_s = min(2 * self._silence_s, self._wait_limit_s)
                proof = None
                continue
            if waited_s >= self._wait_limit_s:
                raise NoAnswerError(waited_s)
            silence_s *= 2

    def _give_time_to_report(
        self, rung: Rung, ledger: Ledger, step: int, is_pointless: Callable[[], bool]
    ) -> bool:
        """Wait for the report of a step that is done; return whether somebody has looked for it meanwhile.

        On a machine that is busy the watcher may not have had its turn.
        """
        enough = self._watcher.looks + self._polls + PROOF_LOOKS
        for _ in range(1 + MORE_PROOFS):
            if ledger.wait_completed(step, PROOF_S, is_pointless) or is_pointless():
                return True
            if not isinstance(rung, EventRung) or self._watcher.looks + self._polls >= enough:
                return True
        return isinstance(rung, EventRung) and self._watcher.is_inside(rung)

    def _begin_proof(self, rung: Rung, latents: torch.Tensor | None) -> tuple[BlockingCall | None, bool]:
        """Begin a wait by other means on a thread; it ends when all that is queued now is done.

        Returns:
            The wait, None if there is no proof either way, and whether it reads a value back.
        """
        try:
            read_back = self._judge.bind_proof(latents)
            if read_back is not None:
                return self._waits.begin(read_back), True
            is_device = isinstance(rung, DeviceSynchronize)
            wait_class = StreamSynchronize if is_device else DeviceSynchronize
            return self._waits.begin(wait_class(self._accelerator).bind(latents)), False
        except Exception:  # noqa: BLE001  no proof either way
            return None, False

    @staticmethod
    def _has_ended(proof: BlockingCall, is_pointless: Callable[[], bool]) -> bool:
        try:
            return proof.wait(PROOF_S, is_pointless)
        except Exception:  # noqa: BLE001  what failed has proved nothing
            return False

    def _run_bounded(self, action: Callable[[], Any]) -> None:
        """Have ``action`` run on a thread, and wait for it while it is worth it.

        Raises:
            NoAnswerError: it did not return within the longest wait.
        """
        call = self._waits.begin(action)
        if not call.wait(self._wait_limit_s, lambda: self._is_over) and not self._is_over:
            raise NoAnswerError(self._wait_limit_s)
