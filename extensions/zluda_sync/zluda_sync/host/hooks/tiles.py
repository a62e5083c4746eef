"""The bars that the host draws on the console, in which an upscaler counts tiles and a captioner files.

The host has upscalers of many makers, each with a loop of its own over tiles; all draw a bar of rich's. So do
its captioners over the files of a batch; they move it when a file begins.
"""

from __future__ import annotations

import functools
import sys
import weakref
from collections.abc import Callable
from typing import Any

from zluda_sync.core.phase import Phase
from zluda_sync.host.hooks.patch_table import Patch, Switch
from zluda_sync.host.job.current import Jobs
from zluda_sync.host.job.films import give_up_interpolation, may_leave_interpolation
from zluda_sync.host.job.followed import HostJob

_BARS = ("rich.progress", "Progress")
#: What the host writes beside the bar of frames that are put between those of a film.
_BETWEEN_FRAMES = "Interpolate"


class TileHooks:
    """Builds the patches of the class of bars. Only those of the thread that runs a job are looked at.

    Args:
        jobs: knows the job.
    """

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._bar: tuple[weakref.ref[Any], Any] | None = None
        """The bar of the newest loop over tiles, and the number of its task."""

    def patches(self) -> list[Patch]:
        """Return both patches, none while no bar can have been drawn."""
        module, name = _BARS
        bars = getattr(sys.modules.get(module), name, None)
        if not (hasattr(bars, "add_task") and hasattr(bars, "update")):
            return []
        return [
            Patch(bars, "add_task", self._wrap_add_task, "learn how many tiles an upscaler has"),
            Patch(bars, "update", self._wrap_update, "count the tiles that are finished"),
        ]

    def _wrap_add_task(self, original: Callable[..., Any], switch: Switch) -> Callable[..., Any]:
        @functools.wraps(original)
        def add_task(bar: Any, *args: Any, **kwargs: Any) -> Any:
            task_id = original(bar, *args, **kwargs)
            job = self._jobs.driven_here() if switch.is_on else None
            if job is not None:
                with self._jobs.following(job, "following tiles"):
                    total = args[2] if len(args) > 2 else kwargs.get("total")
                    if next(iter(args), kwargs.get("description")) == _BETWEEN_FRAMES:
                        job.run.begin_part(Phase.INTERPOLATE)
                    begins = isinstance(total, int) and total > 0 and job.run.tiles.begin(total)
                    self._bar = (weakref.ref(bar), task_id) if begins else None
            return task_id

        return add_task

    def _wrap_update(self, original: Callable[..., Any], switch: Switch) -> Callable[..., Any]:
        @functools.wraps(original)
        def update(bar: Any, task_id: Any, *args: Any, **kwargs: Any) -> Any:
            job = self._jobs.driven_here() if switch.is_on else None
            if job is not None and self._is_of_tiles(bar, task_id):
                with self._jobs.following(job, "counting tiles"):
                    for _ in range(int(kwargs.get("advance") or 0)):
                        job.run.tiles.pass_one()
                    job.run.tiles.pass_to(int(kwargs.get("completed") or 0))
                _leave_film(job)
            elif job is not None:
                with self._jobs.following(job, "following a batch of captions"):
                    job.go_on_with_caption()
            return original(bar, task_id, *args, **kwargs)

        return update

    def _is_of_tiles(self, bar: Any, task_id: Any) -> bool:
        known = self._bar
        return known is not None and known[0]() is bar and known[1] == task_id


def _leave_film(job: HostJob) -> None:
    """A stopped film gets no more frames between its own: the host goes on to its file with those there are.

    Raises:
        Interrupted: or whatever else the control's signal is.
    """
    part = job.job.part_under_way
    is_between = part is not None and part.phase is Phase.INTERPOLATE
    if is_between and job.control.is_stopped and may_leave_interpolation():
        give_up_interpolation(job.place.now.processing)
        raise job.control.leave_signal
