"""The row of a job's parts: over, under way and planned, in the order in which they come."""

from __future__ import annotations

from collections.abc import Sequence

from zluda_sync.core.phase import Phase
from zluda_sync.core.progress.forecast import Forecast, Rates, forecast
from zluda_sync.core.progress.memory import NOTHING_LEARNED, Memory
from zluda_sync.core.progress.outline import Stretch, outline
from zluda_sync.core.progress.part import CompileWatch, Part, PartKind, count_begun, group_planned
from zluda_sync.core.progress.shape import JobShape, plan_parts, plan_rest
from zluda_sync.core.progress.true_sizes import TrueSizes

#: What comes of an image that was stopped, too: what there is of it is kept.
_OF_WHAT_THERE_IS = (Phase.SAVE, Phase.EXPORT)
#: Parts of cells that are over are remembered, for the record, up to this many.
MOST_OVER = 300


class PartRow:
    """Plans parts, takes up those that the host begins, and drops those that will not come.

    Its owner holds a lock around each call.

    Args:
        shape: what is asked for, None if unknown; then every part comes unforeseen.
        memory: what earlier jobs have taught.
        compiles: tells of kernels being compiled.
        earlier: parts of cells before, in the same request.

    Attributes:
        shape: what is asked for in the cell that is made.
        cell: zero-based index of that cell within the job.
        parts: without those of cells that are long over: a grid of hundreds is as fast as one picture.
        over: those.
        rates: what each part is expected to take.
    """

    #: How many parts from the first on are finished for good, and when the last of these was.
    _settled, _settled_at_s = 0, 0.0
    #: Of what is planned one of each sort, and how many of it; None once that may have changed.
    _planned: list[tuple[Part, int]] | None = None

    def __init__(
        self,
        shape: JobShape | None,
        memory: Memory | None,
        compiles: CompileWatch,
        earlier: Sequence[Part] = (),
    ) -> None:
        self._compiles = compiles
        self._earlier = earlier
        self.cell = 0
        self.over: list[Part] = []
        self.parts: list[Part] = []
        self.shape: JobShape | None = None
        self._sizes = TrueSizes({}, {})
        self._plan(shape, memory or NOTHING_LEARNED)

    @property
    def of_cell(self) -> list[Part]:
        """The parts of the cell that is made now, or was last."""
        return [part for part in self.parts if part.cell == self.cell]

    @property
    def begun(self) -> list[Part]:
        """The parts that the host has begun."""
        return self.parts[: count_begun(self.parts)]

    @property
    def newest_begun(self) -> Part | None:
        """The part that the host has begun last, None if it has begun none."""
        begun = count_begun(self.parts)
        return self.parts[begun - 1] if begun else None

    @property
    def on_device(self) -> Part | None:
        """The part that the device is in: the first begun and not finished, else the newest begun."""
        return next((part for part in self.unsettled if not part.is_finished), self.newest_begun)

    @property
    def unsettled(self) -> list[Part]:
        """The begun parts without those that are finished for good: from the newest pass on, mostly."""
        begun = self.begun
        newest_pass = next((part for part in reversed(begun) if part.ledger is not None), None)
        for part in begun[self._settled : -1]:
            finished_at_s = part.finished_at_s
            if finished_at_s is None or part is newest_pass:  # of that one more steps may come
                break
            self._settled, self._settled_at_s = self._settled + 1, max(self._settled_at_s, finished_at_s)
        return begun[self._settled :]

    def foresee(self, now_s: float, has_ended: bool) -> Forecast | None:
        """Return what is left of all parts, None if that cannot be told.

        It takes no longer for a thousand images than for ten: nobody who looks pays for the others.
        """
        if self._planned is None:
            self._planned = group_planned(self.parts)
        unsettled = self.unsettled
        return forecast(unsettled, self.rates, now_s, has_ended, self._planned, self._settled_at_s)

    @property
    def awaits_pictures(self) -> bool:
        """Whether a pass or decode that followed from the request has not been begun."""
        return any(
            part.is_foreseen and part.began_at_s is None and part.phase in (Phase.DENOISE, Phase.DECODE)
            for part in self.parts
        )

    def outline(self, now_s: float) -> tuple[Stretch, ...]:
        """Return the parts as stretches of time; empty after a first cell: not all parts are known then."""
        return () if self.cell else outline(self.parts, self.rates, now_s)

    def begin(
        self, phase: Phase, role: str, image: int, now_s: float, idle_from_s: float | None = None
    ) -> Part:
        """Return the part that begins: a planned one, and what was before it will not come; or a new one.

        Args:
            phase: what is done in it.
            role: which pass or which decode of the image it belongs to.
            image: zero-based index.
            now_s: the job's clock.
            idle_from_s: when the job began, for a part that only its first step has told of: then that step
                has begun when nothing else was under way any more. None for one that begins now.
        """
        began_at_s = now_s if idle_from_s is None else self._idle_since_s(now_s, idle_from_s)
        self.leave(now_s)
        self._planned = None
        position = count_begun(self.parts)
        for index in range(position, len(self.parts)):
            planned = self.parts[index]
            if planned.began_at_s is None and planned.place == (self.cell, image, (phase, role)):
                del self.parts[position:index]
                part = planned
                break
        else:
            part = Part(phase, role, image, pixels=self._sizes.of(phase, role), cell=self.cell)
            self.parts.insert(position, part)
        part.began_at_s = began_at_s
        return part

    def _idle_since_s(self, now_s: float, idle_from_s: float) -> float:
        newest = self.newest_begun
        if newest is None:
            return idle_from_s
        return now_s if newest.left_at_s is None else newest.left_at_s

    def leave(self, now_s: float) -> None:
        """The host has gone on from the part under way, if one is."""
        part = self.newest_begun
        if part is None or part.left_at_s is not None or part.began_at_s is None:
            return
        part.left_at_s = now_s
        part.has_compiled = part.has_compiled or self._compiles.has_compiled(now_s - part.began_at_s)

    def replan(self, shape: JobShape, memory: Memory | None) -> None:
        """Plan what has not begun anew: something else is asked for."""
        known = memory or NOTHING_LEARNED
        self.shape, self._planned = shape, None
        begun = self.begun
        self.parts[:] = [*begun, *plan_rest(shape, begun, known.extras, known.passes, self.cell)]
        self._sizes = self._sizes.renewed(shape.asked_pixels, known.passes, self.of_cell)
        self.rates = Rates(self.parts, known, self._earlier)

    def measure(self, part: Part, pixels: int) -> None:
        """A pass was seen to compute so many pixels: so does the rest of its image, and of the cell."""
        self._sizes.measure(part, pixels, self.of_cell)
        self._planned = None

    def begin_cell(self, shape: JobShape | None, memory: Memory | None, now_s: float) -> None:
        """A picture call begins within that of the job, which makes its pictures by it."""
        self.end_cell(now_s)
        self.cell += 1
        self._plan(shape, memory or NOTHING_LEARNED)

    def end_cell(self, now_s: float) -> None:
        """That call has ended: what was planned of it will not come, and what is long over is put aside."""
        self.leave(now_s)
        self._planned, self._settled, self._settled_at_s = None, 0, 0.0
        begun = self.begun
        over = [part for part in begun if part.cell < self.cell and part.is_finished]
        self.over = (self.over + over)[-MOST_OVER:]
        gone = set(map(id, over))
        self.parts[:] = [part for part in begun if id(part) not in gone]

    def cut(self, first_image: int, last_image: int | None) -> bool:
        """Drop what is planned of these images of the cell; return whether anything was meant."""
        self._planned = None
        begun = {part.image for part in self.of_cell if part.began_at_s is not None}
        was_cut = False
        for part in self.of_cell:
            is_meant = first_image <= part.image and (last_image is None or part.image <= last_image)
            still_comes = part.is_finished or (part.phase in _OF_WHAT_THERE_IS and part.image in begun)
            if is_meant and not still_comes:
                part.is_cut = was_cut = True
        self.parts[:] = [part for part in self.parts if part.began_at_s is not None or not part.is_cut]
        return was_cut

    def drop_planned(self) -> None:
        """What has not begun will not come."""
        self.parts[:] = self.begun
        self._planned = None

    def expect_steps(self, kind: PartKind, steps: int) -> None:
        """Passes of a kind have so many steps: so will have those that are planned."""
        self._planned = None
        for part in self.parts[count_begun(self.parts) :]:
            if part.kind == kind:
                part.steps = steps

    def _plan(self, shape: JobShape | None, memory: Memory) -> None:
        self.shape, self._planned = shape, None
        self._sizes = TrueSizes(shape.asked_pixels if shape is not None else {}, memory.passes)
        if shape is not None:
            self.parts += plan_parts(shape, memory.extras, memory.passes, self.cell)
        self.rates = Rates(self.parts, memory, self._earlier)
