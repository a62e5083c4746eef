"""The requests of the campaign: one for each script of SD.Next that runs on a CPU with a small model."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: Titles of the loops and of the hooks in the test extension unruly_scripts, without the word before them.
FLAG_LOOPS = (
    "frames of an animation",
    "first image wanted",
    "cleared for each cell",
    "saved and put back",
    "put back as before",
    "patched for each cell",
    "stops itself",
    "presses itself",
    "brackets of its own",
    "watched by a helper",
    "from the dictionary",
    "leaves a picture behind",
)
FLAG_HOOKS = ("detailer", "dynamic prompts", "blacklist", "enough")
TXT2IMG, IMG2IMG = "/sdapi/v1/txt2img", "/sdapi/v1/img2img"
SIDE_PX = 64
STEPS = 6
#: Two seeds times two scales of guidance.
XYZ_AXES = ("[Param] Seed", "5,6", "", "[Guidance] Scale", "4,5", "", "Nothing", "", "")
#: csv, legend, random seeds, grid, sub-grids, images, time, text, margin, video and its five settings.
XYZ_GRID = (True, True, False, True, False, True, False, False, 0, False, "None", 1, False, 0, 0)
#: What every request has, and the plain one that follows each press has alone.
PLAIN = {
    "prompt": "a red circle",
    "seed": 1,
    "steps": STEPS,
    "width": SIDE_PX,
    "height": SIDE_PX,
    "sampler_name": "Euler",
}
NEXT = {**PLAIN, "prompt": "a blue square", "steps": 2}
WAITING = {**PLAIN, "prompt": "a green line", "seed": 2, "steps": 4}


@dataclass(frozen=True)
class Case:
    """A script and a request that runs it.

    Attributes:
        name: what the table calls it.
        body: fields of the request, beside those that all have.
        route: where it is sent.
        has_input: whether it starts from a picture.
        covers: lower-cased titles of the host's scripts that it runs.
        is_short: whether the short plan is enough for it.
    """

    name: str
    body: dict[str, Any] = field(default_factory=dict)
    route: str = TXT2IMG
    has_input: bool = False
    covers: tuple[str, ...] = ()
    is_short: bool = False

    def build_request(self) -> dict[str, Any]:
        """Return the request's body."""
        source = {"init_images": [build_picture(0)], "denoising_strength": 0.9} if self.has_input else {}
        return {**PLAIN, **source, **self.body}


def build_picture(number: int) -> str:
    """Return a small picture as a client sends it; other numbers give other pictures."""
    from PIL import Image

    picture = Image.new("RGB", (SIDE_PX, SIDE_PX))
    for x in range(SIDE_PX):
        for y in range(SIDE_PX):
            picture.putpixel((x, y), (x * 4, y * 4, (x * y + number * 50) % 256))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def make_picture_folder(folder: Path, count: int = 3) -> None:
    """Put pictures into a new folder."""
    folder.mkdir()
    for number in range(count):
        (folder / f"{number}.png").write_bytes(base64.b64decode(build_picture(number)))


def build_cases(pictures: Path) -> list[Case]:
    """Return all cases.

    Args:
        pictures: a folder with pictures, for the script that works on one.
    """
    return [*_plain_cases(), *_script_cases(pictures), *_page_cases(pictures), *_test_script_cases()]


def _plain_cases() -> list[Case]:
    hires = {"enable_hr": True, "hr_upscaler": "Latent", "hr_scale": 1.5, "denoising_strength": 0.6}
    return [
        Case("plain"),
        # A grid is made only of what is to be saved.
        Case("batch of 3", {"n_iter": 3, "save_images": True}),
        Case("batch of 2 x 2", {"n_iter": 2, "batch_size": 2, "save_images": True}),
        Case("hires x 2", {"n_iter": 2, **hires}),
        Case("img2img batch of 3", {"n_iter": 3, "save_images": True}, IMG2IMG, True),
    ]


def _script_cases(pictures: Path) -> list[Case]:
    #: upscale only, prompts and seed, steps, guidance, sampler, strength, and six of a resize.
    folder = [False, "", "", "", 0, 0.0, "", 0.0, False, 0, "None", 2.0, 0, 0]
    return [
        Case(
            "XYZ Grid",
            {"alwayson_scripts": {"XYZ Grid": {"args": [True, *XYZ_AXES, *XYZ_GRID, False]}}},
            covers=("xyz grid",),
        ),
        _selected("XYZ Grid Script", [*XYZ_AXES, *XYZ_GRID]),
        _selected("Loopback", [3, 0.5, "Linear", False], has_input=True),
        _selected("Loopback", [2, 0.5, "Linear", False], "Loopback, batch of 2", has_input=True, n_iter=2),
        _selected(
            "Prompt matrix",
            [False, False, "positive", "comma", 0],
            prompt="a circle|red|big",
            # The script leaves one seed for all its prompts, and the host then fails.
            extra={"all_seeds": [1, 2, 3, 4], "all_subseeds": [1, 2, 3, 4]},
        ),
        _selected("HDR: High Dynamic Range", [0.65, True, False, 1.0, 1.0, 1.0], "HDR"),
        _selected("Prompts from file", [False, False, "a circle\na line\na square"]),
        _selected("SD Upscale", ["", 0, "Resize Lanczos", 2.0], has_input=True),
        _selected(
            "SD Ultimate Upscale", [64, 64, 4, 0, 64, 0.35, 16, 0, 0, 4, 0, 2, 128, 128, 2], has_input=True
        ),
        _selected(
            "Outpainting",
            ["", 64, 4, ["left", "right", "up"], 1.0, 0.05],
            has_input=True,
            width=256,
            height=256,
        ),
        _selected("Outpainting alternative", [16, 2, ["left", "right"]], has_input=True),
        _selected(
            "CeeTeeDees I2I folder batch inference",
            [str(pictures), str(pictures.parent / "output"), *folder],
            "I2I folder",
            has_input=True,
        ),
    ]


def _page_cases(pictures: Path) -> list[Case]:
    """What only the host's page can start: the test extension starts it as the page does."""
    control, folder = "/unruly_scripts/control", "/unruly_scripts/folder"
    return [
        Case("control, batch of 3", {"batch_count": 3}, control),
        Case(
            "control, APG",
            {"override_script_name": "APG", "override_script_args": [1.0, -0.5, 0.0], "batch_count": 2},
            control,
            covers=("apg: adaptive projected guidance",),
        ),
        Case("control from a picture", {"batch_count": 2}, control, has_input=True),
        Case(
            "control, XYZ Grid Script",
            {"override_script_name": "XYZ Grid Script", "override_script_args": [*XYZ_AXES, *XYZ_GRID]},
            control,
        ),
        Case(
            "img2img, folder",
            {"folder": str(pictures), "output": str(pictures.parent / "batch"), "denoising_strength": 0.9},
            folder,
        ),
    ]


def _test_script_cases() -> list[Case]:
    loops = [
        Case(f"flags, {title}", {"script_name": f"Flags: {title}", "script_args": []}, is_short=True)
        for title in FLAG_LOOPS
    ]
    hooks = [
        Case(
            f"flags, {title}",
            {"n_iter": 3, "alwayson_scripts": {f"Flags: {title}": {"args": [True]}}},
            is_short=True,
        )
        for title in FLAG_HOOKS
    ]
    queued = Case("flags, task in a queue", {"n_iter": 3}, "/unruly_scripts/task", is_short=True)
    return [*loops, *hooks, queued]


def _selected(
    title: str,
    arguments: list[Any],
    name: str | None = None,
    has_input: bool = False,
    **fields: Any,
) -> Case:
    return Case(
        name or title,
        {"script_name": title, "script_args": arguments, **fields},
        IMG2IMG if has_input else TXT2IMG,
        has_input,
        (title.lower(),),
    )
