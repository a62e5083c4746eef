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
from collections.abc import Callable, Sequence
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
from zluda_sync.device.steps.rung_trial import RungTrial, is_final, plant_sentinel
from zluda_sync.device.steps.rungs import EventRung, SynchronizeRung
from zluda_sync.device.steps.sentinel import Sentinel
from zluda_sync.device.steps.waits import BlockingWaits, CalledOff, TrialLimits
from zluda_sync.device.steps.workload import Workload

#: The work that rungs are held against, in seconds.
WORK_S = 0.2
#: The whole test, in seconds, once the operations it uses have run: their kernels may have to be compiled.
LIMIT_S = 30.0
WARM_UP_LIMIT_S = 900.0
#: More than HIP's and CUDA's own limits of launches that are under way.
PROBE_LAUNCHES = 4200
FAKE_STEPS = 20
#: How often a rung is tried again that did not tell the truth.
RETRIES = 2
#: A launch is slow that takes so many times as long as one to an idle device; so many quick ones in a row
#: show that there is room in the queue. Slow ones that take this share of the work hold the host back.
SLOW_LAUNCH, ROOM_LAUNCHES, HELD_WORK_SHARE = 5.0, 64, 0.1
NOT_BESIDE = "was not tried: on this kind of GPU who waits beside holds up who queues"


class SelfTest:
    """One run of the test.

    Args:
        accelerator: what is tested; its device is named.
        waits: threads for waits that may block for ever.
        is_called_off: asked all the time; True ends the test within the work that is queued.
        on_progress: told of the share that is done and of what is tried.
        clock: to time with.
    """

    def __init__(
        self,
        accelerator: Accelerator,
        waits: BlockingWaits,
        is_called_off: Callable[[], bool] = lambda: False,
        on_progress: Callable[[float, str], None] = lambda share, what: None,
        clock: Clock = SYSTEM_CLOCK,
        work_s: float = WORK_S,
        limit_s: float = LIMIT_S,
    ) -> None:
        self._accelerator = accelerator
        self._on_progress = on_progress
        self._clock = clock
        self._target_s = work_s
        self._limit_s = limit_s
        self._work_s = work_s
        self._began_s = clock()
        self._limits = TrialLimits(waits, is_called_off, clock, WARM_UP_LIMIT_S)
        self._launch_s = 0.0
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
        device = self._accelerator.device
        if device is None:
            raise ValueError("no device is named")
        work = Workload(self._accelerator, device, self._limits.wait_to_read, self._clock)
        sentinel = Sentinel(self._accelerator)
        work.calibrate(self._target_s)
        self._limits.begin_anew(self._limit_s)
        self._measure_queuing(work)
        if not self._report.is_blocking:
            self._say(0.15, "run-ahead probe")
            self._probe(work)
            self._try_rungs(work, sentinel)
            self._say(0.8, "event times")
            self._measure_event_times(work)
            self._say(0.85, "cost of each rung")
            self._measure_costs(work)
            if self._report.event_rung is None and any(
                v.is_truthful is None and v.reason != NOT_BESIDE for v in self._report.rungs
            ):
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
        self._launch_s = (self._clock() - began_s) / 64
        work.read_back()
        chains = min(1 + int(2 * PROBE_LAUNCHES * self._launch_s / self._work_s), 10)
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
        times_s, before_s = list[float](), self._clock()
        for _ in range(PROBE_LAUNCHES):
            work.queue_tiny()
            now_s = self._clock()
            times_s.append(now_s - before_s)
            if times_s[-1] >= HELD_WORK_SHARE * self._work_s:
                self._limits.check()
            before_s = now_s
        queued_s = before_s - began_s
        work.read_back()
        total_s = self._clock() - began_s
        blocking_launch = find_first_held(times_s, self._launch_s, HELD_WORK_SHARE * self._work_s)
        if blocking_launch is not None:
            blocking_launch += chains * work.launches
        was_held = queued_s >= HELD_SHARE * total_s
        self._note(
            probe_launches=PROBE_LAUNCHES,
            probe_queued_s=queued_s,
            probe_total_s=total_s,
            blocking_launch=blocking_launch if was_held else None,
        )

    def _try_rungs(self, work: Workload, sentinel: Sentinel) -> None:
        plant_sentinel(sentinel)  # the first one gets memory, which may wait for the device
        work.read_back()
        verdicts: list[RungVerdict] = []
        names = (*EVENT_RUNGS, *reversed(SYNCHRONIZE_RUNGS[:2]), SYNCHRONIZE_RUNGS[2])
        for position, name in enumerate(names):
            self._say(0.25 + 0.09 * position, name)
            rung = RUNG_CLASSES[name](self._accelerator)
            if rung.waits_beside and not self._accelerator.kind.may_wait_beside:
                verdicts.append(RungVerdict(name, None, NOT_BESIDE))
                continue
            verdict = self._trial(work, sentinel).judge(rung)
            for _ in range(RETRIES):  # a busy machine is no liar, and its work takes now longer, now shorter
                if is_final(verdict):
                    break
                work.calibrate(self._target_s)
                self._measure_queuing(work)
                verdict = self._trial(work, sentinel).judge(rung)
            verdicts.append(verdict)
            self._note(rungs=tuple(verdicts))
            work.read_back()

    def _trial(self, work: Workload, sentinel: Sentinel) -> RungTrial:
        return RungTrial(work, self._work_s, sentinel, self._limits, self._note_pause, self._clock)

    def _note_pause(self, longest_s: float) -> None:
        if self._report.frees_interpreter is not False:
            self._note(frees_interpreter=longest_s < 0.5 * self._work_s)

    def _measure_event_times(self, work: Workload) -> None:
        if not self._accelerator.kind.times_events:
            return
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
        self._limits.wait_for(rung.bind(work.counter))

    def _time_planting(self, work: Workload, rung: EventRung) -> float:
        times_s = []
        for _ in range(FAKE_STEPS):
            work.queue(FAKE_STEPS)
            began_s = self._clock()
            rung.plant()
            times_s.append(self._clock() - began_s)
        work.read_back()
        return statistics.median(times_s)

    def _note(self, **found: Any) -> None:
        self._report = replace(self._report, **found)
        self._limits.check()

    def _say(self, share: float, what: str) -> None:
        self._on_progress(share, what)
        self._limits.check()


def find_first_held(times_s: Sequence[float], launch_s: float, least_s: float) -> int | None:
    """Return the first launch that kept the host waiting, counted from 1; None if none did.

    A driver whose queue is full lets one more in for each operation that is finished: NVIDIA's holds the host
    back by many short waits, and not by a long one.

    Args:
        times_s: what each launch took.
        launch_s: what one takes on an idle device.
        least_s: waiting for so long in all is being held back.
    """
    slow_s = SLOW_LAUNCH * min(launch_s, sorted(times_s)[len(times_s) // 2])
    first, waited_s, quick = None, 0.0, 0
    for launch, time_s in enumerate(times_s, 1):
        if time_s < slow_s:
            quick += 1
            if quick > ROOM_LAUNCHES:
                first, waited_s = None, 0.0
            continue
        first, quick = first or launch, 0
        waited_s += time_s
        if waited_s >= least_s:
            return first
    return None
