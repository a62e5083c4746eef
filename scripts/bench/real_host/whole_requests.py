"""Requests that make several pictures with one press, for the real SD.Next; and how true their bar is."""

from __future__ import annotations

import base64
import io
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from bench.differential.cases import IMG2IMG, TXT2IMG, XYZ_GRID
from bench.real_host import small_model
from bench.real_host.server import JOB_LIMIT_S, SdNextServer
from bench.truth.figures import SAMPLE_PERIOD_S, build_figures
from bench.truth.measured_job import MeasuredJob, Sample

#: Bounds of the error of bar and ETA, first and learned; and of the bar where no number is declared.
FIRST_BAR, FIRST_ETA, LEARNED_BAR, LEARNED_ETA, OPEN_BAR = 0.06, 0.10, 0.02, 0.03, 0.25
SIDE_PX = 128
STEPS = 6
#: Checkpoints between which a grid changes, as the host names them.
MODELS = ("Diffusers/tests/other", f"Diffusers/{small_model.NAME}")
_NOTHING = ("Nothing", "", "")
CONTROL = "/unruly_scripts/control"


@dataclass(frozen=True)
class Request:
    """A request of many pictures.

    Attributes:
        name: what the table calls it.
        body: its fields, beside those that all have.
        route: where it is sent.
        has_input: whether it starts from a picture.
        is_open: whether nobody says how many cells come.
        label: what the bar's label must begin with at some time.
        is_plain: whether it has the fields of a plain picture beside its own.
    """

    name: str
    body: dict[str, Any] = field(default_factory=dict)
    route: str = TXT2IMG
    has_input: bool = False
    is_open: bool = False
    label: str = "Cell 2/"
    is_plain: bool = True

    def build(self) -> dict[str, Any]:
        """Return the request's body."""
        if not self.is_plain:
            return dict(self.body)
        plain = {
            "prompt": "a red circle",
            "seed": 1,
            "steps": STEPS,
            "width": SIDE_PX,
            "height": SIDE_PX,
            "sampler_name": "Euler",
        }
        source = {"init_images": [build_input()], "denoising_strength": 0.9} if self.has_input else {}
        return {**plain, **source, **self.body}


def build_requests(pictures: Path) -> list[Request]:
    """Return all requests.

    Args:
        pictures: a folder with pictures.
    """
    seeds, guidance = ("[Param] Seed", "5,6", ""), ("[Guidance] Scale", "4,5", "")
    steps, sampler = ("[Param] Steps", "4,8,12", ""), ("[Sampler] Name", "Euler,DDIM", "")
    width, height = ("[Param] Width", "64,128", ""), ("[Param] Height", "128,256", "")
    folder = [False, "", "", "", 0, 0.0, "", 0.0, False, 0, "None", 2.0, 0, 0]
    upscale = [128, 128, 4, 0, 64, 0.35, 16, 0, 0, 4, 0, 2, 256, 256, 2]
    dynamic = {"alwayson_scripts": {"Cells: dynamic prompts": {"args": [True]}}}
    return [
        Request("plain", label="Denoise"),
        Request("batch of 3", {"n_iter": 3}, label="Image 2/3"),
        _always_on("XYZ seeds x guidance", seeds, guidance),
        _always_on("XYZ steps", steps),
        _always_on("XYZ sampler", sampler),
        _always_on("XYZ width x height", width, height),
        _always_on("XYZ seeds, 2 images", seeds, n_iter=2),
        _always_on("XYZ models x seeds", ("[Model] Model", ",".join(MODELS), ""), seeds),
        _selected("XYZ script, seeds x steps", "XYZ Grid Script", [*seeds, *steps, *_NOTHING, *XYZ_GRID]),
        _selected("Loopback", "Loopback", [3, 0.5, "Linear", False], has_input=True),
        _selected(
            "Prompt matrix",
            "Prompt matrix",
            [False, False, "positive", "comma", 0],
            label="Image 2/4",
            prompt="a circle|red|big",
            extra={"all_seeds": [1, 2, 3, 4], "all_subseeds": [1, 2, 3, 4]},
        ),
        _selected("Prompts from file", "Prompts from file", [False, False, "a circle\na line\na square"]),
        _selected("SD Upscale", "SD Upscale", ["", 0, "Resize Lanczos", 2.0], has_input=True),
        _selected("SD Ultimate Upscale", "SD Ultimate Upscale", upscale, has_input=True),
        _selected(
            "I2I folder",
            "CeeTeeDees I2I folder batch inference",
            [str(pictures), str(pictures.parent / "output"), *folder],
            has_input=True,
        ),
        Request("dynamic prompts", dynamic, label="Image 2/4"),
        _selected("once", "Cells: once", [1], label="Image 2/3"),
        _selected("undeclared", "Cells: undeclared", [5], is_open=True, label="Cell 2"),
        _selected("declared, other steps", "Cells: declared", [4]),
        Request("control, batch of 3", {"batch_count": 3}, CONTROL, label="Image 2/3"),
        Request(
            "control, 2 pictures",
            {"init_images": [build_input()] * 2},
            CONTROL,
            is_open=True,
            label="",  # one call in some versions, two in others
        ),
        Request(
            "control, XYZ script",
            {
                "override_script_name": "XYZ Grid Script",
                "override_script_args": [*seeds, *guidance, *_NOTHING, *XYZ_GRID],
            },
            CONTROL,
        ),
        Request(
            "img2img, folder",
            {"folder": str(pictures), "output": str(pictures.parent / "batch"), "denoising_strength": 0.9},
            "/unruly_scripts/folder",
        ),
        Request("img2img, size of the input", {"width": 0, "height": 0}, IMG2IMG, True, label="Denoise"),
        Request("resizer", {"alwayson_scripts": {"Cells: resizer": {"args": [True]}}}, label="Denoise"),
    ]


def build_input() -> str:
    """Return a picture as a client sends it."""
    buffer = io.BytesIO()
    Image.radial_gradient("L").resize((SIDE_PX, SIDE_PX)).convert("RGB").save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def make_input_folder(folder: Path, count: int = 3) -> None:
    """Put pictures into a new folder."""
    folder.mkdir()
    for number in range(count):
        (folder / f"{number}.png").write_bytes(base64.b64decode(build_input()))


def _always_on(name: str, *axes: tuple[str, str, str], **fields: Any) -> Request:
    along = [value for axis in [*axes, *[_NOTHING] * (3 - len(axes))] for value in axis]
    scripts = {"XYZ Grid": {"args": [True, *along, *XYZ_GRID, False]}}
    return Request(name, {"alwayson_scripts": scripts, **fields})


def _selected(
    name: str,
    title: str,
    arguments: list[Any],
    has_input: bool = False,
    is_open: bool = False,
    label: str = "Cell 2/",
    **fields: Any,
) -> Request:
    body = {"script_name": title, "script_args": arguments, **fields}
    return Request(name, body, IMG2IMG if has_input else TXT2IMG, has_input, is_open, label)


@dataclass(frozen=True)
class Watched:
    """What was seen of one request from outside.

    Attributes:
        job: every answer that told of it.
        pictures: that were delivered.
        failure: what the host answered in place of a result, empty if it gave one.
    """

    job: MeasuredJob
    pictures: int
    failure: str = ""

    @property
    def labels(self) -> list[str]:
        """What the bar said, in order, without repeats."""
        told = [sample.job for sample in self.job.samples]
        return [label for index, label in enumerate(told) if index == 0 or told[index - 1] != label]


#: Called with each sample, and with the whole answer that it was read from.
OnSample = Callable[[Sample, dict[str, Any]], None]


def watch(
    server: SdNextServer,
    request: Request,
    period_s: float = SAMPLE_PERIOD_S,
    on_sample: OnSample | None = None,
) -> Watched:
    """Send a request, and poll what the host's page would show until it is answered.

    Args:
        server: the host.
        request: what is asked for.
        period_s: time between two polls.
        on_sample: told of each poll; with it the page asks for previews, too.
    """
    answer: dict[str, Any] = {}
    failures: list[str] = []

    def send() -> None:
        try:
            given = server.post(request.route, request.build(), JOB_LIMIT_S)
        except OSError as failure:
            failures.append(str(failure))
        else:
            answer.update(given if isinstance(given, dict) else {})

    sender = threading.Thread(target=send)
    began_s = time.perf_counter()
    sender.start()
    samples: list[Sample] = []
    known = -1 if on_sample is None else 0
    while sender.is_alive():
        asked_s = time.perf_counter()
        shown = server.post("/internal/progress", {"id_live_preview": known})
        if shown["job"]:
            answered_s = time.perf_counter()
            sample = Sample(asked_s, answered_s, shown["progress"] or 0.0, shown["eta"], job=shown["job"])
            samples.append(sample)
            if on_sample is not None:
                on_sample(sample, shown)
                known = shown["id_live_preview"] or known
        sender.join(period_s)
    job = MeasuredJob(began_s, time.perf_counter(), samples=samples)
    pictures = answer.get("images") or list(filter(None, [answer.get("image")]))
    return Watched(job, len(pictures), "".join(failures))


def find_misses(request: Request, watched: Watched, is_first: bool) -> list[str]:
    """Return in words what of a request is not as it should be.

    Args:
        request: what was asked for.
        watched: what was seen.
        is_first: whether it was made for the first time.
    """
    figures, misses = build_figures(watched.job), []
    bar_bound = (OPEN_BAR if request.is_open else FIRST_BAR) if is_first else LEARNED_BAR
    eta_bound = FIRST_ETA if is_first else LEARNED_ETA
    if (figures["bar_error_mean"] or 0.0) > bar_bound:
        misses.append(f"bar {figures['bar_error_mean']:.3f} > {bar_bound}")
    if not (is_first and request.is_open) and (figures["eta_error_mean"] or 0.0) > eta_bound:
        misses.append(f"ETA {figures['eta_error_mean']:.3f} > {eta_bound}")
    misses += [f"{name} {figures[name]}" for name in ("falls", "early_full_s") if figures[name]]
    if not any(label.startswith(request.label) for label in watched.labels):
        misses.append(f"no label {request.label!r}")
    if not watched.pictures:
        misses.append("no picture")
    return misses
