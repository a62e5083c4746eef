"""What is pressed, where, and what that asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.differential.harm import Wish
from bench.differential.outcome import Outcome

Place = Mapping[str, "str | int"]
#: How many steps more than SD.Next alone a mode may queue after a press: its depth, and one.
EXTRA_STEPS = {"every-step": 1, "run-ahead": 2, "observe": 2}
DOUBLE_CLICK_S = 0.05
IMPATIENT_GAP_S = 0.02


NONE = Wish()
STOP = Wish(ends_work=True)


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
    """

    name: str
    buttons: tuple[str, ...] = ()
    gap_s: float = 0.0
    wish: Wish = NONE
    alone: str | None = None
    has_waiting: bool = False


PRESSES = (
    Press("nothing"),
    Press("Stop", ("stop",), wish=STOP),
    Press("Skip", ("skip",), wish=Wish(ends_image=True)),
    Press("Pause", ("pause",), wish=Wish(holds_work=True)),
    Press("Stop twice", ("stop", "stop"), DOUBLE_CLICK_S, STOP),
    Press("Stop after image", ("stop-after-image",), wish=STOP, alone="Stop"),
    Press("Stop 5 times, one waits", ("stop",) * 5, IMPATIENT_GAP_S, STOP, has_waiting=True),
)


def find_places(whole: Outcome, loops: list[int], calls_returned: int) -> dict[str, Place]:
    """Return the places of a script where something is pressed.

    Args:
        whole: what came of its request when nothing was pressed.
        loops: the steps of each of its denoising loops.
        calls_returned: how many calls of the host for pictures it made.
    """
    count, cells = len(loops), len(whole.cells)
    chosen = (
        {"first cell": 0, "middle cell": count // 2, "last cell": count - 1} if count > 1 else {"cell": 0}
    )
    places: dict[str, Place] = {
        name: {"kind": "step", "loop": loop, "step": loops[loop] // 2} for name, loop in chosen.items()
    }
    if count == 2:  # the middle one is the last one
        del places["middle cell"]
    if cells > 1:
        kind = "call-returned" if calls_returned > 1 else "picture-whole"
        places["between cells"] = {"kind": kind, "number": cells // 2 - 1}
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
