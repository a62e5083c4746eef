"""The ways in which SD.Next makes a picture through its API, and what each must show."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageDraw

from bench.differential.cases import IMG2IMG
from bench.real_host import small_upscaler
from bench.real_host.whole_requests import MODELS, SIDE_PX, Request, build_input

CONTROL = "/sdapi/v1/control"
PROCESS, PROCESS_BATCH = "/sdapi/v1/extra-single-image", "/sdapi/v1/extra-batch-images"
STEPS = 12
#: Fewest distinct previews of a job that has so many steps or more.
FEWEST_PREVIEWS, PREVIEWED_STEPS = 3, 10


@dataclass(frozen=True)
class Way:
    """One way to make a picture.

    Attributes:
        request: that makes it.
        labels: how the bar's label must begin, each at some time.
        has_previews: whether there can be any: something is denoised, for long enough.
        is_instant: whether it is over before anybody could look; then only what it leaves behind is judged.
        can_stop: whether a Stop may end it early; a model that is loaded by halves would fail the next request.
        makes_pictures: whether it delivers any.
        why_not: why it cannot be had without the net, empty if it can.
    """

    request: Request
    labels: tuple[str, ...] = ()
    has_previews: bool = True
    is_instant: bool = False
    can_stop: bool = True
    makes_pictures: bool = True
    why_not: str = ""

    @property
    def name(self) -> str:
        return self.request.name


def build_ways() -> list[Way]:
    """Return every way, those that cannot be had included."""
    return [*_picture_ways(), *_control_ways(), *_process_ways(), *_loading_ways(), *_missing_ways()]


def _picture_ways() -> list[Way]:
    steps = {"steps": STEPS}
    hires = {"enable_hr": True, "hr_upscaler": "Latent", "hr_scale": 1.5, "denoising_strength": 0.6}
    detail = {
        "detailer_enabled": True,
        "detailer_steps": STEPS,
        "detailer_strength": 0.6,
        "detailer_resolution": SIDE_PX,
    }
    encode, decode = "Text encode", "VAE decode"
    return [
        Way(Request("text", steps, label="Denoise"), (encode, decode)),
        Way(Request("batch of 2", {**steps, "batch_size": 2}, label="Denoise"), (decode,)),
        Way(Request("2 batches", {**steps, "n_iter": 2}, label="Image 2/2: Denoise"), ("Image 1/2: VAE",)),
        Way(Request("hires", {**steps, **hires}, label="Hires"), ("Denoise", decode)),
        Way(
            Request("hires by a resize", {**steps, **hires, "hr_upscaler": "Resize Lanczos", "hr_force": True},
                    label="Hires"),
            ("Denoise", decode),
        ),
        Way(
            Request("hires by tiles", {**steps, **hires, "hr_upscaler": small_upscaler.NAME, "hr_force": True},
                    label="Hires"),
            ("Denoise", "Upscale", decode),
        ),
        Way(Request("image to image", {"steps": 16}, IMG2IMG, True, label="Denoise"), (decode,)),
        Way(
            Request("inpaint", {"steps": 16, "mask": _build_mask()}, IMG2IMG, True, label="Denoise"), (decode,)
        ),
        Way(Request("detailer", {**steps, **detail}, label="Detail"), ("Denoise", decode)),
        Way(
            Request(
                "detailer alone",
                {"image": build_input(), **{k: v for k, v in detail.items() if k != "detailer_enabled"},
                 "seed": 1},
                "/sdapi/v1/detail",
                label="Detail",
                is_plain=False,
            )
        ),
    ]  # fmt: skip


def _control_ways() -> list[Way]:
    body = {
        "width_before": SIDE_PX,
        "height_before": SIDE_PX,
        "prompt": "a red circle",
        "seed": 1,
        "steps": STEPS,
        "sampler_name": "Euler",
    }
    source = build_input()

    def way(name: str, label: str = "Denoise", **fields: Any) -> Way:
        return Way(Request(name, {**body, **fields}, CONTROL, label=label, is_plain=False), ("VAE decode",))

    first = Way(
        Request("control, 3 inputs", {**body, "inputs": [source] * 3}, CONTROL, label="", is_plain=False)
    )
    return [
        way("control"),
        way("control, 1 input", inputs=[source], input_type=1, denoising_strength=0.9),
        way("control, 1 init image", inits=[source], input_type=2, denoising_strength=0.9),
        first,
    ]


def _process_ways() -> list[Way]:
    source = build_input()
    tiles = {"upscaler_1": small_upscaler.NAME, "upscaling_resize": 4}
    blend = {"upscaler_2": small_upscaler.NAME, "extras_upscaler_2_visibility": 0.5}

    def way(name: str, is_instant: bool = False, **fields: Any) -> Way:
        request = Request(name, {"image": source, **fields}, PROCESS, label="Upscale", is_plain=False)
        return Way(request, has_previews=False, is_instant=is_instant)

    files = [{"data": source, "name": f"{number}.png"} for number in range(3)]
    batch = Request("process, 3 files", {"imageList": files, **tiles}, PROCESS_BATCH, False, False, "", False)
    return [
        way("process, Lanczos", True, upscaler_1="Resize Lanczos"),
        way("process, Nearest", True, upscaler_1="Resize Nearest"),
        way("process, Lanczos then Nearest", True, upscaler_1="Resize Lanczos", upscaler_2="Resize Nearest",
            extras_upscaler_2_visibility=0.5),
        way("process, tiles", **tiles),
        way("process, tiles twice", **tiles, **blend),
        Way(batch, ("Upscale",), has_previews=False),
    ]  # fmt: skip


def _loading_ways() -> list[Way]:
    def way(name: str, route: str, **fields: Any) -> Way:
        request = Request(name, fields, route, label="Loading model", is_plain=False)
        return Way(request, has_previews=False, can_stop=False, makes_pictures=False)

    return [
        way("another model by its option", "/sdapi/v1/options", sd_model_checkpoint=MODELS[0]),
        way("reload", "/sdapi/v1/reload-checkpoint?force=true"),
        way("another model by its route", f"/sdapi/v1/checkpoint?sd_model_checkpoint={MODELS[1]}&force=true"),
    ]


def _missing_ways() -> list[Way]:
    def way(name: str, why_not: str) -> Way:
        return Way(Request(name), why_not=why_not)

    return [
        way("caption", "its models come from the net"),
        way("prompt enhance", "its models come from the net"),
        way("video", "has no route of the API, and its models come from the net"),
    ]


def _build_mask() -> str:
    """Return a mask as a client sends it: a white square in the middle."""
    mask = Image.new("L", (SIDE_PX, SIDE_PX), 0)
    ImageDraw.Draw(mask).rectangle((SIDE_PX // 4, SIDE_PX // 4, SIDE_PX * 3 // 4, SIDE_PX * 3 // 4), fill=255)
    buffer = io.BytesIO()
    mask.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()
