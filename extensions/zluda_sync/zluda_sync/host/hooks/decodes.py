"""Pairs of final latents and the picture that the host decoded from them: what a projection is fitted to."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch

from zluda_sync.host.hooks.patch_table import Switch
from zluda_sync.host.job.current import Jobs
from zluda_sync.host.sdnext import SdNext
from zluda_sync.pipeline.pictures import build_pair

#: Pictures of a job that are learned from; a long batch teaches no more.
MOST_PAIRS = 4
#: The host's kind of decode that is not the VAE's own.
_TINY = "Tiny"


class DecodedPairs:
    """Builds the replacement of the host's ``vae_decode``, which gives the job each pair that it sees."""

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
        """A decode was left after a Stop: have the host make the preview that it delivers in its place.

        Where all steps were queued when Stop was pressed, the host is here already. Alone it would have been
        in its steps still, and have made its preview of them.
        """
        job, state = self._jobs.current, self._host.state
        if job is None or not job.run.is_driver() or job.control.stopped_at_s is None or len(pictures):
            return
        is_plain = isinstance(latents, torch.Tensor) and latents.ndim == 4
        make = getattr(state, "do_set_current_image", None)
        if is_plain and make is not None and vars(state).get("current_image") is None:
            state.current_latent = latents
            make()

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
