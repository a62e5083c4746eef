"""Run one job in the embedded host and keep what was seen and what was true."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.host.unforeseen import unforeseen_passes
from bench.truth.measured_job import MeasuredJob, Sample
from bench.truth.recorder import TruthRecorder, build_marks
from bench.truth.sampler import ProgressSampler, find_preview_step, find_progress_endpoint

SEED = 20260722
PROMPT = "a red circle on blue"
HIRES_SCALE = 1.5
REQUEST_TITLE = "Text"
MODES = ("auto", "off", "every-step", "run-ahead", "observe")

ENABLED_OPTION = "zluda_sync_enabled"
PROFILE_OPTION = "zluda_sync_profile"
GATE_OPTION = "zluda_sync_gate"
MODE_OPTION = "zluda_sync_mode"
DEPTH_OPTION = "zluda_sync_depth"
PROFILE_BY_SETTINGS = "balanced"
"""The profile that sets nothing itself: the mode in the settings goes."""
GATE_EVERYWHERE = "always"


class JobError(Exception):
    """The job delivered less than it was asked for; one line for the user."""


class ExtensionMissingError(Exception):
    """A mode was asked for that only the extension has; one line for the user."""


@dataclass(frozen=True)
class WantedJob:
    """What a job asks for, and so how long it takes: `batches` pictures one after the other.

    Each takes its `steps`. With a `strength` each picture is made from another one. A job with an
    `unforeseen` pass denoises and decodes every picture once more, which its request does not tell.
    """

    steps: int = 20
    batches: int = 1
    hires: bool = False
    strength: float | None = None
    unforeseen: bool = False
    size_px: int = 256
    prompt: str = PROMPT
    seed: int = SEED

    @property
    def planned_passes(self) -> int:
        """Denoise passes that follow from the request."""
        return self.batches * (2 if self.hires else 1)


@dataclass(frozen=True)
class FinishedJob:
    """A job's pictures (PIL), and what was measured of it."""

    images: Sequence[Any]
    measured: MeasuredJob

    @property
    def image_sha256(self) -> str:
        """Digest of the raw RGB bytes of all pictures, in order."""
        digest = hashlib.sha256()
        for image in self.images:
            digest.update(image.convert("RGB").tobytes())
        return digest.hexdigest()


def set_mode(mode: str, depth: int = 1) -> None:
    """Make the jobs that follow go by this mode, whatever profile, rules and other settings were saved.

    Nothing is saved to config.json.
    In mode `off` the host's own synchronize is off too, so that the bare host is seen.

    Raises:
        ExtensionMissingError: the mode needs the extension and it is not loaded.
    """
    from modules import shared

    options = shared.opts
    if MODE_OPTION in options.data_labels:
        options.set(DEPTH_OPTION, depth)
        options.set(MODE_OPTION, mode)
        options.set(GATE_OPTION, GATE_EVERYWHERE)
        options.set(PROFILE_OPTION, PROFILE_BY_SETTINGS)
        options.set(ENABLED_OPTION, True)
    elif mode != "off":
        raise ExtensionMissingError(
            f"mode {mode} needs the extension, which is not loaded; see the messages above"
        )
    if mode == "off":
        options.set("torch_sync", False)


def forget_learned() -> None:
    """Make the extension, where it is loaded, know nothing of earlier jobs, on the disk and in memory.

    Users delete the folder and start the host again; a campaign begins anew in the middle of a process.
    """
    from modules import shared

    if MODE_OPTION not in shared.opts.data_labels:
        return
    session = current_session()
    wait_saved()  # else a late write brings it back
    folder = session._host.data_folder / "zluda_sync"
    files = [folder / name for name in ("durations.json", "grids.json", "estimates.json")]
    for file in (*files, *(folder / "projections").glob("*.safetensors")):
        file.unlink(missing_ok=True)
    lessons = session._lessons
    lessons.durations._durations = None  # read from the disk with the next job
    lessons.grids._known = lessons.estimates._residuals = None
    session._preview_setup._projections.forget()


def wait_saved() -> None:
    """Have the extension, where it is loaded, write now what it has learned and not written yet."""
    from modules import shared

    if MODE_OPTION in shared.opts.data_labels:
        current_session()._lessons.saver.flush()


def current_session() -> Any:
    """Return the extension's session in the running host, which must have loaded it."""
    entry: Any = importlib.import_module("zluda_sync.host.entry")
    return entry.current_session()


def hold_self_test() -> None:
    """Keep the extension, where it is loaded, from testing the device between two jobs."""
    from modules import shared

    if MODE_OPTION in shared.opts.data_labels:
        current_session().self_testing.is_automatic = False


def newest_mode() -> str:
    """Return the mode that the newest of the followed jobs was asked for, "off" if none was followed."""
    from modules import shared

    if MODE_OPTION not in shared.opts.data_labels:
        return "off"
    session = current_session()
    newest = session.records.recent(1)
    if not newest:
        return "off"
    profile = session.profiles.book.profiles[newest[0].profile]
    return str(profile.apply(session.profile_choice.settings).mode.value)


def run_job(
    wanted: WantedJob,
    *,
    app: Any | None = None,
    watched: bool = True,
    wants_previews: bool = True,
    on_sample: Callable[[Sample], None] | None = None,
    endpoint: Callable[[Any], Any] | None = None,
) -> FinishedJob:
    """Run one job to its pictures.

    Unwatched, nothing polls and nothing marks the device: only the job's time is taken. An `endpoint` answers
    the client in the place of the app.

    Raises:
        JobError: it delivered fewer pictures than asked for.
    """
    from modules import devices, processing, progress, shared

    request = build_request(wanted)
    task_id = f"task(measure-{time.monotonic_ns()})"
    with contextlib.ExitStack() as watching:
        truth = sampler = None
        if wanted.unforeseen:
            watching.enter_context(unforeseen_passes())
        if watched:
            marks = build_marks(devices.device.type)
            truth = watching.enter_context(TruthRecorder(type(shared.sd_model.scheduler), marks))
        progress.start_task(task_id)
        watching.callback(progress.finish_task, task_id)
        if watched:
            endpoint = endpoint or find_progress_endpoint(app)
            sampler = watching.enter_context(
                ProgressSampler(endpoint, task_id, wants_previews, on_sample, find_preview_step(app))
            )
        started_s = time.perf_counter()
        # A request is a phase around the job, as the page's button makes it.
        phase = shared.state.begin(REQUEST_TITLE, task_id)
        result = processing.process_images(request)
        shared.state.end(phase)
        ended_s = time.perf_counter()
    images = [] if result is None else list(result.images)
    if len(images) < wanted.batches:
        raise JobError(
            f"the job delivered {len(images)} of {wanted.batches} pictures; see the host's messages above"
        )
    measured = MeasuredJob(
        started_s=started_s,
        ended_s=ended_s,
        passes=truth.passes() if truth is not None else (),
        samples=tuple(sampler.samples) if sampler is not None else (),
        previews=tuple(sampler.previews) if sampler is not None else (),
        phases_began_s=_phases_began_s(started_s, ended_s),
    )
    return FinishedJob(images, measured)


def build_request(wanted: WantedJob) -> Any:
    """Return the host's object for a wanted job."""
    from modules import processing

    common: dict[str, Any] = {
        "prompt": wanted.prompt,
        "seed": wanted.seed,
        "steps": wanted.steps,
        "n_iter": wanted.batches,
        "width": wanted.size_px,
        "height": wanted.size_px,
        "do_not_save_samples": True,
    }
    if wanted.strength is None:
        return processing.StableDiffusionProcessingTxt2Img(
            enable_hr=wanted.hires, hr_scale=HIRES_SCALE, **common
        )
    from PIL import Image

    picture = Image.linear_gradient("L").resize((wanted.size_px, wanted.size_px)).convert("RGB")
    return processing.StableDiffusionProcessingImg2Img(
        init_images=[picture], denoising_strength=wanted.strength, **common
    )


def _phases_began_s(started_s: float, ended_s: float) -> tuple[float, ...]:
    """Return when the host began its phases between two times; its history has them by the wall clock."""
    from modules import shared

    offset_s = time.perf_counter() - time.time()
    began_s = (
        entry["timestamp"] + offset_s for entry in shared.state.state_history if entry["op"] == "begin"
    )
    return tuple(time_s for time_s in began_s if started_s <= time_s <= ended_s)
