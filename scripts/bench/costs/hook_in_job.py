"""The hook in whole jobs on the emulated device, where nothing of it lies in a cache when a step ends.

Meanwhile the processor computes for the device: the host's own few lines take ten times as long there, too.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any, NamedTuple

from bench.host.faults import replaced
from bench.host.job import ENABLED_OPTION, WantedJob, build_request, current_session, set_mode
from bench.host.started import Speed, started_host

MODES = ("off", "observe", "run-ahead", "every-step")
SPEED = Speed(step_ms=60, encode_ms=20, decode_ms=60)
STEPS, JOBS, QUICK_JOBS = 20, 4, 1


class HookInJob(NamedTuple):
    """What a step's callback usually takes.

    Attributes:
        mode: ours; ``off`` for the host's own callback alone.
        took_s: without its waits, in seconds.
        driver_s: of these, what the emulated driver takes to put an event into its queue and to look at it
            once, in seconds.
    """

    mode: str
    took_s: float
    driver_s: float


def measure_hooks_in_jobs(quick: bool) -> Iterator[HookInJob]:
    """Yield the callback of each mode."""
    from modules import processing, processing_args, shared
    from modules.emulated_device.runtime import Event

    with started_host(SPEED):
        for mode in MODES:
            set_mode(mode)
            shared.opts.set(ENABLED_OPTION, mode != "off")
            processing.process_images(build_request(WantedJob(steps=2)))  # what is replaced, is now
            driver = _Timer()
            timed = _TimedCallback(processing_args.diffusers_callback, driver)
            with (
                replaced(Event, record=driver.time(Event.record), query=driver.time(Event.query)),
                replaced(processing_args, diffusers_callback=timed),
            ):
                for _ in range(QUICK_JOBS if quick else JOBS):
                    processing.process_images(build_request(WantedJob(steps=STEPS)))
            yield HookInJob(mode, median(timed.took_s), median(timed.driver_s))


class _Timer:
    """Adds up what calls on one thread take, the one that made it."""

    def __init__(self) -> None:
        self.total_s = 0.0
        self._thread = threading.get_ident()

    def time(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return a method that does what ``call`` does."""

        def timed(*args: Any) -> Any:
            began_s = time.perf_counter()
            try:
                return call(*args)
            finally:
                if threading.get_ident() == self._thread:  # the watcher looks at events, too
                    self.total_s += time.perf_counter() - began_s

        return timed


class _TimedCallback:
    def __init__(self, callback: Any, driver: _Timer) -> None:
        self._callback = callback
        self._driver = driver
        self.took_s: list[float] = []
        self.driver_s: list[float] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from modules.emulated_device.queue import QUEUE

        _ = QUEUE.completed  # hands on what the emulated driver still holds back of the step's launches
        job = current_session()._jobs.current
        driver_before_s, began_s = self._driver.total_s, time.perf_counter()
        try:
            return self._callback(*args, **kwargs)
        finally:
            took_s = time.perf_counter() - began_s
            ledger = job.run.newest_ledger if job is not None else None
            waits = ledger.waits if ledger is not None else []
            self.took_s.append(took_s - sum(waited_s for _, at_s, waited_s in waits if at_s >= began_s))
            self.driver_s.append(self._driver.total_s - driver_before_s)
