"""Hooks around making and decoding one image, where a job that left a model early comes out in order."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from PIL import Image

from zluda_sync.core.errors import Interrupted
from zluda_sync.host.hooks.patch_table import Switch
from zluda_sync.host.job.current import Jobs
from zluda_sync.host.job.followed import HostJob
from zluda_sync.host.job.requests import Requests
from zluda_sync.host.sdnext import SdNext, log
from zluda_sync.pipeline.pictures import build_pair

#: What the host changes of the request on its way through the passes of an image, and puts back at its end.
_CHANGED_BY_PASSES = ("is_hr_pass", "is_refiner_pass", "denoising_strength")
#: Pictures of a job that are learned from; a long batch teaches no more.
MOST_PAIRS = 4
#: The host's kind of decode that is not the VAE's own.
_TINY = "Tiny"


class ImageHook:
    """Builds the replacement of ``process_diffusers(p)``, which makes all pictures of one image."""

    def __init__(self, jobs: Jobs, requests: Requests, host: SdNext) -> None:
        self._jobs = jobs
        self._requests = requests
        self._host = host

    def wrap(self, original: Callable[..., Any], switch: Switch) -> Callable[..., Any]:
        """Wrap ``process_diffusers(p) -> pictures``.

        A Stop that the host has forgotten is pressed again before it begins.

        After Stop or Skip it returns no pictures, as the host does where it looks at its flags itself. Not
        every phase of the host expects to be left: what follows from leaving it ends here, and what the host
        had not put back is put back.
        """

        watching = self._jobs.guard.watching

        @functools.wraps(original)
        def process_diffusers(p: Any, *args: Any, **kwargs: Any) -> Any:
            if not switch.is_on:
                return original(p, *args, **kwargs)
            before = _Before(p, self._host.model)
            job = self._jobs.current if self._jobs.is_driving() else None
            try:
                self._jobs.press_again()
                if job is not None:
                    job.run.begin_call()
                    with self._jobs.following(job, "planning an image"):
                        job.begin_image()
                pictures = original(p, *args, **kwargs)
            except Exception as error:
                control = self._requests.own
                if control is None or not control.wants_out():
                    with watching("noting that there is no picture"):
                        self._note_failure(job)
                    raise
                control.press_again()
                level = log.debug if isinstance(error, Interrupted) else log.warning
                level(f"ZLUDA Sync: image left early: {type(error).__name__}: {error}")
                with watching("putting back what a pass has changed"):
                    before.put_back(p, self._host)
                with watching("finding what stands for a stopped image"):
                    self._stand_in(p, job)
                return []
            finally:
                if job is not None:
                    job.run.end_call()
            with watching("noting a whole picture"):
                self._note(p, pictures, job)
            return pictures

        return process_diffusers

    def _note(self, p: Any, pictures: Any, job: HostJob | None) -> None:
        """The host has made the pictures of an image, or none after a Stop."""
        control = self._requests.own
        if control is not None and isinstance(pictures, list) and pictures:
            control.note_whole_picture()
            control.newest_picture = pictures[-1]
            if job is not None:
                job.wishes.note_whole_picture()
        elif control is not None and isinstance(pictures, list):
            self._note_failure(job)
            self._stand_in(p, job)
        if job is not None and job.film_latents is not None:
            self._keep_film(job, job.film_latents, pictures)

    def _note_failure(self, job: HostJob | None) -> None:
        """The host has made nothing of an image: an error ended it, which mostly it catches itself."""
        if job is not None:
            job.wishes.note_no_picture()

    def _keep_film(self, job: HostJob, latents: torch.Tensor, pictures: Any) -> None:
        """Give the job what previews of films learn from: their pipelines decode by themselves."""
        channels, job.film_latents = self._host.latent_channels, None
        pair = build_pair(latents, pictures, channels, job.place.size_px) if channels is not None else None
        if pair is not None:
            job.decoded_pairs.setdefault(self._host.latents_name, []).append(pair)

    def _stand_in(self, p: Any, job: HostJob | None) -> None:
        """Have what there is stand for an image that was stopped, where the host has no preview of it.

        Scripts take for granted that there is a picture: the half-made one of the cell that was stopped, or
        the newest whole one. A grid does not, and would show that in the wrong place.
        """
        control, fields = self._requests.own, vars(self._host.state)
        if control is None or not control.is_stopped:
            return
        if job is not None:
            _make_preview(self._host.state, job.image_latents)
        if fields.get("current_image") is not None:
            return
        picture = control.unfinished_picture
        if picture is None and control.newest_picture is not None and not getattr(p, "xyz", False):
            picture = _as_image(control.newest_picture)
        if picture is not None:
            fields["current_image"] = picture


def _make_preview(state: Any, latents: Any) -> None:
    """Have the host make the preview that it delivers in the place of a stopped picture, if it has none.

    Where all steps were queued when Stop was pressed, the host is past the point where it does so by itself.
    """
    is_plain = isinstance(latents, torch.Tensor) and latents.ndim == 4
    make = getattr(state, "do_set_current_image", None)
    if is_plain and make is not None and vars(state).get("current_image") is None:
        state.current_latent = latents
        make()


def _as_image(picture: Any) -> Image.Image:
    """Return a picture as the host's decode gives it, (h, w, 3) of bytes or of 0 to 1, as an image."""
    if isinstance(picture, Image.Image):
        return picture
    pixels = np.asarray(picture)
    if pixels.dtype != np.uint8:
        pixels = (pixels * 255).clip(0, 255).astype(np.uint8)
    return Image.fromarray(pixels)


class _Before:
    """The request and the model as they were before the first pass."""

    def __init__(self, p: Any, model: Any) -> None:
        self._values = {name: getattr(p, name) for name in _CHANGED_BY_PASSES if hasattr(p, name)}
        self._task_args = dict(getattr(p, "task_args", None) or {})
        self._model = model

    def put_back(self, p: Any, host: SdNext) -> None:
        for name, value in self._values.items():
            setattr(p, name, value)
        if "image" in self._task_args:
            p.task_args.setdefault("image", self._task_args["image"])
        if self._model is not None and host.model is not self._model:
            host.model = self._model


class DecodedPairs:
    """Builds the replacement of the host's ``vae_decode``, which gives the job each pair that it sees.

    A pair is final latents and the picture that was decoded from them: what a projection is fitted to.
    """

    def __init__(self, jobs: Jobs, host: SdNext) -> None:
        self._jobs = jobs
        self._host = host

    def wrap(self, original: Callable[..., Any], switch: Switch) -> Callable[..., Any]:
        """Wrap ``vae_decode(latents, model, …) -> pictures``, which ends with the pictures on the host."""

        watching = self._jobs.guard.watching

        @functools.wraps(original)
        def vae_decode(*args: Any, **kwargs: Any) -> Any:
            if not switch.is_on:
                return original(*args, **kwargs)
            self._jobs.press_again()
            pictures: Any = ()
            try:
                pictures = original(*args, **kwargs)
            finally:
                latents = kwargs.get("latents", args[0] if args else None)
                with watching("keeping what there is of a picture"):
                    self._stand_in(latents, pictures)
            if switch.is_on and kwargs.get("vae_type") != _TINY:
                size_px = (kwargs.get("width"), kwargs.get("height"))
                with watching("keeping a decoded picture"):
                    self._keep(latents, pictures, size_px)
            return pictures

        return vae_decode

    def _stand_in(self, latents: Any, pictures: Any) -> None:
        """A decode was left after a Stop: have the host make the preview that it delivers in its place."""
        job, state = self._jobs.current, self._host.state
        if job is None or not job.run.is_driver() or job.control.stopped_at_s is None or len(pictures):
            return
        _make_preview(state, latents)

    def _keep(self, latents: Any, pictures: Any, size_px: tuple[Any, Any]) -> None:
        job, channels = self._jobs.current, self._host.latent_channels
        if (
            job is None
            or not job.run.is_driver()
            or channels is None
            or not isinstance(latents, torch.Tensor)
        ):
            return
        pairs = job.decoded_pairs.setdefault(self._host.latents_name, [])
        if len(pairs) >= MOST_PAIRS:
            return
        pair = build_pair(latents, pictures, channels, size_px if all(size_px) else None)
        if pair is not None:
            pairs.append(pair)
