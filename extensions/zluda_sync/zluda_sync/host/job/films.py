"""Films: what comes once the host has made their frames, which no picture call is told of."""

from __future__ import annotations

from typing import Any

from zluda_sync.core.phase import Phase
from zluda_sync.host.job.call_stack import callers

#: What the host calls the processing objects of its tabs for films, in all versions.
_FILM_KIND = "ProcessingVideo"
#: What it calls the number of frames that it is to put between two, in the function of each such tab.
_BETWEEN = "mp4_interpolate"
#: The host's function for that. Where it is left it goes on with the frames that there are.
_CATCHER = "apply_video_interpolation"
#: So many frames lie at most between those functions and ours.
_FAR = 24


def is_film(processing: Any) -> bool:
    """Whether the host makes a film by this object, and not pictures."""
    return any(_FILM_KIND in kind.__name__ for kind in type(processing).__mro__)


def count_frames(processing: Any) -> int:
    """Return how many frames a film will have, 1 if nobody has said."""
    frames = getattr(processing, "frames", None)
    return frames if isinstance(frames, int) and frames > 0 else 1


def find_frames_between() -> int:
    """Return how many frames the host will put between two of the film that it makes on this thread."""
    for frame in callers(_FAR):
        count = frame.f_locals.get(_BETWEEN)
        if isinstance(count, int) and not isinstance(count, bool):
            return max(0, count)
    return 0


def phases_of_film(frames_between: int) -> tuple[Phase, ...]:
    """Return what a film goes through besides its passes."""
    between = (Phase.INTERPOLATE,) if frames_between else ()
    return (Phase.ENCODE, Phase.DECODE, Phase.SAVE, *between, Phase.EXPORT)


def may_leave_interpolation() -> bool:
    """Whether an error on this thread is caught by the host, which then goes on without frames between."""
    return any(frame.f_code.co_name == _CATCHER for frame in callers(_FAR))


def give_up_interpolation(processing: Any) -> None:
    """Tell the host that it need not try again, and that the film has no more frames than it had."""
    if is_film(processing):
        processing.video_interpolated, processing.video_interpolate = True, 0
