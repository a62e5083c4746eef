"""What is known of a job and its cells before they are made: from what is asked for, and what was learned."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from zluda_sync.core.guard import Guard
from zluda_sync.core.learning.durations import Learning, ShapeMemory
from zluda_sync.core.learning.grid_memory import GridKey, GridMemory, digest_of
from zluda_sync.core.learning.late_saver import LateSaver
from zluda_sync.core.learning.residuals import Estimates
from zluda_sync.core.learning.sightings import Sightings
from zluda_sync.core.progress.cells import RequestCells
from zluda_sync.core.progress.cells_ahead import CellPlan
from zluda_sync.core.progress.job import Job
from zluda_sync.core.progress.shape import JobShape
from zluda_sync.host.job.call_loop import may_come_again
from zluda_sync.host.job.grid_axes import foresee_cells
from zluda_sync.host.job.processing import HostPlace, HostProcessing

#: The host's function that makes the pictures of one cell.
_PICTURE_CALL = "process_images"
#: Code of servers and threads, which loops over requests.
_BEYOND = ("anyio.", "asyncio.", "concurrent.", "fastapi.", "gradio.", "starlette.", "threading.", "uvicorn.")
#: The host's loop over input pictures: a loop with one picture, too. With several some versions make one call
#: for all of them, and others one for each.
_INPUT_LOOP = "control_run"


@dataclass(frozen=True)
class Lessons:
    """All that jobs have taught: how long parts take, what requests of many cells are made of, how far off
    estimates were, which were seen ahead of the device."""

    durations: Learning
    grids: GridMemory
    estimates: Estimates
    sightings: Sightings
    saver: LateSaver

    @classmethod
    def of(cls, folder: Path, warn: Callable[[str], None]) -> Lessons:
        """Return what is kept in the user's data folder; read when it is first needed.

        Args:
            folder: of the user's data.
            warn: told in one sentence of a file that cannot be used.
        """
        saver = LateSaver(warn)
        durations = Learning(folder, warn, saver)
        grids, estimates = GridMemory(folder, warn, saver), Estimates(durations, folder, warn, saver)
        return cls(durations, grids, estimates, Sightings(folder, warn, saver), saver)


class Planning:
    """Plans one job, and the picture calls within it. On the thread that runs it.

    Args:
        lessons: of earlier jobs.
        place: tells which call makes the pictures.
        find_shape: gives what is asked for with a call.
        cells: of the request.
        find_state: gives the host's ``shared.state``.
        codes: what of the host's code runs the request.
        guard: keeps errors of ours from the host.
    """

    def __init__(
        self,
        lessons: Lessons,
        place: HostPlace,
        find_shape: Callable[[Any], JobShape | None],
        cells: RequestCells,
        find_state: Callable[[], Any],
        codes: tuple[CodeType, ...],
        guard: Guard,
    ) -> None:
        self._lessons = lessons
        self._place = place
        self._find_shape = find_shape
        self._cells = cells
        self._find_state = find_state
        self._codes = codes
        self._guard = guard
        self._digest: str | None = None  # of what the job's first call asks for

    def memory_for(self, shape: JobShape | None) -> ShapeMemory | None:
        """Return what is known for jobs of this shape, None for one of no known shape."""
        return self._lessons.durations.memory_for(shape)

    def begin(self, job: Job) -> None:
        """The job begins, and with it a cell."""
        self._begin(job, self._place.now, is_inner=False)

    def begin_cell(self, job: Job, within: HostProcessing) -> None:
        """A call within that of the job begins, which makes its pictures."""
        shape = self._find_shape(within)
        job.begin_cell(shape, self.memory_for(shape))
        self._begin(job, within, is_inner=True)

    def end_cell(self, job: Job) -> None:
        """That call has ended."""
        is_whole = job.is_whole and not job.was_cut
        job.end_cell()
        self._cells.end_cell()
        with self._guard.watching("learning from a cell"):
            if is_whole:
                self._lessons.durations.learn(job)

    def take_late_changes(self, job: Job) -> bool:
        """Plan anew if a script, or the host, has changed what is asked for; return whether one did."""
        asked = self._find_shape(self._place.now)
        if asked is None or asked == job.shape:
            return False
        self._lessons.estimates.job_changed()
        job.replan(asked, self.memory_for(asked))
        self._cells.replan(asked)
        return True

    def _begin(self, job: Job, call: HostProcessing, is_inner: bool) -> None:
        plan = CellPlan(job.shape)
        with self._guard.watching("foreseeing the cells of a request"):
            plan = self._build_plan(job, call)
        self._cells.begin_cell(job, plan, is_inner)

    def _build_plan(self, job: Job, call: HostProcessing) -> CellPlan:
        caller = _find_caller()
        may_come = may_come_again(caller, _PICTURE_CALL, _is_beyond, self._codes)
        is_alone = not (may_come or self._cells.is_declared)
        if self._digest is None:
            asked = {"arguments": call.script_arguments, "shape": repr(job.shape), "is_alone": is_alone}
            self._digest = digest_of(asked)
        if is_alone:
            # Known for its cells all the same: the same call made them within itself before.
            learned = self._lessons.grids.find(self._digest)
            is_around = learned is not None
            return CellPlan(job.shape, is_around, (), learned, None, self.memory_for, is_around)
        foreseen: tuple[JobShape, ...] = ()
        with self._guard.watching("reading the axes of a grid"):
            foreseen = self._cells.foreseen or self._foresee(job.shape, call)
        key = self._cells.key
        if key is None:
            key = self._cells.key = GridKey(_find_script(call, caller), self._digest)
        return CellPlan(
            job.shape,
            may_come,
            foreseen,
            self._lessons.grids.find(key.digest),
            self._lessons.grids.usual_cells(key.script),
            self.memory_for,
        )

    def _foresee(self, first: JobShape | None, call: HostProcessing) -> tuple[JobShape, ...]:
        """Return the shapes of all cells of a grid in order, empty if none is made."""
        cells = foresee_cells(vars(self._find_state()), call.processing)
        if first is None or not cells:
            return ()
        unlike = {id(one): one for one in cells}
        shape_of = {key: HostProcessing(one).like(first) for key, one in unlike.items()}
        return tuple(shape_of[id(one)] for one in cells)


def _find_script(call: HostProcessing, caller: FrameType | None) -> str:
    """Return what makes the cells of a request: a script's title, or the host's function."""
    if call.script_title is not None or caller is None:
        return call.script_title or ""
    return f"{caller.f_globals.get('__name__', '')}.{caller.f_code.co_name}"


def _find_caller() -> FrameType | None:
    """Return the frame that has begun the innermost picture call, None if there is none."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_name != _PICTURE_CALL:
        frame = frame.f_back
    return frame.f_back if frame is not None else None


def _is_beyond(frame: FrameType) -> bool:
    """Whether a frame loops over requests, or is the host's loop over inputs, with one input."""
    is_server = f"{frame.f_globals.get('__name__', '')}.".startswith(_BEYOND)
    return is_server or (frame.f_code.co_name == _INPUT_LOOP and _has_one_input(frame))


def _has_one_input(frame: FrameType) -> bool:
    inputs, film = frame.f_locals.get("inputs"), frame.f_locals.get("cap")
    return isinstance(inputs, list) and len(inputs) == 1 and film is None
