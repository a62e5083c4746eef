"""The step barrier: what happens on the queuing thread each time the host has queued a step."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from zluda_sync.core.barrier import BarrierPolicy
from zluda_sync.core.errors import NoAnswerError, NoRungLeftError
from zluda_sync.core.ledger import Ledger
from zluda_sync.device.accelerator import Accelerator
from zluda_sync.device.audit import Audit
from zluda_sync.device.ladder import Ladder, Rung
from zluda_sync.device.rungs import (
    DeviceSynchronize,
    EventRung,
    Mark,
    ReadBack,
    StreamSynchronize,
    SynchronizeRung,
)
from zluda_sync.device.waits import BlockingCall, BlockingWaits
from zluda_sync.device.watcher import CompletionWatcher

#: How soon after all work is done a report of it must come, in seconds: well above the watcher's pause.
PROOF_S = 0.5
#: Pause between two looks at a mark that is checked, in seconds.
POLL_S = 0.002


class StepBarrier:
    """Marks each launched step, and makes the host wait as the policy says.

    No wait is without limit: what may block for ever blocks on another thread.

    Args:
        policy: when to wait.
        ladder: how to learn of completions.
        accelerator: what is waited for.
        watcher: counts the completions that marks tell of.
        waits: threads for waits that block.
        wait_limit_s: longest wait for one step, in seconds; then the device counts as lost.
        patience_s: how long a silent rung is waited for before it is put to the proof, in seconds. Grows with
            each proof that it did not need.
        is_leaving: whether the user has stopped or skipped: then there is nothing to wait for.
        is_proven: whether a self-test has found the rungs truthful that tell steps apart; else their first
            reports are waited for and checked.
    """

    def __init__(
        self,
        policy: BarrierPolicy,
        ladder: Ladder,
        accelerator: Accelerator,
        watcher: CompletionWatcher,
        waits: BlockingWaits,
        wait_limit_s: float = 600.0,
        patience_s: float = 2.0,
        is_leaving: Callable[[], bool] = lambda: False,
        is_proven: bool = False,
    ) -> None:
        self.policy = policy
        self._ladder = ladder
        self._accelerator = accelerator
        self._watcher = watcher
        self._waits = waits
        self._wait_limit_s = wait_limit_s
        self._patience_s = patience_s
        self._is_leaving = is_leaving
        self._is_proven = is_proven
        self._audit = Audit()
        self._read_back = ReadBack(accelerator)
        self._is_closed = False

    @property
    def rung_name(self) -> str | None:
        """Name of the rung in use, None if none is left."""
        return self._ladder.current_name

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

        Does nothing while steps of it are under way.
        """
        rung = self._ladder.current
        is_drained = ledger.launched > 0 and ledger.is_drained
        if isinstance(rung, ReadBack) or not is_drained or self._is_over or not self._proves(latents):
            return
        try:
            read_back = partial(self._run_bounded, self._read_back.bind(latents))
            self._audit.check_drained(rung.name, read_back, ledger)
        except Exception as error:  # noqa: BLE001  whatever it is, the rung is not to be trusted
            self._demote(rung, error)
            self._ladder.settle()

    def forget(self, ledger: Ledger) -> None:
        """Look no more for completions of a pass, and release a host that waits for one: its job is over."""
        self._is_closed = True
        self._ladder.settle()
        self._watcher.forget(ledger)
        ledger.wake()

    @property
    def _is_over(self) -> bool:
        return self._is_closed or self._is_leaving()

    def _demote(self, rung: Rung, error: Exception) -> None:
        self._ladder.demote(rung, error)
        self._watcher.replace_stuck(self._ladder)

    def _use(self, rung: Rung, ledger: Ledger, step: int, latents: torch.Tensor | None) -> None:
        awaited: int | None = step
        if isinstance(rung, EventRung):
            mark, is_passed = rung.plant()
            is_doubted = (is_passed or not self._is_proven) and self._proves(latents)
            if is_doubted and self._audit.is_due(rung.name):
                self._begin_wait(rung, partial(self._poll, rung, mark), ledger, step, latents)
            else:
                self._watcher.watch(self._ladder, rung, mark, ledger, step)
                awaited = self.policy.step_to_wait_for(step)
        else:
            self._begin_wait(rung, rung.bind(latents), ledger, step, latents)
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
        latents: torch.Tensor | None,
    ) -> None:
        """Have a rung waited for on a thread, and checked while it is new; then its step counts."""
        read_back = self._read_back_to_check(rung, latents)

        def wait_and_count() -> None:
            try:
                wait()
                if read_back is not None:
                    self._audit.check(rung.name, read_back, ledger)
                if not self._is_closed:
                    ledger.record_completion(step)
            except Exception as error:  # noqa: BLE001  drivers fail in every way; the next rung tries
                self._ladder.demote(rung, error)
                ledger.wake()

        self._waits.begin(wait_and_count)

    def _poll(self, rung: EventRung, mark: Mark) -> None:
        while not (rung.poll_or_wait(mark) or self._is_closed or self._ladder.has_left(rung)):
            time.sleep(POLL_S)

    def _await(self, rung: Rung, ledger: Ledger, step: int, latents: torch.Tensor | None) -> None:
        """Block until ``step`` is reported, or is no more awaited.

        Slow steps are no lie: only a rung that is still silent when all is done has told one.

        Raises:
            NoAnswerError: the device has not done it within the longest wait.
            RuntimeError: the rung has failed meanwhile.
            TimeoutError: the device has done it, and the rung does not report it.
        """

        def is_pointless() -> bool:
            return self._is_over or self._ladder.has_left(rung)

        waited_s, patience_s, proof = 0.0, self._patience_s, None
        while not ledger.wait_completed(step, min(patience_s, self._wait_limit_s), is_pointless):
            if self._is_over:
                return
            if self._ladder.has_left(rung):
                raise RuntimeError(f"{rung.name} failed while step {step} was awaited")
            waited_s += patience_s
            if proof is None and not isinstance(rung, ReadBack):
                proof = self._begin_proof(rung, latents)
            if proof is not None and self._has_ended(proof, is_pointless):
                if not ledger.wait_completed(step, PROOF_S, is_pointless) and not is_pointless():
                    raise TimeoutError(f"{rung.name} did not report step {step}, which is finished")
                self._patience_s = min(2 * self._patience_s, self._wait_limit_s)
                proof = None
                continue
            if waited_s >= self._wait_limit_s:
                raise NoAnswerError(waited_s)
            patience_s *= 2

    def _begin_proof(self, rung: Rung, latents: torch.Tensor | None) -> BlockingCall | None:
        """Begin a wait by other means on a thread; it ends when all that is queued now is done."""
        proof: SynchronizeRung = self._read_back
        if not self._proves(latents):
            accelerator = self._accelerator
            is_device = isinstance(rung, DeviceSynchronize)
            proof = StreamSynchronize(accelerator) if is_device else DeviceSynchronize(accelerator)
        try:
            return self._waits.begin(proof.bind(latents))
        except Exception:  # noqa: BLE001  no proof either way
            return None

    def _proves(self, latents: torch.Tensor | None) -> bool:
        """Whether reading these back proves anything of the device, or the host has computed them itself."""
        device = latents.device if latents is not None else self._accelerator.device
        return device is not None and device.type != "cpu"

    def _read_back_to_check(self, rung: Rung, latents: torch.Tensor | None) -> Callable[[], Any] | None:
        if isinstance(rung, ReadBack) or not self._proves(latents) or not self._audit.is_due(rung.name):
            return None
        return self._read_back.bind(latents)

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
