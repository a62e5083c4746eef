"""What a job does about the user's wishes: plans no more, holds, and tells what came of a Stop or a Skip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from zluda_sync.core.clock import SYSTEM_CLOCK, Clock, PausableClock
from zluda_sync.core.phase import Phase
from zluda_sync.core.progress.job import Job
from zluda_sync.core.progress.part import Part
from zluda_sync.core.progress.snapshot import ProgressSnapshot
from zluda_sync.core.records.job_record import ImageCount, StopRecord
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.core.wishes.control import Control
from zluda_sync.core.wishes.request_wishes import ENDS_REQUEST, Ending

#: How long queued steps may take before a pause begins, in seconds; then the pause counts as work.
DRAIN_LIMIT_S = 60.0


@dataclass
class _Press:
    """The moment of a Stop: when, what was going on, and how many steps were launched and still queued."""

    at_s: float
    snapshot: ProgressSnapshot
    launched: int
    queued: int
    acknowledged_at_s: float | None = None


class JobWishes:
    """Brings a job and the control of its request together.

    Args:
        job: the job.
        control: of its request.
        clock: the job's own, which stands still while it is paused.
        find_image: returns the zero-based index of the image that is made now.
        system_clock: the one that does not stand still.
        is_beside_plan: whether what is made now lies within an image that is planned as a whole.
    """

    def __init__(
        self,
        job: Job,
        control: Control,
        clock: PausableClock,
        find_image: Callable[[], int],
        system_clock: Clock = SYSTEM_CLOCK,
        is_beside_plan: Callable[[], bool] | None = None,
    ) -> None:
        self.job = job
        self.control = control
        self._clock = clock
        self._find_image = find_image
        self._system_clock = system_clock
        self._is_beside_plan = is_beside_plan or (lambda: control.is_in_inner_cell)
        self._press: _Press | None = None
        self._is_over = False
        self._made: set[int] = set()  # images whose pictures the host has made
        self._missed: set[int] = set()  # those that it has tried to make, and has none of
        self._skipped: set[int] = set()
        self._stopped_from: int | None = None  # this image and those after it are not wanted

    def obey(self) -> None:
        """A wish has changed: plan no more than is wanted, and wake a host that waits. Any thread."""
        if self.control.ending is Ending.STOP and self._press is None:
            now_s, readings = self._system_clock(), [ledger.snapshot() for ledger in self._ledgers]
            launched = self.job.launched_before + sum(reading.launched for reading in readings)
            queued = sum(reading.run_ahead for reading in readings)
            self._press = _Press(now_s, self.job.snapshot(), launched, queued)
        self.cut_plan()
        for ledger in self._ledgers:
            ledger.wake()

    def cut_plan(self) -> None:
        """Plan no more than the user wants, which may have been said before the job began."""
        ending, image = self.control.ending, self._find_image()
        if ending is Ending.STOP:
            self._stop_from(image)
        elif self._is_beside_plan():
            return  # what is planned are the images of the cell around it
        elif ending is Ending.SKIP:
            self._skipped.add(image)
            self.job.cut(image, image)
        elif ending is Ending.STOP_AFTER_IMAGE:
            self._stop_from(image + 1)

    def _stop_from(self, image: int) -> None:
        self._stopped_from = image if self._stopped_from is None else min(image, self._stopped_from)
        self.job.cut(image)

    def note_whole_picture(self) -> None:
        """The host has made all pictures of the image that it is in. The thread that runs the job."""
        if not self._is_beside_plan():
            self._made.add(self._find_image())

    def note_no_picture(self) -> None:
        """The host is done with the image that it is in, and has none. The thread that runs the job."""
        if not self._is_beside_plan():
            self._missed.add(self._find_image())

    @property
    def has_made_pictures(self) -> bool:
        """Whether the host has made all pictures of an image."""
        return bool(self._made)

    def count_images(self, at_once: int = 1) -> ImageCount | None:
        """Return how many images were asked for and made, None where that is not known for certain.

        One counts as made if the host has made its pictures and no pass of it was left early: what a host
        keeps of an image that was stopped is no finished one. One counts as not made if it was not begun,
        was not wanted, or the host was seen to come out of it with nothing.

        Args:
            at_once: so many are made at once, as one batch.
        """
        shape = self.job.shape
        if shape is None or not shape.is_denoised or self.job.is_made_of_cells:
            return None
        parts_of: dict[int, list[Part]] = {image: [] for image in range(shape.images)}
        for part in self.job.parts:
            if part.began_at_s is not None and part.phase is not Phase.PREPARE:
                parts_of.setdefault(part.image, []).append(part)
        finished = {image for image in self._made if not any(map(_was_left, parts_of.get(image, ())))}
        untold = parts_of.keys() - self._made - self._missed
        if any(parts_of[image] and not self._is_unwanted(image) for image in untold):
            return None  # who knows: it was made in a way that is not followed, or failed in one
        return ImageCount(len(parts_of) * at_once, len(finished) * at_once)

    def _is_unwanted(self, image: int) -> bool:
        return image in self._skipped or (self._stopped_from is not None and image >= self._stopped_from)

    def wait_while_held(self, ledger: Ledger) -> None:
        """Block while the user holds the job. What is queued is finished first, and still counts as work.

        Args:
            ledger: of the pass whose newest step was just queued.
        """
        if not self.control.is_held:
            return
        # The wake that comes with the end of the job may come before this waits: then nothing wakes it again.
        is_released = lambda: self._is_over or not self.control.is_held  # noqa: E731
        ledger.wait_completed(ledger.launched - 1, DRAIN_LIMIT_S, is_released)
        self._clock.pause()
        try:
            self.control.wait_while_paused()
        finally:
            self._clock.resume()

    def close(self) -> None:
        """The job is followed no more; whoever wakes its ledgers afterwards releases a host that is held."""
        self._is_over = True

    def record_acknowledged(self) -> None:
        """Somebody was told that the job is stopping; the first time counts. Any thread."""
        if self._press is not None and self._press.acknowledged_at_s is None:
            self._press.acknowledged_at_s = self._system_clock()

    def add_wishes(self, snapshot: ProgressSnapshot) -> ProgressSnapshot:
        """Return a snapshot that tells of the wishes too."""
        ending = self.control.ending
        if snapshot.is_unwanted and ending is not Ending.STOP:
            ending = Ending.SKIP  # the host may have gone on to the next image, the device has not
        return replace(snapshot, ending=ending, is_paused=self.control.is_paused)

    @property
    def has_stopped(self) -> bool:
        """Whether the user has stopped the job, be it that a script has gone on afterwards."""
        return self._press is not None or self.control.ending in ENDS_REQUEST

    def stop_record(self) -> StopRecord | None:
        """Return how long the Stop of this job took until now, None if there was none."""
        press = self._press
        if press is None:
            return None
        acknowledged_at_s = press.acknowledged_at_s
        return StopRecord(
            mode=self.job.mode,
            phase=press.snapshot.phase,
            role=press.snapshot.role,
            acknowledged_s=None if acknowledged_at_s is None else acknowledged_at_s - press.at_s,
            ended_s=self._system_clock() - press.at_s,
            launched_steps=self.job.launched - press.launched,
            queued_steps=press.queued,
        )

    @property
    def _ledgers(self) -> list[Ledger]:
        return [part.ledger for part in self.job.passes if part.ledger is not None]


def _was_left(part: Part) -> bool:
    """Whether a pass was not wanted any more, and ended before its last step."""
    ledger = part.ledger
    return part.is_cut and ledger is not None and (ledger.total is None or ledger.launched < ledger.total)
