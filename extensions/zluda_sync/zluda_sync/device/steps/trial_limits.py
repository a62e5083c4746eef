"""The limits of a self-test: it ends when a job begins or its time is up, whatever it waits for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zluda_sync.core.clock import Clock
from zluda_sync.device.steps.waits import BlockingCall, BlockingWaits

A_JOB_BEGAN = "a job began"


class CalledOff(Exception):  # noqa: N818  not an error: it is not the moment for a test
    """The test must end now, and be made up for later; the text says why."""


class TrialLimits:
    """Lets nobody wait longer than the test may.

    Args:
        waits: threads for waits that may block for ever.
        is_called_off: asked all the time; True ends the test within the work that is queued.
        clock: to time with.
        limit_s: how long the test may take, in seconds.
    """

    def __init__(
        self, waits: BlockingWaits, is_called_off: Callable[[], bool], clock: Clock, limit_s: float
    ) -> None:
        self._waits = waits
        self._is_called_off = is_called_off
        self._clock = clock
        self._deadline_s = clock() + limit_s

    def begin_anew(self, limit_s: float) -> None:
        """From now on the test may take so many seconds more."""
        self._deadline_s = self._clock() + limit_s

    def check(self) -> None:
        """Pass while the test may go on.

        Raises:
            CalledOff: somebody else needs the device.
            TimeoutError: the time is up.
        """
        if self._is_called_off():
            raise CalledOff(A_JOB_BEGAN)
        if self._clock() > self._deadline_s:
            raise TimeoutError("the device did not answer in time")

    def begin_call(self, action: Callable[[], Any]) -> BlockingCall:
        """Have ``action`` run on a thread, and wait for nothing."""
        return self._waits.begin(action)

    def wait_for(self, action: Callable[[], Any]) -> None:
        """Have ``action`` run on a thread, and wait for it.

        Raises: as :meth:`check`, and whatever ``action`` raises.
        """
        call = self._waits.begin(action)
        while not call.wait(0.05):
            self.check()

    def wait_to_read(self, read: Callable[[], float]) -> float:
        """Return what ``read`` gives, waited for as by :meth:`wait_for`."""
        values: list[float] = []
        self.wait_for(lambda: values.append(read()))
        return values[0]
