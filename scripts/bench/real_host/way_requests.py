"""The ways in which SD.Next makes a picture through its API, and what each must show."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageDraw

from bench.differential.cases import IMG2IMG, TXT2IMG
from bench.real_host import small_captioner, small_upscaler
from bench.real_host.whole_requests import CONTROL, MODELS, SIDE_PX, Request, build_input

PROCESS, DESCRIBE = "/ways_device/process", "/ways_device/describe"
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
        can_stop: whether a Stop may end it early; a model loaded by halves would fail what comes next.
        makes_pictures: whether it delivers any.
        is_guess: whether its time is the disk's and the processor's, so that only what it says is judged.
        undo: makes it possible once more, None where that needs nothing.
        is_film: whether it leaves a model loaded that makes no pictures.
        why_not: why it cannot be had without the net, empty if it can.
    """

    request: Request
    labels: tuple[str, ...] = ()
    has_previews: bool = True
    is_instant: bool = False
    can_stop: bool = True
    makes_pictures: bool = True
    is_guess: bool = False
    undo: Request | None = None
    is_film: bool = False
    why_not: str = ""

    @property
    def name(self) -> str:
        return self.request.name


def build_ways() -> list[Way]:
    """Return every way, those that cannot be had included."""
    return [
        *_picture_ways(),
        *_control_ways(),
        *_process_ways(),
        *_caption_ways(),
        *_loading_ways(),
        *_missing_ways(),
    ]


def _picture_ways() -> list[Way]:
    steps = {"steps": STEPS}
    hires = {"enable_hr": True, "hr_scale": 1.5, "denoising_strength": 0.6}
    resized = {**hires, "hr_resize_mode": 1, "hr_force": True}
    lanczos, tiles = {"hr_upscaler": "Resize Lanczos"}, {"hr_upscaler": small_upscaler.NAME}
    detail = {"detailer_steps": STEPS, "detailer_strength": 0.6, "detailer_resolution": SIDE_PX}
    decode, source = "VAE decode", {"steps": 16}
    return [
        _picture("text", {**steps, "prompt": "a new circle"}, decode),
        _picture("batch of 2", {**steps, "batch_size": 2}, decode),
        _picture("2 batches", {**steps, "n_iter": 2}, "Image 2/2: VAE", label="Image 1/2"),
        _picture("hires", {**steps, **hires, "hr_upscaler": "Latent"}, "Hires", decode),
        _picture("hires by a resize", {**steps, **resized, **lanczos}, "Hires", decode),
        _picture("hires by tiles", {**steps, **resized, **tiles}, "Upscale", "Hires", decode),
        _picture("image to image", source, decode, route=IMG2IMG),
        _picture("inpaint", {**source, "mask": _build_mask()}, decode, route=IMG2IMG),
        _picture("detailer", {**steps, **detail, "detailer_enabled": True}, "Detail", decode, is_open=True),
        Way(
            Request(
                "detailer alone",
                {**detail, "detailer_resolution": 256, "image": build_input(), "seed": 1},
                "/sdapi/v1/detail",
                label="Detail",
                is_plain=False,
            )
        ),
    ]


def _picture(
    name: str,
    body: dict[str, Any],
    *labels: str,
    route: str = TXT2IMG,
    label: str = "Denoise",
    is_open: bool = False,
) -> Way:
    return Way(Request(name, body, route, route == IMG2IMG, is_open, label), labels)


def _control_ways() -> list[Way]:
    """Return those of the Control tab, whose work is a generator that goes on on several threads."""
    source = build_input()

    def way(name: str, is_open: bool = False, label: str = "VAE decode", **fields: Any) -> Way:
        body = {"steps": STEPS, **fields}
        return Way(Request(name, body, CONTROL, is_open=is_open, label=label))

    image: dict[str, Any] = {"denoising_strength": 0.9, "input_type": 1}
    return [
        way("control"),
        way("control, 1 input", init_images=[source], **image),
        way("control, 3 inputs", True, "", init_images=[source] * 3, **image),
        way("control, 2 batches", batch_count=2, label="Image 2/2: VAE decode"),
    ]


def _process_ways() -> list[Way]:
    tiles = {"upscaler_1_name": small_upscaler.NAME, "upscale_by": 4}
    blend = {"upscaler_2_name": small_upscaler.NAME, "upscaler_2_visibility": 0.5}
    lanczos = {"upscaler_1_name": "Resize Lanczos", "upscale_by": 2}
    both = {**lanczos, "upscaler_2_name": "Resize Nearest", "upscaler_2_visibility": 0.5}
    return [
        _process("process, Lanczos", lanczos, is_instant=True),
        _process("process, Nearest", {**lanczos, "upscaler_1_name": "Resize Nearest"}, is_instant=True),
        _process("process, Lanczos and Nearest", both, is_instant=True),
        _process("process, tiles", tiles),
        _process("process, tiles twice", {**tiles, **blend}, is_open=True),
        _process("process, 3 files", tiles, pictures=3),
    ]


def _process(
    name: str, upscale: dict[str, Any], pictures: int = 1, is_instant: bool = False, is_open: bool = False
) -> Way:
    body = {"pictures": [build_input()] * pictures, "upscale": {"upscale_mode": 0, **upscale}}
    label = "Upscale" if pictures == 1 else f"Image {pictures}/{pictures}: Upscale"
    request = Request(name, body, PROCESS, is_open=is_open, label=label, is_plain=False)
    return Way(request, has_previews=False, is_instant=is_instant)


def _caption_ways() -> list[Way]:
    """Return those that describe pictures; the first time nobody knows how long a text becomes."""
    asked = {"model": small_captioner.NAME, "question": "what is this"}

    def way(name: str, label: str, route: str, **pictures: Any) -> Way:
        request = Request(name, {**asked, **pictures}, route, is_open=True, label=label, is_plain=False)
        return Way(request, has_previews=False, makes_pictures=False)

    one, three = build_input(), [build_input()] * 3
    return [
        way("caption", "Caption 2 tokens", "/sdapi/v1/vqa", image=one),
        way("caption, 3 files", "Image 3/3: Caption", DESCRIBE, pictures=three),
    ]


def _loading_ways() -> list[Way]:
    def way(name: str, route: str, undo: Request | None = None, **fields: Any) -> Way:
        request = Request(name, fields, route, label="Loading model", is_plain=False)
        return Way(
            request, has_previews=False, can_stop=False, makes_pictures=False, is_guess=True, undo=undo
        )

    options = "/sdapi/v1/options"
    back = Request("the model before", {"sd_model_checkpoint": MODELS[1]}, options, is_plain=False)
    chosen = "/sdapi/v1/checkpoint?force=true&sd_model_checkpoint"
    return [
        way("another model by its option", options, undo=back, sd_model_checkpoint=MODELS[0]),
        way("reload", "/sdapi/v1/reload-checkpoint?force=true"),
        way("another model by its route", f"{chosen}={MODELS[1]}"),
    ]


def _missing_ways() -> list[Way]:
    def way(name: str, why_not: str) -> Way:
        return Way(Request(name), why_not=why_not)

    return [
        way("prompt enhance", "its models come from the net"),
    ]


def _build_mask() -> str:
    """Return a mask as a client sends it: a white square in the middle."""
    mask = Image.new("L", (SIDE_PX, SIDE_PX), 0)
    ImageDraw.Draw(mask).rectangle((SIDE_PX // 4, SIDE_PX // 4, SIDE_PX * 3 // 4, SIDE_PX * 3 // 4), fill=255)
    buffer = io.BytesIO()
    mask.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()
