"""One way to make a picture, watched from outside: made three times, then stopped; and what was amiss."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from bench.differential.cases import NEXT, TXT2IMG
from bench.differential.trial import fingerprint
from bench.real_host.server import SdNextServer
from bench.real_host.way_requests import FEWEST_PREVIEWS, PREVIEWED_STEPS, Way
from bench.real_host.whole_requests import Watched, find_misses, watch
from bench.truth.figures import build_figures
from bench.truth.measured_job import MeasuredJob, PassTruth, Preview, Sample

#: Each way is taken so often; the first and the last time are judged.
RUNS = 3
#: Stop is pressed at this share of the time that the job takes.
PRESSED_AT_SHARE = 0.45
#: A bar that has moved by this much is seen to move.
TOLD_SHARE = 0.001
#: A host that has ended its work is idle within this time, in seconds.
IDLE_LIMIT_S = 1.0
STATUS, STOP = "/zluda_sync/v1/status", "/sdapi/v1/interrupt"


@dataclass(frozen=True)
class WayRun:
    """A way that was taken once.

    Attributes:
        watched: what was seen; its job knows what the device truly did.
        early: previews that were shown before the device had finished their step.
        steps: that the device was given.
    """

    watched: Watched
    early: int
    steps: int

    @property
    def silence_s(self) -> float:
        """The longest time for which neither the bar nor what it says has changed, in seconds."""
        longest_s, since = 0.0, None
        for sample in self.watched.job.samples:
            if (
                since is None
                or sample.job != since.job
                or abs((sample.progress or 0.0) - (since.progress or 0.0)) >= TOLD_SHARE
            ):
                since = sample
            longest_s = max(longest_s, sample.answered_s - since.answered_s)
        return longest_s


@dataclass(frozen=True)
class StoppedRun:
    """A way that was taken and stopped on the way.

    Attributes:
        seconds: from the press to the end.
        steps: that were launched after the press.
        shown: whether the bar said that it stops.
        left: what was wrong afterwards, in words.
    """

    seconds: float
    steps: int
    shown: bool
    left: tuple[str, ...]


class Ways:
    """Takes ways on one host, as it is set at that time.

    Args:
        server: the host, with the extension and the asynchronous device.
    """

    def __init__(self, server: SdNextServer) -> None:
        self._server = server
        self._next = self._ask_next()

    def take(self, way: Way) -> WayRun:
        """Take a way once, watch it, and look at every preview."""
        previews: list[Preview] = []
        numbers: set[int] = set()

        def look(_sample: Sample, shown: dict[str, Any]) -> None:
            if shown["live_preview"] and shown["id_live_preview"] not in numbers:
                numbers.add(shown["id_live_preview"])
                told = self._server.get(STATUS)["preview"]
                previews.append(Preview(time.perf_counter(), told["step"] if told else None))

        self._server.post("/async_device/forget")
        watched = watch(self._server, way.request, on_sample=look)
        passes = self._read_passes()
        job = replace(watched.job, passes=passes, previews=previews)
        self._undo(way)
        early = count_early(job, previews)
        return WayRun(replace(watched, job=job), early, sum(len(one.launched_s) for one in passes))

    def stop(self, way: Way, usual_s: float) -> StoppedRun:
        """Take a way, press Stop in the middle of it, and see what is left.

        Args:
            way: to take.
            usual_s: how long it takes if nobody stops it.
        """
        pressed_s: list[float] = []
        labels: list[str] = []
        began_s = time.perf_counter()

        def press(sample: Sample, _shown: dict[str, Any]) -> None:
            if pressed_s:
                labels.append(sample.job)
            elif sample.answered_s - began_s >= PRESSED_AT_SHARE * usual_s:
                self._server.post(STOP)
                pressed_s.append(time.perf_counter())

        self._server.post("/async_device/forget")
        watched = watch(self._server, way.request, on_sample=press)
        if not pressed_s:
            return StoppedRun(0.0, 0, False, ("over before the press",))
        launched = [at_s for one in self._read_passes() for at_s in one.launched_s]
        seconds = max(watched.job.ended_s - pressed_s[0], 0.0)
        left = list(self._find_left())
        if watched.failure:
            left.append(f"answered {watched.failure}")
        if not way.is_film and self._ask_next() != self._next:
            left.append("the next request is another")
        self._undo(way)
        is_shown = not labels or any("Stopping" in label for label in labels)
        return StoppedRun(seconds, sum(at_s > pressed_s[0] for at_s in launched), is_shown, tuple(left))

    def find_left(self) -> tuple[str, ...]:
        """Return in words what is wrong with a host that has nothing to do."""
        left = self._find_left()
        return left if self._ask_next() == self._next else (*left, "the next request is another")

    def _undo(self, way: Way) -> None:
        if way.undo is not None:
            self._server.post(way.undo.route, way.undo.build())

    def _find_left(self) -> tuple[str, ...]:
        end_s = time.perf_counter() + IDLE_LIMIT_S
        while True:
            page = self._server.post("/internal/progress", {"id_live_preview": -1})
            route = self._server.get("/sdapi/v1/progress?skip_current_image=true")
            flags = [name for name in ("interrupted", "skipped") if route["state"].get(name)]
            is_shown = page["job"] or page["progress"]
            left = [f"still shows {page['job']} {page['progress']}"] if is_shown else []
            left += [f"still {name}" for name in flags]
            if not left or time.perf_counter() > end_s:
                return tuple(left)
            time.sleep(0.1)

    def _ask_next(self) -> tuple[str, ...]:
        """Return fingerprints of a plain request's pictures: what ran before must not have left a mark."""
        return tuple(map(fingerprint, self._server.post(TXT2IMG, dict(NEXT), 60.0)["images"]))

    def _read_passes(self) -> list[PassTruth]:
        """Return what the device did, by the clock of this process."""
        truth = self._server.get("/async_device/truth")
        ahead_s = time.time() - time.perf_counter()
        loops = zip(truth["launched_at_s"], truth["step_ends_s"], strict=True)
        return [
            PassTruth(tuple(at_s - ahead_s for at_s in launched), tuple(at_s - ahead_s for at_s in ends))
            for launched, ends in loops
            if launched
        ]


def count_early(job: MeasuredJob, previews: Sequence[Preview]) -> int:
    """Return how many previews were shown when no pass had finished their step."""
    return sum(
        preview.step is not None
        and all(one.completed_at(preview.arrived_s) <= preview.step for one in job.passes)
        for preview in previews
    )


def find_run_misses(way: Way, run: WayRun, is_first: bool) -> list[str]:
    """Return in words what of a way is not as it should be.

    Args:
        way: what was taken.
        run: what was seen.
        is_first: whether it was taken for the first time.
    """
    watched = run.watched
    if watched.failure:
        return [f"answered {watched.failure}"]
    misses = find_misses(way.request, watched, is_first) if not way.is_instant else []
    if way.is_guess:
        misses = [miss for miss in misses if not miss.startswith(("bar", "ETA"))]
    if not way.makes_pictures:
        misses = [miss for miss in misses if miss != "no picture"]
    missing = [] if way.is_instant else [label for label in way.labels if not _has(watched, label)]
    misses += [f"no label {label!r}" for label in missing]
    if run.early:
        misses.append(f"{run.early} previews of unfinished steps")
    previews = len(watched.job.previews)
    if way.has_previews and run.steps >= PREVIEWED_STEPS and previews < FEWEST_PREVIEWS:
        misses.append(f"{previews} previews")
    return misses


def find_stop_misses(way: Way, stopped: StoppedRun, most_steps: int | None) -> list[str]:
    """Return in words what of a Stop is not as it should be; ``most_steps`` may be launched after it."""
    misses = list(stopped.left)
    if most_steps is not None and stopped.steps > most_steps:
        misses.append(f"{stopped.steps} steps after Stop")
    if not stopped.shown:
        misses.append("Stop is not shown")
    return misses


def build_figures_of(run: WayRun) -> dict[str, float | int | None]:
    """Return the figures of a way that was taken, by the names of every other table."""
    return build_figures(run.watched.job)


def _has(watched: Watched, label: str) -> bool:
    return any(told.startswith(label) for told in watched.labels)
