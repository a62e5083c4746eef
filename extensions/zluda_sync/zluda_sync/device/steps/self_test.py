"""The self-test: tries every rung on the device at hand, and says which of them tell the truth, at what cost.

Nobody can try every card, driver, ZLUDA build and torch version; so the program tries them itself. It holds
each rung against a chain of products whose time it has measured by reading a value back to ordinary memory,
which is the way that is hardest to fool, and against a sentinel behind that chain. ``torch.cuda._sleep`` is
not used: some drivers do not have it.

What is not a rung's fault convicts none: a machine that is busy, a job that begins, memory that is full, a
device that is lost. Then the test is called off, and made up for later.
"""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from zluda_sync.core.clock import SYSTEM_CLOCK, Clock
from zluda_sync.core.records.self_test_report import (
    EVENT_RUNGS,
    HELD_SHARE,
    SYNCHRONIZE_RUNGS,
    RungVerdict,
    SelfTestReport,
)
from zluda_sync.device.steps.accelerator import Accelerator, explain_environment
from zluda_sync.device.steps.ladder import RUNG_CLASSES
from zluda_sync.device.steps.rungs import EventRung, LaggedWait, Mark, SynchronizeRung
from zluda_sync.device.steps.sentinel import Sentinel, Witness
from zluda_sync.device.steps.waits import BlockingCall, BlockingWaits
from zluda_sync.device.steps.workload import Workload

#: The work that rungs are held against, in seconds.
WORK_S = 0.2
#: The whole test, in seconds, once the operations it uses have run: their kernels may have to be compiled.
LIMIT_S = 30.0
WARM_UP_LIMIT_S = 900.0
#: Waits for the device end after so many times the work, and a second.
HARD_LIMIT = 5.0
#: Work that is over before this share of its time was too short to tell a liar.
EARLIEST = 0.7
#: With three times the work queued behind, a report must come in the first part of the whole.
EARLIEST_OF_FOUR, LATEST_OF_FOUR = 0.1, 0.6
NOT_JUDGED = "could not be judged: the machine was busy"
#: More than HIP's and CUDA's own limits of launches that are under way.
PROBE_LAUNCHES = 4200
FAKE_STEPS = 20
#: How often a rung is tried again that did not tell the truth.
RETRIES = 2
_LOOK_S = 0.002
#: A rung that is silent for too long is given so much more once its work is known to be done, in seconds.
_GRACE_S = 1.0
_FAILS = "fails"
_SILENT = ("does not return", "never says that work is done")
A_JOB_BEGAN = "a job began"


class CalledOff(Exception):  # noqa: N818  not an error: it is not the moment for a test
    """The test must end now, and be made up for later; the text says why."""


class SelfTest:
    """One run of the test.

    Args:
        accelerator: what is tested.
        device: where to put the work.
        waits: threads for waits that may block for ever.
        is_called_off: asked all the time; True ends the test within the work that is queued.
        on_progress: told of the share that is done and of what is tried.
        clock: to time with.
    """

    def __init__(
        self,
        accelerator: Accelerator,
        device: torch.device,
        waits: BlockingWaits,
        is_called_off: Callable[[], bool] = lambda: False,
        on_progress: Callable[[float, str], None] = lambda share, what: None,
        clock: Clock = SYSTEM_CLOCK,
        work_s: float = WORK_S,
        limit_s: float = LIMIT_S,
    ) -> None:
        self._accelerator = accelerator
        self._device = device
        self._waits = waits
        self._is_called_off = is_called_off
        self._on_progress = on_progress
        self._clock = clock
        self._target_s = work_s
        self._limit_s = limit_s
        self._work_s = work_s
        self._began_s = clock()
        self._deadline_s = self._began_s + WARM_UP_LIMIT_S
        self._report = SelfTestReport(device=accelerator.name)

    def run(self) -> SelfTestReport:
        """Return the report; one that could not be finished says why. Never raises.

        What memory the test has taken is given back.
        """
        kept_before = self._accelerator.kept_bytes
        try:
            with torch.inference_mode(False), torch.no_grad():
                self._run()
        except CalledOff as reason:
            self._report = replace(self._report, unfinished=str(reason), was_called_off=True)
        except TimeoutError as error:
            self._report = replace(self._report, unfinished=str(error), was_called_off=True)
        except Exception as error:  # noqa: BLE001  a driver may fail in every way: that is what is tested
            moment = explain_environment(error)
            text = moment or f"{type(error).__name__}: {error}"
            self._report = replace(self._report, unfinished=text, was_called_off=bool(moment))
        self._accelerator.give_back(kept_before)  # here, where no traceback holds the work any more
        return replace(self._report, duration_s=self._clock() - self._began_s)

    def _run(self) -> None:
        self._say(0.0, "calibrating")
        work = Workload(self._accelerator, self._device, self._read, self._clock)
        sentinel = Sentinel(self._accelerator)
        work.calibrate(self._target_s)
        self._deadline_s = self._clock() + self._limit_s
        self._measure_queuing(work)
        if not self._report.is_blocking:
            self._say(0.15, "run-ahead probe")
            self._probe(work)
            self._try_rungs(work, sentinel)
            self._say(0.8, "event times")
            self._measure_event_times(work)
            self._say(0.85, "cost of each rung")
            self._measure_costs(work)
            if self._report.event_rung is None and any(v.is_truthful is None for v in self._report.rungs):
                self._note(unfinished="the machine was too busy", was_called_off=True)
        self._say(1.0, "done")

    def _measure_queuing(self, work: Workload) -> None:
        """Does queuing the work take as long as the work? Then launches wait for the device by themselves."""
        took, queued = [], []
        for _ in range(3):
            began_s = self._clock()
            work.queue()
            queued.append(self._clock() - began_s)
            if not work.read_back():
                raise RuntimeError("reading a value back gives another one than was computed")
            took.append(self._clock() - began_s)
        self._work_s = statistics.median(took)
        self._note(work_s=self._work_s, queued_s=statistics.median(queued))

    def _probe(self, work: Workload) -> None:
        """How many small operations can be queued behind busy work before a launch keeps the host waiting?"""
        began_s = self._clock()
        for _ in range(64):
            work.queue_tiny()
        launch_s = (self._clock() - began_s) / 64
        work.read_back()
        chains = min(1 + int(2 * PROBE_LAUNCHES * launch_s / self._work_s), 10)
        was_held = False
        for _ in range(1 + RETRIES):
            self._queue_behind(work, chains)
            runs_ahead = self._report.runs_ahead
            if runs_ahead is None:
                chains *= 2  # the work was over before all was queued, which says nothing
            elif runs_ahead or was_held:
                return
            else:
                was_held = True  # or the machine was busy elsewhere, which it is not twice in the same place

    def _queue_behind(self, work: Workload, chains: int) -> None:
        began_s = self._clock()
        for _ in range(chains):
            work.queue()
        blocking_launch, before_s = None, self._clock()
        for launch in range(1, PROBE_LAUNCHES + 1):
            work.queue_tiny()
            now_s = self._clock()
            if now_s - before_s >= 0.1 * self._work_s and blocking_launch is None:
                blocking_launch = launch
                self._check_time()
            before_s = now_s
        queued_s = before_s - began_s
        work.read_back()
        total_s = self._clock() - began_s
        was_held = queued_s >= HELD_SHARE * total_s
        self._note(
            probe_launches=PROBE_LAUNCHES,
            probe_queued_s=queued_s,
            probe_total_s=total_s,
            blocking_launch=blocking_launch if was_held else None,
        )

    def _try_rungs(self, work: Workload, sentinel: Sentinel) -> None:
        self._plant(sentinel)  # the first one gets memory, which may wait for the device
        work.read_back()
        verdicts: list[RungVerdict] = []
        names = (*EVENT_RUNGS, *reversed(SYNCHRONIZE_RUNGS[:2]), SYNCHRONIZE_RUNGS[2])
        for position, name in enumerate(names):
            self._say(0.25 + 0.09 * position, name)
            rung = RUNG_CLASSES[name](self._accelerator)
            verdict = self._try_rung(rung, work, sentinel)
            for _ in range(RETRIES):  # a busy machine is no liar, and its work takes now longer, now shorter
                if verdict.is_truthful or verdict.reason.startswith((_FAILS, *_SILENT)):
                    break
                work.calibrate(self._target_s)
                self._measure_queuing(work)
                verdict = self._try_rung(rung, work, sentinel)
            verdicts.append(verdict)
            self._note(rungs=tuple(verdicts))
            work.read_back()

    def _try_rung(self, rung: EventRung | SynchronizeRung, work: Workload, sentinel: Sentinel) -> RungVerdict:
        try:
            if isinstance(rung, SynchronizeRung):
                return self._try_synchronize(rung, work, sentinel)
            alone = self._try_events(rung, work, sentinel, chains_behind=0)
            if not alone.is_truthful:
                return alone
            before_more = self._try_events(rung, work, sentinel, chains_behind=3)
            return alone if before_more.is_truthful else before_more
        except (CalledOff, TimeoutError):
            raise
        except Exception as error:  # noqa: BLE001  a missing call is a verdict, not a failure of the test
            self._check_device(error, work)
            return RungVerdict(rung.name, False, f"{_FAILS}: {error}")

    def _check_device(self, error: Exception, work: Workload) -> None:
        """A rung has failed: see whether it was the rung, or anything would have failed.

        Raises:
            CalledOff: the device is to blame.
        """
        reason = explain_environment(error)
        if reason:
            raise CalledOff(reason)
        try:
            work.queue()
            is_right = work.read_back()
        except (CalledOff, TimeoutError):
            raise
        except Exception as failure:
            raise CalledOff(f"the GPU failed: {failure}") from failure
        if not is_right:
            raise CalledOff("the GPU does not compute what it should")

    @staticmethod
    def _plant(sentinel: Sentinel) -> Witness | None:
        """Plant a sentinel; None where time alone must tell."""
        try:
            witness = sentinel.plant(None)
        except Exception as error:
            reason = explain_environment(error)
            if reason:
                raise CalledOff(reason) from error
            return None
        return None if witness.has_blocked else witness

    def _try_synchronize(self, rung: SynchronizeRung, work: Workload, sentinel: Sentinel) -> RungVerdict:
        began_s = self._clock()
        work.queue()
        witness = self._plant(sentinel)
        call = self._waits.begin(rung.bind(work.counter))
        longest_pause_s, before_s, limit_s = 0.0, self._clock(), self._hard_limit_s
        while not call.wait(_LOOK_S):  # the interpreter must be free for this loop meanwhile
            now_s = self._clock()
            longest_pause_s, before_s = max(longest_pause_s, now_s - before_s), now_s
            self._check_time()
            if now_s - began_s > limit_s:
                work.read_back()
                if call.wait(_GRACE_S):  # the device was as slow
                    return RungVerdict(rung.name, None, NOT_JUDGED)
                return RungVerdict(rung.name, False, _SILENT[0])
        waited_s = self._clock() - began_s
        if self._report.frees_interpreter is not False:
            longest_pause_s = max(longest_pause_s, self._clock() - before_s)
            self._note(frees_interpreter=longest_pause_s < 0.5 * self._work_s)
        return self._judge(rung.name, waited_s, work, witness)

    def _try_events(
        self, rung: EventRung, work: Workload, sentinel: Sentinel, chains_behind: int
    ) -> RungVerdict:
        began_s = self._clock()
        work.queue()
        witness = self._plant(sentinel)
        queued_s = self._clock()
        mark, is_passed = rung.plant()
        planted_s = self._clock() - queued_s
        if is_passed:
            return self._judge(rung.name, self._clock() - began_s, work, witness)
        if planted_s > 0.5 * self._work_s:
            return self._lie(rung, began_s, "keeps the host waiting when it marks a step")
        for _ in range(chains_behind):
            work.queue()
        passed = self._waits.begin(lambda: rung.poll_or_wait(mark)) if isinstance(rung, LaggedWait) else None
        while not self._is_passed(rung, mark, passed):
            self._check_time()
            if self._clock() - began_s > (1 + chains_behind) * self._hard_limit_s:
                work.read_back()
                if self._passes_within(_GRACE_S, rung, mark, passed):  # the device was as slow
                    return RungVerdict(rung.name, None, NOT_JUDGED)
                return self._lie(rung, began_s, _SILENT[1])
        waited_s = self._clock() - began_s
        if not chains_behind:
            return self._judge(rung.name, waited_s, work, witness)
        work.read_back()
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

    def _judge(self, name: str, waited_s: float, work: Workload, witness: Witness | None) -> RungVerdict:
        """Hold a report that has come this instant against what the device has written, and a read-back."""
        is_written = witness.look() if witness is not None else None
        began_s = self._clock()
        is_right = work.read_back()
        residual_s = self._clock() - began_s
        share = waited_s / self._work_s
        # What was written when the report came was done, however long another program holds up the reading.
        if not is_written and residual_s > max(0.005, 0.1 * self._work_s):
            was_early = is_written is False and witness is not None and witness.look()
            if not was_early and self._is_read_slowly(work, residual_s):
                return RungVerdict(name, None, NOT_JUDGED, share, residual_s)
            reason = f"says too early that work is done: {1000 * residual_s:.0f} ms were left"
            return RungVerdict(name, False, reason, share, residual_s)
        if not is_right:
            return RungVerdict(name, False, "comes before the value", share, residual_s)
        if share < EARLIEST:  # it was done, but so soon that a liar would have passed too
            return RungVerdict(name, None, NOT_JUDGED, share, residual_s)
        return RungVerdict(name, True, "", share, residual_s)

    def _is_read_slowly(self, work: Workload, residual_s: float) -> bool:
        """Whether reading from a device that has nothing to do takes as long: then somebody else is busy."""
        began_s = self._clock()
        work.read_back()
        return self._clock() - began_s > 0.5 * residual_s

    def _lie(self, rung: EventRung, began_s: float, reason: str) -> RungVerdict:
        return RungVerdict(rung.name, False, reason, (self._clock() - began_s) / self._work_s)

    def _measure_event_times(self, work: Workload) -> None:
        with contextlib.suppress(AttributeError, RuntimeError, ValueError, TypeError, NotImplementedError):
            first, last = self._accelerator.make_timing_event(), self._accelerator.make_timing_event()
            began_s = self._clock()
            self._accelerator.record(first)
            work.queue()
            self._accelerator.record(last)
            work.read_back()
            took_s = self._clock() - began_s
            self._note(event_time_error=abs(first.elapsed_time(last) / 1000 / took_s - 1))

    def _measure_costs(self, work: Workload) -> None:
        """What a rung adds to a step: host time for an event rung, the device's idle time for the rest."""
        bare_s = self._time_fake_steps(work, lambda: None)
        verdicts = []
        for verdict in self._report.rungs:
            rung = RUNG_CLASSES[verdict.name](self._accelerator)
            if not verdict.is_truthful:
                verdicts.append(verdict)
            elif isinstance(rung, EventRung):
                verdicts.append(replace(verdict, cost_s=self._time_planting(work, rung)))
            else:
                took_s = self._time_fake_steps(work, partial(self._synchronize, rung, work))
                verdicts.append(replace(verdict, cost_s=max(0.0, took_s - bare_s) / FAKE_STEPS))
        self._note(rungs=tuple(verdicts))

    def _time_fake_steps(self, work: Workload, after_step: Callable[[], Any]) -> float:
        began_s = self._clock()
        for _ in range(FAKE_STEPS):
            work.queue(FAKE_STEPS)
            after_step()
        work.read_back()
        return self._clock() - began_s

    def _synchronize(self, rung: SynchronizeRung, work: Workload) -> None:
        self._wait(rung.bind(work.counter))

    def _time_planting(self, work: Workload, rung: EventRung) -> float:
        times_s = []
        for _ in range(FAKE_STEPS):
            work.queue(FAKE_STEPS)
            began_s = self._clock()
            rung.plant()
            times_s.append(self._clock() - began_s)
        work.read_back()
        return statistics.median(times_s)

    def _read(self, read: Callable[[], float]) -> float:
        values: list[float] = []
        self._wait(lambda: values.append(read()))
        return values[0]

    def _wait(self, action: Callable[[], Any]) -> None:
        """Have ``action`` run on a thread, and wait for it within the test's limits.

        Raises:
            CalledOff: somebody else needs the device.
            TimeoutError: the time is up.
        """
        call = self._waits.begin(action)
        while not call.wait(0.05):
            self._check_time()

    @property
    def _hard_limit_s(self) -> float:
        return HARD_LIMIT * self._work_s + 1.0

    def _check_time(self) -> None:
        if self._is_called_off():
            raise CalledOff(A_JOB_BEGAN)
        if self._clock() > self._deadline_s:
            raise TimeoutError("the device did not answer in time")

    def _note(self, **found: Any) -> None:
        self._report = replace(self._report, **found)
        self._check_time()

    def _say(self, share: float, what: str) -> None:
        self._on_progress(share, what)
        self._check_time()
