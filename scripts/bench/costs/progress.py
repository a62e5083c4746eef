"""What counting costs, and what a look at the progress costs, by how much there is to look at."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bench.costs.cost import PROCESS_CLOCK, Pair, Round, plain_python, repeated
from bench.costs.hooks import STEPS, followed_host
from bench.costs.still_device import StillDevice
from bench.truth.simulated_request import build_shape
from zluda_sync.core.phase import BASE, Phase
from zluda_sync.core.progress.forecast import forecast_whole
from zluda_sync.core.progress.job import Job
from zluda_sync.core.progress.memory import NOTHING_LEARNED, OBSERVED, Rate
from zluda_sync.core.progress.part import PartKind
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.core.steps.policy import SyncMode

IMAGE_COUNTS = (1, 10, 100, 1_000)
POLLER_COUNTS = (1, 10, 100)
#: Looks of all pollers together in a round.
LOOKS = 200


@contextmanager
def open_ledger() -> Iterator[Pair]:
    """A context with a step through the ledger: launched, completed, read."""

    def count_pass() -> None:
        ledger = Ledger(STEPS)
        for step in range(STEPS):
            ledger.record_launch()
            ledger.record_completion(step)
            ledger.snapshot()

    yield Pair(repeated(count_pass, 3, STEPS), plain_python)


def build_job(images: int) -> Job:
    """Return a job of so many images in the middle: half of them made, half of the steps of the next too."""
    job = Job(SyncMode.RUN_AHEAD, build_shape(STEPS, images))
    for image in range(images // 2 + 1):
        part, ledger = job.begin_pass(BASE, image)
        job.expect_total(part, STEPS)
        is_last = image == images // 2
        for step in range(STEPS // 2 if is_last else STEPS):
            ledger.record_launch()
            ledger.record_completion(step)
        if not is_last:
            job.leave_part()
            job.begin_part(Phase.DECODE, BASE, image)
            job.leave_part()
    return job


class KnownRates:
    """The memory of who knows what everything takes."""

    extras = NOTHING_LEARNED.extras
    passes = NOTHING_LEARNED.passes

    def recall(self, kind: PartKind, pixels: int) -> Rate | None:
        """Return the same for all."""
        return Rate(0.4, OBSERVED)


def build_looks(images: int) -> Round:
    """Return a round of looks at a job of so many images."""
    return repeated(build_job(images).snapshot, 3)


def build_forecasts(images: int) -> Round:
    """Return a round of forecasts of a job of so many images that has not begun, for each of them."""
    memory, shape = KnownRates(), build_shape(STEPS, images)
    return repeated(lambda: forecast_whole(shape, memory), 2, images)


@contextmanager
def open_few(build: Callable[[int], Round], images: int) -> Iterator[Pair]:
    """A context with looks, or forecasts, of so many images, held against plain Python."""
    yield Pair(build(images), plain_python)


@contextmanager
def open_many(build: Callable[[int], Round], images: int, fewer: int) -> Iterator[Pair]:
    """A context with looks, or forecasts, of so many images, held against those of fewer."""
    yield Pair(build(images), build(fewer))


@contextmanager
def open_pollers(pollers: int) -> Iterator[Pair]:
    """A context with so many threads that look at one job at once; each look is held against one alone."""
    with followed_host(StillDevice()) as host:
        host.begin("observe")
        for step in range(STEPS // 2):
            host.call_back(step)

        def look(looks: int) -> None:
            for _ in range(looks):
                assert host.session.snapshot() is not None

        def look_at_once() -> float:
            start = threading.Barrier(pollers + 1)

            def poll() -> None:
                start.wait()
                look(LOOKS // pollers)

            threads = [threading.Thread(target=poll) for _ in range(pollers)]
            for thread in threads:
                thread.start()
            start.wait()
            began_s = PROCESS_CLOCK()
            for thread in threads:
                thread.join()
            return (PROCESS_CLOCK() - began_s) / LOOKS

        yield Pair(look_at_once, repeated(lambda: look(1), 20))
        host.end()
