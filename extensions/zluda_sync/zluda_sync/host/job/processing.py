"""What the host's processing object tells of a job: its shape, and where in it the host is now."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from zluda_sync.core.phase import BASE, DETAIL, HIRES, REFINE
from zluda_sync.core.progress.shape import IMAGE, MASK, JobShape, PassShape
from zluda_sync.core.settings.conditions import Asker, JobTraits
from zluda_sync.host.job.films import count_frames, find_frames_between, is_film, phases_of_film
from zluda_sync.host.job.fingerprints import fingerprint_scripts

#: SD.Next's defaults where a processing object of another kind lacks a field.
_DEFAULT_SIDE_PX = 1024
#: The mode of resizing that needs no upscaler.
_CONTEXT_AWARE = 5


class HostProcessing:
    """Reads a processing object (``p``). Its fields vary by version and tab, so none is taken for granted.

    Args:
        processing: ``p``, None for a job that runs outside of the host's processing.
    """

    def __init__(self, processing: Any = None) -> None:
        self._p = processing
        self._input: tuple[str, tuple[int, int] | None] | None = None
        self._scripts: str | None = None
        self._frames_between: int | None = None
        self.is_in_detailer = False
        self.is_film = is_film(processing)

    @classmethod
    def of(cls, processing: Any) -> HostProcessing:
        """Return what reads this; what does so already is returned itself."""
        return processing if isinstance(processing, HostProcessing) else cls(processing)

    @property
    def is_job(self) -> bool:
        """Whether it is a job to users, with a number and a record."""
        return True

    @property
    def image(self) -> int:
        """Zero-based index of the batch that is made now."""
        return _whole(self._get("iteration"), 0)

    @property
    def role(self) -> str:
        """Which pass the host is in."""
        if self.is_in_detailer:
            return DETAIL
        if self._get("is_hr_pass"):
            return HIRES
        if self._get("is_refiner_pass"):
            return REFINE
        return BASE

    @property
    def size_px(self) -> tuple[int, int] | None:
        """Width and height of the picture in the pass that the host is in, None if unknown."""
        names = ("hr_upscale_to_x", "hr_upscale_to_y") if self.role == HIRES else ("width", "height")
        width_px, height_px = (_whole(self._get(name), 0) for name in names)
        return (width_px, height_px) if width_px > 0 and height_px > 0 else None

    def like(self, other: JobShape) -> JobShape:
        """Return the shape of a job of the same script with the same settings; quicker than :meth:`shape`."""
        self._scripts = other.scripts
        return self.shape(other.device, other.model, other.mode, other.settings) or other

    def shape(self, device: str, model: str, mode: str, settings: str = "") -> JobShape | None:
        """Return the shape of the job as far as the request tells, None if nothing is known of it.

        Args:
            device: name of the accelerator.
            model: name of the checkpoint.
            mode: when the host waits.
            settings: what tells the settings that change speed from others.
        """
        if self._p is None:
            return None
        if self._input is None:  # later the host puts pictures of its own there
            self._input = self._find_input()
        if self._scripts is None:  # asked before each image, and dear
            self._scripts = fingerprint_scripts(self._p)
        source, input_px = self._input
        width_px, height_px = self._asked_size_px(input_px)
        steps = _whole(self._get("steps"), 0) or None
        passes = [PassShape(BASE, steps, width_px, height_px)]
        if self._expects_hires():
            passes.append(
                PassShape(
                    HIRES,
                    _whole(self._get("hr_second_pass_steps"), 0) or steps,
                    *self._hires_size_px(width_px, height_px),
                    is_from_picture=self._is_resized_by_hires() and not self._has_latent_upscaler(),
                )
            )
        shape = JobShape(
            device=device,
            model=model,
            sampler=str(self._get("sampler_name") or ""),
            mode=mode,
            images=max(1, _whole(self._get("n_iter"), 1)),
            batch_size=max(1, _whole(self._get("batch_size"), 1)),
            passes=tuple(passes),
            has_detailer=bool(self._get("detailer_enabled")),
            settings=settings,
            guidance=self._guidance,
            source=source,
            strength=self._strength if source or len(passes) > 1 else None,
            scripts=self._scripts,
        )
        return self._as_film(shape) if self.is_film else shape

    def _as_film(self, shape: JobShape) -> JobShape:
        if self._frames_between is None:  # asked for a film that runs, on its thread
            self._frames_between = find_frames_between()
        between = f", {self._frames_between} between" if self._frames_between else ""
        return replace(
            shape,
            batch_size=count_frames(self._p) * shape.batch_size,
            phases=phases_of_film(self._frames_between),
            scripts=shape.scripts + between,
        )

    def traits(self, device: str, model: str, model_type: str, asked_by: Asker = Asker.UNKNOWN) -> JobTraits:
        """Return what rules may ask for.

        Args:
            device: name of the accelerator.
            model: name of the checkpoint.
            model_type: the host's word for its kind.
            asked_by: who asked for the job.
        """
        return JobTraits(
            images=_whole(self._get("n_iter"), 0) or None,
            batch_size=_whole(self._get("batch_size"), 0) or None,
            width=_whole(self._get("width"), 0) or None,
            height=_whole(self._get("height"), 0) or None,
            steps=_whole(self._get("steps"), 0) or None,
            model_type=model_type,
            model=model,
            device=device,
            asked_by=asked_by,
        )

    @property
    def processing(self) -> Any:
        """The host's object itself, None for a job that runs outside of the host's processing."""
        return self._p

    @property
    def script_title(self) -> str | None:
        """Title of the selectable script that makes the pictures, None without one."""
        arguments, scripts = self.script_arguments, getattr(self._get("scripts"), "selectable_scripts", None)
        number = arguments[0] if isinstance(arguments, (list, tuple)) and arguments else None
        if not isinstance(number, int) or not isinstance(scripts, list) or not 0 < number <= len(scripts):
            return None
        return str(scripts[number - 1].title())

    @property
    def script_arguments(self) -> Any:
        """The arguments of all scripts, as the host keeps them."""
        return self._get("script_args")

    @property
    def _guidance(self) -> str:
        """What makes a step compute more than once."""
        scale = _number(self._get("cfg_scale"), 0)
        perturbed = (_number(self._get(name), 0) for name in ("pag_scale", "cfg_true"))
        found = {
            "cfg": scale > 1 or scale < 0,  # below 0 the pipeline's own default counts, which is above 1
            "pag": any(one > 0 for one in perturbed),
            "control": bool(self._get("is_control")),
            "hidiffusion": bool(self._get("hidiffusion")),
        }
        return " ".join(name for name, is_on in found.items() if is_on)

    @property
    def _strength(self) -> float | None:
        strength = _number(self._get("denoising_strength"), -1)
        return round(strength, 3) if 0 <= strength <= 1 else None

    def _find_input(self) -> tuple[str, tuple[int, int] | None]:
        """Return what the job begins with, and the size of that picture, None without one."""
        images = self._get("init_images")
        first = images[0] if isinstance(images, (list, tuple)) and images else None
        if first is None:
            return "", None
        masks = (self._get(name) for name in ("image_mask", "mask"))
        source = MASK if any(mask is not None for mask in masks) else IMAGE
        size = getattr(first, "size", None)
        is_size = isinstance(size, tuple) and len(size) == 2 and all(isinstance(side, int) for side in size)
        return source, size if is_size else None

    def _asked_size_px(self, input_px: tuple[int, int] | None) -> tuple[int, int]:
        """Return width and height of the picture as the request has them; what is computed may differ."""
        given_px = input_px or (_DEFAULT_SIDE_PX, _DEFAULT_SIDE_PX)
        is_masked_alone = bool(self._get("inpaint_full_res")) and self._get("image_mask") is not None
        if input_px is not None and self._get("resize_mode") == 0 and not is_masked_alone:
            # The host does not resize the picture, whatever width and height say; sides are rounded up.
            width_px, height_px = (math.ceil(side / 8) * 8 for side in given_px)
            return width_px, height_px
        scale = _number(self._get("scale_by"), 1.0) or 1.0  # of the input, which a size of 0 stands for
        width_px = _whole(self._get("width"), 0) or round(given_px[0] * scale)
        height_px = _whole(self._get("height"), 0) or round(given_px[1] * scale)
        return width_px, height_px

    def _expects_hires(self) -> bool:
        """Whether a second denoising pass will follow; upscaling alone has none."""
        if not self._get("enable_hr"):
            return False
        names = ("hr_denoising_strength", "denoising_strength")
        strength = next(filter(None, (_number(self._get(name), 0) for name in names)), 0)
        return strength > 0 and (self._has_latent_upscaler() or bool(self._get("hr_force")))

    def _has_latent_upscaler(self) -> bool:
        upscaler = self._get("hr_upscaler")
        return upscaler is None or str(upscaler).lower().startswith("latent")

    def _is_resized_by_hires(self) -> bool:
        """Whether hires changes the size; without a mode, as by default, it denoises again at the same."""
        mode = self._get("hr_resize_mode")
        if not isinstance(mode, int):
            return True  # a version without modes always does
        return mode > 0 and (mode == _CONTEXT_AWARE or str(self._get("hr_upscaler")) != "None")

    def _hires_size_px(self, width_px: int, height_px: int) -> tuple[int, int]:
        """Return width and height of the picture that hires makes of one of this size."""
        if not self._is_resized_by_hires():
            return width_px, height_px
        scale = _number(self._get("hr_scale"), 1.0) or 1.0
        return (
            _whole(self._get("hr_resize_x"), 0) or round(width_px * scale),
            _whole(self._get("hr_resize_y"), 0) or round(height_px * scale),
        )

    def _get(self, name: str) -> Any:
        return getattr(self._p, name, None)


class HostPlace:
    """Where in its work a job is: in the picture call that it follows, or in one that lies within that.

    Args:
        outer: the call that the job follows.
    """

    def __init__(self, outer: HostProcessing) -> None:
        self._calls = [outer]

    @property
    def now(self) -> HostProcessing:
        """The call whose pictures are planned now. Any thread."""
        return self._calls[-1]

    @property
    def depth(self) -> int:
        """How many calls lie around each other, that one included."""
        return len(self._calls)

    def enter(self, inner: HostProcessing) -> None:
        """A call within the innermost one makes the pictures from now on."""
        self._calls.append(inner)

    def leave(self) -> None:
        """The innermost call has ended."""
        if len(self._calls) > 1:
            self._calls.pop()

    @property
    def image(self) -> int:
        """Zero-based index of the batch that is made now."""
        return self.now.image

    @property
    def role(self) -> str:
        """Which pass the host is in."""
        return self.now.role

    @property
    def size_px(self) -> tuple[int, int] | None:
        """Width and height of the picture in the pass that the host is in, None if unknown."""
        return self.now.size_px


def _number(value: Any, default: float) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return default


def _whole(value: Any, default: int) -> int:
    number = _number(value, default)
    return int(number) if abs(number) < 1e9 else default
