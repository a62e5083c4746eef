"""The trial of a rung: held against work of a known time, a sentinel behind it, and a value read back."""

from __future__ import annotations

import time
from collections.abc import Callable

from zluda_sync.core.clock import Clock
from zluda_sync.core.records.self_test_report import RungVerdict
from zluda_sync.device.steps.accelerator import explain_environment
from zluda_sync.device.steps.rungs import EventRung, LaggedWait, Mark, SynchronizeRung
from zluda_sync.device.steps.sentinel import Sentinel, Witness
from zluda_sync.device.steps.waits import BlockingCall, CalledOff, TrialLimits
from zluda_sync.device.steps.workload import Workload

#: Waits for the device end after so many times the work, and a second.
HARD_LIMIT = 5.0
#: Work that is over before this share of its time was too short to tell a liar.
EARLIEST = 0.7
#: With three times the work queued behind, a report must come in the first part of the whole.
EARLIEST_OF_FOUR, LATEST_OF_FOUR = 0.1, 0.6
NOT_JUDGED = "could not be judged: the machine was busy"
_LOOK_S = 0.002
#: A rung that is silent for too long is given so much more once its work is known to be done, in seconds.
_GRACE_S = 1.0
_FAILS = "fails"
_SILENT = ("does not return", "never says that work is done")


class RungTrial:
    """Tries rungs against one piece of work.

    Args:
        work: that reports are held against.
        work_s: how long it takes, in seconds.
        sentinel: planted behind it.
        limits: of the test.
        on_pause: told how long the interpreter stood still while a rung waited, in seconds.
        clock: to time with.
    """

    def __init__(
        self,
        work: Workload,
        work_s: float,
        sentinel: Sentinel,
        limits: TrialLimits,
        on_pause: Callable[[float], None],
        clock: Clock,
    ) -> None:
        self._work = work
        self._work_s = work_s
        self._sentinel = sentinel
        self._limits = limits
        self._on_pause = on_pause
        self._clock = clock
        self._limit_s = HARD_LIMIT * work_s + 1.0

    def judge(self, rung: EventRung | SynchronizeRung) -> RungVerdict:
        """Return the verdict on a rung, which nothing but itself can make a bad one.

        Raises:
            CalledOff: it is not the moment for a test, or the device is to blame.
            TimeoutError: the time is up.
        """
        try:
            if isinstance(rung, SynchronizeRung):
                return self._try_synchronize(rung)
            alone = self._try_events(rung, chains_behind=0)
            if not alone.is_truthful:
                return alone
            before_more = self._try_events(rung, chains_behind=3)
            return alone if before_more.is_truthful else before_more
        except (CalledOff, TimeoutError):
            raise
        except Exception as error:  # noqa: BLE001  a missing call is a verdict, not a failure of the test
            self._check_device(error)
            return RungVerdict(rung.name, False, f"{_FAILS}: {error}")

    def _check_device(self, error: Exception) -> None:
        """A rung has failed: see whether it was the rung, or anything would have failed.

        Raises:
            CalledOff: the device is to blame.
        """
        reason = explain_environment(error)
        if reason:
            raise CalledOff(reason)
        try:
            self._work.queue()
            is_right = self._work.read_back()
        except (CalledOff, TimeoutError):
            raise
        except Exception as failure:
            raise CalledOff(f"the GPU failed: {failure}") from failure
        if not is_right:
            raise CalledOff("the GPU does not compute what it should")

    def _try_synchronize(self, rung: SynchronizeRung) -> RungVerdict:
        began_s = self._clock()
        self._work.queue()
        witness = plant_sentinel(self._sentinel)
        call = self._limits.begin_call(rung.bind(self._work.counter))
        longest_pause_s, before_s, limit_s = 0.0, self._clock(), self._limit_s
        while not call.wait(_LOOK_S):  # the interpreter must be free for this loop meanwhile
            now_s = self._clock()
            longest_pause_s, before_s = max(longest_pause_s, now_s - before_s), now_s
            self._limits.check()
            if now_s - began_s > limit_s:
                self._work.read_back()
                if call.wait(_GRACE_S):  # the device was as slow
                    return RungVerdict(rung.name, None, NOT_JUDGED)
                return RungVerdict(rung.name, False, _SILENT[0])
        waited_s = self._clock() - began_s
        self._on_pause(max(longest_pause_s, self._clock() - before_s))
        return self._judge(rung.name, waited_s, witness)

    def _try_events(self, rung: EventRung, chains_behind: int) -> RungVerdict:
        began_s = self._clock()
        self._work.queue()
        witness = plant_sentinel(self._sentinel)
        queued_s = self._clock()
        mark, is_passed = rung.plant()
        planted_s = self._clock() - queued_s
        if is_passed:
            return self._judge(rung.name, self._clock() - began_s, witness)
        if planted_s > 0.5 * self._work_s:
            return self._lie(rung, began_s, "keeps the host waiting when it marks a step")
        for _ in range(chains_behind):
            self._work.queue()
        passed = (
            self._limits.begin_call(lambda: rung.poll_or_wait(mark)) if isinstance(rung, LaggedWait) else None
        )
        while not self._is_passed(rung, mark, passed):
            self._limits.check()
            if self._clock() - began_s > (1 + chains_behind) * self._limit_s:
                self._work.read_back()
                if self._passes_within(_GRACE_S, rung, mark, passed):  # the device was as slow
                    return RungVerdict(rung.name, None, NOT_JUDGED)
                return self._lie(rung, began_s, _SILENT[1])
        waited_s = self._clock() - began_s
        if not chains_behind:
            return self._judge(rung.name, waited_s, witness)
        self._work.read_back()
        share, share_of_all = waited_s / self._work_s, waited_s / (self._clock() - began_s)
        if share_of_all > LATEST_OF_FOUR:
            return RungVerdict(rung.name, False, "waits for work queued after its step", share)
        if share_of_all < EARLIEST_OF_FOUR:
            return RungVerdict(rung.name, None, NOT_JUDGED, share)
        return RungVerdict(rung.name, True, "", share)

    def _passes_within(
        self, limit_s: float, rung: EventRung, mark: Mark, passed: BlockingCall | None
    ) -> bool:
        deadline_s = self._clock() + limit_s
        while not self._is_passed(rung, mark, passed):
            if self._clock() > deadline_s:
                return False
        return True

    def _is_passed(self, rung: EventRung, mark: Mark, passed: BlockingCall | None) -> bool:
        if passed is not None:
            return passed.wait(_LOOK_S)
        if rung.poll_or_wait(mark):
            return True
        time.sleep(_LOOK_S)
        return False

    def _judge(self, name: str, waited_s: float, witness: Witness | None) -> RungVerdict:
        """Hold a report that has come this instant against what the device has written, and a read-back."""
        is_written = witness.look() if witness is not None else None
        began_s = self._clock()
        is_right = self._work.read_back()
        residual_s = self._clock() - began_s
        share = waited_s / self._work_s
        # What was written when the report came was done, however long another program holds up the reading.
        if not is_written and residual_s > max(0.005, 0.1 * self._work_s):
            was_early = is_written is False and witness is not None and witness.look()
            if not was_early and self._is_read_slowly(residual_s):
                return RungVerdict(name, None, NOT_JUDGED, share, residual_s)
            reason = f"says too early that work is done: {1000 * residual_s:.0f} ms were left"
            return RungVerdict(name, False, reason, share, residual_s)
        if not is_right:
            return RungVerdict(name, False, "comes before the value", share, residual_s)
        if share < EARLIEST:  # it was done, but so soon that a liar would have passed too
            return RungVerdict(name, None, NOT_JUDGED, share, residual_s)
        return RungVerdict(name, True, "", share, residual_s)

    def _is_read_slowly(self, residual_s: float) -> bool:
        """Whether reading from a device that has nothing to do takes as long: then somebody else is busy."""
        began_s = self._clock()
        self._work.read_back()
        return self._clock() - began_s > 0.5 * residual_s

    def _lie(self, rung: EventRung, began_s: float, reason: str) -> RungVerdict:
        return RungVerdict(rung.name, False, reason, (self._clock() - began_s) / self._work_s)


def is_final(verdict: RungVerdict) -> bool:
    """Whether trying again would change nothing: a busy machine is no liar, but these are its rung's own."""
    return bool(verdict.is_truthful) or verdict.reason.startswith((_FAILS, *_SILENT))


def plant_sentinel(sentinel: Sentinel) -> Witness | None:
    """Plant a sentinel; None where time alone must tell.

    Raises:
        CalledOff: the device is to blame that there is none.
    """
    try:
        witness = sentinel.plant(None)
    except Exception as error:
        reason = explain_environment(error)
        if reason:
            raise CalledOff(reason) from error
        return None
    return None if witness.has_blocked else witness
