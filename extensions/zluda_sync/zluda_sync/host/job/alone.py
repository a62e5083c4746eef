"""What the host does without a picture call: it upscales, details or describes pictures, or loads a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

from zluda_sync.core.phase import ALONE, DETAIL, Phase
from zluda_sync.core.progress.shape import JobShape, PassShape
from zluda_sync.host.job.call_stack import callers
from zluda_sync.host.job.captions import find_files, find_writer
from zluda_sync.host.job.processing import HostProcessing
from zluda_sync.host.job.titles import phase_of

#: The host's function that upscales pictures in its tab "Process", and what it calls the phase around.
_PROCESS, _PROCESS_TITLE = "run_postprocessing", "process"
#: So many frames lie at most between it and the phases in it.
_FAR = 16
#: How the host names what it makes of a picture, what it has made, and what it is asked to do.
_INPUTS, _OUTPUTS, _ARGUMENTS = "image_data", "processed_images", "args"
#: Longest text of an argument that may be the name of an upscaler.
_LONGEST_NAME = 80
_SIDE_PX = 512


class LoneWork(HostProcessing):
    """Stands in the place of the host's processing object for work that has none.

    Args:
        phase: that is all that is asked for.
        what: tells work that takes other times from this: the upscalers, or the model.
        sizes: width and height of each picture, one for work without pictures.
        find_image: gives the zero-based index of the picture that is worked on, None where that is not told.
    """

    def __init__(
        self,
        phase: Phase,
        what: str,
        sizes: Sequence[tuple[int, int]] = ((_SIDE_PX, _SIDE_PX),),
        find_image: Callable[[], int | None] = lambda: None,
    ) -> None:
        super().__init__(None)
        self.phase = phase
        self._what = what
        self._sizes = sizes
        self._find_image = find_image
        self._image = 0
        self._role = DETAIL if phase is Phase.DETAIL else ALONE

    @property
    def is_job(self) -> bool:
        """Loading a model is shown and learned, and counts as no job."""
        return self.phase is not Phase.LOAD

    @property
    def has_pictures(self) -> bool:
        """Whether pictures are upscaled or described, one after the other."""
        return self.phase in (Phase.UPSCALE, Phase.CAPTION)

    def look(self) -> bool:
        """See which picture is worked on, and return whether that is another. On the thread that does it."""
        image, before = self._find_image(), self._image
        if image is not None:
            self._image = max(before, min(image, len(self._sizes) - 1))  # a file may be given twice
        return self._image != before

    @property
    def image(self) -> int:
        """Zero-based index of the picture that is worked on."""
        return self._image

    @property
    def role(self) -> str:
        """The one that work without a pass has."""
        return DETAIL if self.is_in_detailer else self._role

    @property
    def size_px(self) -> tuple[int, int] | None:
        """Width and height of the picture that is worked on."""
        return self._sizes[self._image]

    def shape(self, device: str, model: str, mode: str, settings: str = "") -> JobShape:
        """Return the shape of the work; of the model that is loaded nothing depends on what made pictures."""
        width_px, height_px = self._sizes[0]
        return JobShape(
            device=device,
            model=self._what,
            mode=mode,
            images=len(self._sizes),
            passes=(PassShape(self._role, None, width_px, height_px),),
            phases=(self.phase, Phase.DECODE) if self.phase is Phase.DETAIL else (self.phase,),
        )


def find_lone_work(title: str, around: Sequence[str], model: str) -> LoneWork | None:
    """Return the work that begins with a phase of the host, None if it may yet make pictures.

    Args:
        title: of the phase.
        around: titles of the phases around it, the outermost first.
        model: that the user has chosen, empty if none is.
    """
    is_process = any(one.strip().lower() == _PROCESS_TITLE for one in around)
    if not model:
        return None  # what runs might ask for one, and to ask for its name would load it
    phase = phase_of(title)
    if not around:
        if phase is Phase.CAPTION:
            files = find_files()
            sizes = [(_SIDE_PX, _SIDE_PX)] * max(1, len(files[0]))
            return LoneWork(phase, f"describe by {find_writer()}", sizes, lambda: find_files()[1])
        return LoneWork(phase, f"load {model}") if phase is Phase.LOAD else None
    if phase is Phase.DETAIL and not is_process:
        return LoneWork(phase, f"detail by {model}")
    if not is_process:
        return None
    sizes = [_size_of(one) for one in _list(_find_value(_INPUTS))]
    return LoneWork(Phase.UPSCALE, f"upscale {_find_names()}", sizes, _count_done) if sizes else None


def _count_done() -> int | None:
    done = _find_value(_OUTPUTS)
    return len(done) if isinstance(done, list) else None


def _find_names() -> str:
    """Return the texts among the arguments: the names of upscalers are."""
    texts = (one for one in _list(_find_value(_ARGUMENTS)) if isinstance(one, str) and one)
    return ", ".join(one for one in texts if len(one) <= _LONGEST_NAME)


def _size_of(image: Any) -> tuple[int, int]:
    size = getattr(image, "size", None)
    if isinstance(size, tuple) and len(size) == 2 and all(isinstance(side, int) for side in size):
        return size
    return _SIDE_PX, _SIDE_PX


def _find_process() -> FrameType | None:
    """Return the frame of the host's function on the calling thread's stack, None if it is not near."""
    return next((frame for frame in callers(_FAR) if frame.f_code.co_name == _PROCESS), None)


def _find_value(name: str) -> Any:
    """Return a variable of the host's function, or of a function of its module that it has called."""
    process = _find_process()
    if process is None:
        return None
    for frame in callers(_FAR):
        if frame.f_globals is process.f_globals and name in frame.f_locals:
            return frame.f_locals[name]
        if frame is process:
            break
    return None


def _list(values: Any) -> list[Any]:
    return list(values) if isinstance(values, (list, tuple)) else []
