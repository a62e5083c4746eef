"""Jobs with SD.Next's own sync off, each with a client that takes every preview that it can get."""

from __future__ import annotations

import contextlib
import hashlib
import io
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image

from bench.host.job import PROMPT, SEED, current_session, set_mode
from bench.host.unsynced_work import SAMPLERS, find_shown, offload_moves, restless_unet, wrapped_step
from bench.truth.measured_job import PassTruth
from bench.truth.preview_judge import SeenPreview
from bench.truth.recorder import TruthRecorder, build_marks

#: A client asks again after so long: many times a step.
POLL_S = 0.002
SIZE_PX = 64
#: The colours of a test: every channel counts, and little is out of range.
WEIGHTS = ((24.0, 6.0, -9.0), (-8.0, 22.0, 5.0), (7.0, -6.0, 26.0), (13.0, 11.0, -14.0))
BIAS = 127.5


@dataclass(frozen=True)
class UnsyncedJob:
    """What a job of the proof asks for: pictures one after the other, so that a pass follows another.

    Attributes:
        step_s, decode_s: what a step and a decode take the device at least.
    """

    sampler: str
    steps: int
    pictures: int = 2
    is_offloaded: bool = False
    size_px: int = SIZE_PX
    seed: int = SEED
    step_s: float = 0.0
    decode_s: float = 0.0


@dataclass(frozen=True)
class TrueJob:
    """A job that was made step by step: what its previews should be, and its pictures.

    Attributes:
        pixels: by method, of each pass and step, (h, w, 3), uint8.
        image_sha256: of its pictures.
    """

    pixels: dict[str, list[list[Any]]]
    image_sha256: str


@dataclass(frozen=True)
class WatchedJob:
    """A job that was watched: what a client got, what the device did, and its pictures."""

    previews: list[SeenPreview]
    passes: tuple[PassTruth, ...]
    image_sha256: str


def run_true_job(wanted: UnsyncedJob) -> TrueJob:
    """Run a job without the extension and with the host's own sync, and read each step back."""
    left: list[tuple[Any, Any]] = []

    def keep(scheduler: Any, _sample: Any, latents: Any) -> Any:
        shown = find_shown(scheduler, latents, scheduler.step_index - 1)
        left.append((latents.cpu(), shown.cpu()))
        return latents

    with without_extension(syncs=True), wrapped_step(SAMPLERS[wanted.sampler], keep):
        image_sha256 = make_pictures(wanted)
    per_pass = len(left) // wanted.pictures
    passes = [left[begin : begin + per_pass] for begin in range(0, len(left), per_pass)]
    return TrueJob(
        {
            "fitted": [[_project(shown) for _, shown in one] for one in passes],
            "host": [[_simple(latents) for latents, _ in one] for one in passes],
        },
        image_sha256,
    )


def run_watched_job(wanted: UnsyncedJob, mode: str, method: str, app: Any) -> WatchedJob:
    """Run a job with the host's own sync off in one of our modes, its previews taken by a client."""
    from modules import shared

    set_mode(mode)
    shared.opts.set("torch_sync", False)
    shared.opts.set("zluda_sync_preview", method)
    shared.opts.set("zluda_sync_preview_budget", 50)
    with _known_colours():
        return _watch(wanted, preview_client(app))


def run_stock_job(wanted: UnsyncedJob, syncs: bool) -> WatchedJob:
    """Run a job of the host alone, with a client that has it make its own previews."""
    with without_extension(syncs):
        return _watch(wanted, stock_client())


def _watch(wanted: UnsyncedJob, client: AbstractContextManager[list[SeenPreview]]) -> WatchedJob:
    scheduler_class = SAMPLERS[wanted.sampler]
    with contextlib.ExitStack() as around:
        if wanted.is_offloaded:
            around.enter_context(offload_moves(scheduler_class))
        truth = around.enter_context(TruthRecorder(scheduler_class, build_marks("emulated")))
        with client as previews:
            image_sha256 = make_pictures(wanted)
    return WatchedJob(previews, truth.passes(), image_sha256)


@contextlib.contextmanager
def without_extension(syncs: bool) -> Iterator[None]:
    """A context in which the host is alone, with its own sync on or off."""
    from modules import shared

    set_mode("off")
    shared.opts.set("torch_sync", syncs)
    try:
        yield
    finally:
        shared.opts.set("torch_sync", False)


def make_pictures(wanted: UnsyncedJob) -> str:
    """Have the host make them; returns the SHA-256 of their bytes."""
    from modules import processing, shared

    request = processing.StableDiffusionProcessingTxt2Img(
        prompt=PROMPT,
        seed=wanted.seed,
        steps=wanted.steps,
        n_iter=wanted.pictures,
        width=wanted.size_px,
        height=wanted.size_px,
        cfg_scale=1.0,
        sampler_name=wanted.sampler,
        do_not_save_samples=True,
    )
    phase = shared.state.begin("Text", "task(unsynced)")
    digest = hashlib.sha256()
    with restless_unet(), _slowed(wanted):
        images = processing.process_images(request).images
    for image in images:
        digest.update(image.convert("RGB").tobytes())
    shared.state.end(phase)
    return digest.hexdigest()


@contextlib.contextmanager
def preview_client(app: Any, period_s: float = POLL_S) -> Iterator[list[SeenPreview]]:
    """A context in which a client asks our route for the newest preview, and keeps each once."""
    from zluda_sync.host.api.running_job_route import PreviewFormat

    get_preview = _find_route(app)
    known: list[str | None] = [None]

    def look() -> SeenPreview | None:
        answer = get_preview(PreviewFormat.PNG, None, known[0])
        answered_s = time.perf_counter()
        if answer.status_code != 200:
            return None
        known[0] = answer.headers["ETag"]
        picture = np.asarray(Image.open(io.BytesIO(answer.body)).convert("RGB"))
        return SeenPreview(answered_s, int(answer.headers["X-Preview-Step"]), picture)

    with _client(look, period_s) as previews:
        yield previews


@contextlib.contextmanager
def stock_client() -> Iterator[list[SeenPreview]]:
    """A context in which a client has the host alone make its preview, of the step that it counts."""
    from modules import shared

    state = shared.state

    def look() -> SeenPreview | None:
        is_made = state.current_latent is not None and state.set_current_image()
        answered_s, image, step = time.perf_counter(), state.current_image, state.current_image_sampling_step
        if not is_made or image is None or step < 1:
            return None
        return SeenPreview(answered_s, step - 1, np.asarray(image))

    with _client(look, POLL_S) as previews:
        yield previews


@contextlib.contextmanager
def _client(look: Callable[[], SeenPreview | None], period_s: float) -> Iterator[list[SeenPreview]]:
    """A context in which a thread looks again and again, and keeps what it sees."""
    previews: list[SeenPreview] = []
    over = threading.Event()

    def ask() -> None:
        while not over.wait(period_s):
            seen = look()
            if seen is not None:
                previews.append(seen)

    client = threading.Thread(target=ask, name="preview client", daemon=True)
    client.start()
    try:
        yield previews
    finally:
        over.set()
        client.join()


@contextlib.contextmanager
def _known_colours() -> Iterator[None]:
    """A context in which fitted previews have colours that are known, and nothing is learned."""
    from zluda_sync.device.preview.projection import Projection

    setup = current_session()._preview_setup
    setup._find_projection = lambda channels: Projection(torch.tensor(WEIGHTS), torch.full((3,), BIAS))
    setup.learn = lambda tracked: None
    try:
        yield
    finally:
        del setup._find_projection, setup.learn


@contextlib.contextmanager
def _slowed(wanted: UnsyncedJob) -> Iterator[None]:
    """A context in which steps and decodes take as long as is wanted, whatever the processor is busy with."""
    from modules import shared
    from modules.emulated_device import slow_down

    handles = [
        slow_down(shared.sd_model.unet, lambda args, kwargs: wanted.step_s, "step"),
        slow_down(shared.sd_model.vae.decoder, lambda args, kwargs: wanted.decode_s, "decode"),
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _find_route(app: Any) -> Callable[..., Any]:
    for route in app.routes:
        if getattr(route, "path", None) == "/zluda_sync/v1/preview":
            endpoint: Callable[..., Any] = route.dependant.call
            return endpoint
    raise LookupError("the extension serves no previews; is it loaded?")


def _project(x0: torch.Tensor) -> Any:
    """Return the picture (h, w, 3) that a fitted preview should be."""
    rgb = torch.einsum("chw,ck->hwk", x0[0].float(), torch.tensor(WEIGHTS)) + BIAS
    return rgb.clamp(0, 255).to(torch.uint8).numpy()


def _simple(latents: torch.Tensor) -> Any:
    """Return the picture (h, w, 3) that the embedded host's own method should make."""
    rgb = (latents[0, :3].float() * 0.25 + 0.5).clamp(0, 1) * 255
    return rgb.to(torch.uint8).permute(1, 2, 0).numpy()
