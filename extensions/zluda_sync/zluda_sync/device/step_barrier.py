"""The step barrier: what happens on the queuing thread each time the host has queued a step."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import torch

from zluda_sync.core.barrier import BarrierPolicy
from zluda_sync.core.ledger import Ledger
from zluda_sync.device.ladder import Ladder, Rung
from zluda_sync.device.rungs import EventRung
from zluda_sync.device.watcher import CompletionWatcher

#: How soon after a full synchronize an event must be reported, in seconds: well above the watcher's pause.
PROOF_S = 0.5


class StepBarrier:
    """Marks each launched step, and makes the host wait as the policy says.

    Args:
        policy: when to wait.
        ladder: how to learn of completions.
        watcher: counts the completions that events tell of.
        wait_limit_s: longest wait for an event, in seconds; then its rung is put to the proof.
        is_leaving: whether the user has stopped or skipped: then there is nothing to wait for.
    """

    def __init__(
        self,
        policy: BarrierPolicy,
        ladder: Ladder,
        watcher: CompletionWatcher,
        wait_limit_s: float = 60.0,
        is_leaving: Callable[[], bool] = lambda: False,
    ) -> None:
        self.policy = policy
        self._ladder = ladder
        self._watcher = watcher
        self._wait_limit_s = wait_limit_s
        self._is_leaving = is_leaving
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
        """
        step = ledger.record_launch()
        while True:
            rung = self._ladder.current
            try:
                self._use(rung, ledger, step, latents)
            except Exception as error:  # noqa: BLE001  drivers fail in every way; the next rung tries
                self._ladder.demote(rung, error)
                continue
            return step

    def forget(self, ledger: Ledger) -> None:
        """Look no more for completions of a pass, and release a host that waits for one: its job is over."""
        self._is_closed = True
        self._watcher.forget(ledger)
        ledger.wake()

    @property
    def _is_over(self) -> bool:
        return self._is_closed or self._is_leaving()

    def _use(self, rung: Rung, ledger: Ledger, step: int, latents: torch.Tensor | None) -> None:
        if not isinstance(rung, EventRung):
            rung.wait(latents)
            ledger.record_completion(step)
            return
        self._watcher.watch(self._ladder, rung, rung.plant(), ledger, step)
        awaited = self.policy.step_to_wait_for(step)
        if awaited is None:
            return
        is_pointless = lambda: self._is_over or self._ladder.has_left(rung)  # noqa: E731
        if ledger.wait_completed(awaited, self._wait_limit_s, is_pointless) or self._is_over:
            return
        if self._ladder.has_left(rung):
            raise RuntimeError(f"{rung.name} failed while step {awaited} was awaited")
        # Slow steps are no lie: only an event that is still silent when all is done has told one.
        for proof in self._ladder.synchronize_rungs:
            with contextlib.suppress(Exception):
                proof.wait(latents)
                break
        if not ledger.wait_completed(awaited, PROOF_S):
            raise TimeoutError(f"{rung.name} did not report step {awaited} within {self._wait_limit_s:g} s")
