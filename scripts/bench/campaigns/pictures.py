"""Pictures: does the default model draw what prompts say that it has never seen?"""

from __future__ import annotations

from itertools import islice
from typing import Any

from bench.commands.environment import REPOSITORY
from bench.host.job import WantedJob, run_job
from bench.host.started import Speed, started_host
from bench.terminal.bar import TerminalBar
from bench.terminal.table import Row, build_table
from shapes.judging import Finding, judge
from shapes.language import Shape, held_out_shapes

PROMPTS, QUICK_PROMPTS = 50, 10
STEPS = 20
LEAST_RIGHT = 0.8
SPEED = Speed(step_ms=0, encode_ms=0, decode_ms=0)
SHEET = REPOSITORY / ".host" / "pictures.png"
COLUMNS = 10
KINDS = ("plain", "gradient", "unsaid")
TABLE_COLUMNS = (
    ("background", "background", ""),
    ("prompts", "prompts", "d"),
    ("shape", "shape right", "d"),
    ("colour", "colour right", "d"),
    ("both", "both right", "d"),
    ("share", "share", ".0%"),
)


def run_picture_campaign(quick: bool) -> int:
    """Draw held-out prompts, print what is right, keep the pictures; 0 if the target is met, else 1."""
    count = QUICK_PROMPTS if quick else PROMPTS
    asked = list(islice(held_out_shapes(), count))
    pictures: list[Any] = []
    bar = TerminalBar()
    with started_host(SPEED, makes_pictures=True) as app:
        try:
            for number, shape in enumerate(asked):
                bar.show(number / count, shape.prompt)
                job = WantedJob(steps=STEPS, prompt=shape.prompt, seed=number)
                pictures += run_job(job, app=app, watched=False).images
            bar.show(1.0, "done")
        finally:
            bar.close()
    found = [judge(picture) for picture in pictures]
    print(build_table(build_rows(asked, found), TABLE_COLUMNS))
    for shape, finding in zip(asked, found, strict=True):
        if not is_right(shape, finding):
            print(f"{shape.prompt}: {finding.colour or 'no'} {finding.shape or 'shape'}")
    write_sheet(pictures)
    print(f"\npictures: {SHEET}")
    share = sum(map(is_right, asked, found)) / count
    if share < LEAST_RIGHT:
        print(f"{share:.0%} are right, target {LEAST_RIGHT:.0%}")
        return 1
    print("every target is met")
    return 0


def is_right(asked: Shape, found: Finding) -> bool:
    """Whether shape and colour are the ones that were asked for."""
    return (asked.shape, asked.colour) == (found.shape, found.colour)


def build_rows(asked: list[Shape], found: list[Finding]) -> list[Row]:
    """Return what is right, by the kind of background and in all."""
    by_kind = {kind: [n for n, shape in enumerate(asked) if _kind(shape) == kind] for kind in KINDS}
    by_kind["all"] = list(range(len(asked)))
    rows: list[Row] = []
    for kind, numbers in by_kind.items():
        both = sum(is_right(asked[n], found[n]) for n in numbers)
        rows.append(
            {
                "background": kind,
                "prompts": len(numbers),
                "shape": sum(asked[n].shape == found[n].shape for n in numbers),
                "colour": sum(asked[n].colour == found[n].colour for n in numbers),
                "both": both,
                "share": both / len(numbers) if numbers else None,
            }
        )
    return rows


def _kind(shape: Shape) -> str:
    return "gradient" if shape.background_end else "plain" if shape.background else "unsaid"


def write_sheet(pictures: list[Any]) -> None:
    """Keep the pictures side by side, as small ones, in one file."""
    from PIL import Image

    side = 96
    sheet = Image.new("RGB", (COLUMNS * side, -(-len(pictures) // COLUMNS) * side))
    for number, picture in enumerate(pictures):
        row, column = divmod(number, COLUMNS)
        sheet.paste(picture.resize((side, side)), (column * side, row * side))
    SHEET.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(SHEET)
