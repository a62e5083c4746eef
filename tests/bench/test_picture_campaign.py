"""How the pictures of held-out prompts are counted."""

from __future__ import annotations

import pytest
from PIL import Image

from bench.campaigns import pictures as picture_campaign
from bench.campaigns.pictures import build_rows, is_right, write_sheet
from shapes.judging import Finding
from shapes.language import Shape

ASKED = [
    Shape("red", "circle", background="blue"),
    Shape("red", "ring", background="blue"),
    Shape("white", "star", background="blue", background_end="red"),
    Shape("white", "star"),
]
FOUND = [Finding("circle", "red"), Finding("circle", "red"), Finding("star", "red"), Finding()]


def test_each_background_is_counted_and_all_of_them():
    rows = {row["background"]: row for row in build_rows(ASKED, FOUND)}
    counted = {kind: (row["prompts"], row["shape"], row["colour"], row["both"]) for kind, row in rows.items()}
    assert {
        "plain": (2, 1, 2, 1),
        "gradient": (1, 1, 0, 0),
        "unsaid": (1, 0, 0, 0),
        "all": (4, 2, 2, 1),
    } == counted
    assert (0.5, 0.25) == (rows["plain"]["share"], rows["all"]["share"])


def test_a_kind_without_prompts_has_no_share():
    assert [None] == [row["share"] for row in build_rows(ASKED[:3], FOUND[:3]) if row["prompts"] == 0]


@pytest.mark.parametrize(
    ("found", "right"),
    [(Finding("circle", "red"), True), (Finding("circle", "orange"), False), (Finding("ring", "red"), False)],
)
def test_only_both_together_are_right(found, right):
    assert right is is_right(ASKED[0], found)


def test_the_sheet_has_a_place_for_each_picture(tmp_path, monkeypatch):
    monkeypatch.setattr(picture_campaign, "SHEET", tmp_path / "below" / "sheet.png")
    write_sheet([Image.new("RGB", (256, 256), "red")] * 12)
    with Image.open(tmp_path / "below" / "sheet.png") as sheet:
        assert (960, 192) == sheet.size
        assert (255, 0, 0) == sheet.getpixel((150, 150)) and (0, 0, 0) == sheet.getpixel((250, 150))
