"""What is pressed, where, and what that asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.differential.harm import Wish
from bench.differential.outcome import Outcome

Place = Mapping[str, "str | int"]
#: SD.Next alone once more: what the campaign finds there is a fault of its own.
AGAIN = "alone again"
#: How many steps more than SD.Next alone a mode may queue after a press: its depth, and one.
EXTRA_STEPS = {"every-step": 1, "run-ahead": 2, "observe": 2, AGAIN: 0}
MODES = ("every-step", "run-ahead", "observe")
DOUBLE_CLICK_S = 0.05
IMPATIENT_GAP_S = 0.02


NONE = Wish()
STOP = Wish(ends_work=True)
AFTER_IMAGE = Wish(ends_work=True, finishes_image=True)


@dataclass(frozen=True)
class Press:
    """What a user does at one moment of a request.

    Attributes:
        name: what the table calls it.
        buttons: what is pressed, in order.
        gap_s: time between two.
        wish: what it asks for.
        alone: the press that SD.Next alone is given in its place, where it has none of the kind.
        has_waiting: whether another request waits behind this one.
        places: names of the places where it is made; empty for all.
    """

    name: str
    buttons: tuple[str, ...] = ()
    gap_s: float = 0.0
    wish: Wish = NONE
    alone: str | None = None
    has_waiting: bool = False
    places: tuple[str, ...] = ()

    def is_made_at(self, place: str) -> bool:
        """Whether it is made at the place of this name."""
        return not self.places or place in self.places


NO_PLACE = "-"
NOTHING = Press("nothing")
PRESSES = (
    Press("Stop", ("stop",), wish=STOP),
    Press("Skip", ("skip",), wish=Wish(ends_image=True)),
    Press("Pause", ("pause",), wish=Wish(holds_work=True)),
    Press("Stop twice", ("stop", "stop"), DOUBLE_CLICK_S, STOP),
    Press("Stop after image", ("stop-after-image",), wish=AFTER_IMAGE, alone="Stop"),
    Press(
        "Stop 5 times, one waits",
        ("stop",) * 5,
        IMPATIENT_GAP_S,
        STOP,
        has_waiting=True,
        places=("cell", "middle cell"),
    ),
)
SHORT_PRESSES = ("Stop", "Skip", "Pause", "Stop twice")


def is_in_short_plan(press: Press, place: str, places: list[str]) -> bool:
    """Whether a press belongs to the short plan: the four common ones, in one cell and between two.

    Args:
        press: what is pressed.
        place: where.
        places: all the script has, in order.
    """
    if press is NOTHING:
        return True
    cells = [name for name in places if name.endswith("cell")]
    chosen = (cells[len(cells) // 2], "between cells")
    return press.name in SHORT_PRESSES and place in chosen


def find_places(whole: Outcome, loops: list[int], calls_returned: int) -> dict[str, Place]:
    """Return the places of a script where something is pressed, by name.

    Args:
        whole: what came of its request when nothing was pressed.
        loops: the steps of each of its denoising loops.
        calls_returned: how many calls of the host for pictures it made.
    """
    count, cells = len(loops), len(whole.cells)
    chosen = (
        {"first cell": 0, "middle cell": count // 2, "last cell": count - 1} if count > 1 else {"cell": 0}
    )
    # In the first half of its steps: a cell that goes on after a press can be told from one that does not.
    steps = {name: max(loops[loop] // 3, 1) for name, loop in chosen.items()}
    places: dict[str, Place] = {
        name: {"kind": "step", "loop": loop, "step": steps[name]} for name, loop in chosen.items()
    }
    if count == 2:  # the middle one is the last one
        del places["middle cell"]
    if cells > 1:
        kind, passed = ("call-returned", calls_returned) if calls_returned > 1 else ("picture-whole", cells)
        places["between cells"] = {"kind": kind, "number": max(passed // 2 - 1, 0)}
    if whole.parts:
        places["grid"] = {"kind": "grid"}
    return places


def find_place_when_whole(place: Place, loops: int, cells: int) -> Place:
    """Return where the image of a place becomes whole: a Stop there is what *Stop after image* asks for."""
    if place["kind"] != "step" or not cells:
        return place
    return {"kind": "picture-whole", "number": int(place["loop"]) * cells // loops}


def build_arm(place: Place | None, press: Press, url: str) -> dict[str, Any]:
    """Return the body that arms the press device."""
    return {
        "place": place,
        "presses": list(press.buttons),
        "gap_s": press.gap_s,
        "needs_go": press.has_waiting,
        "url": url,
    }
