"""In what the extension leaves a user worse off than SD.Next alone: one pure function, one sentence each.

What "worse" means for each press:

- *nothing* and *pause and go on* ask for no less work: the answer must be the same, picture by picture.
- *Skip* gives up one image. Whatever SD.Next alone makes and hands out all the same must be there; images
  that it loses for no reason may be there too, and may cost their steps.
- *Stop*, where SD.Next alone obeys it, must give what it gives. Where SD.Next loses it and goes on, the user
  wanted no more work: then what was whole when he pressed must be there, if SD.Next hands it out, and a
  picture that is put together (a grid, an upscaled image) must still be put together. It may never go on for
  longer.
- *Stop after image* SD.Next has not. It is held against a Stop pressed when that image is whole; a script
  that is left to end as it always does may hand out what it puts together of the image instead.

Where nothing waits for the device (``observe``), all of an image may be queued when it is skipped. Then it
is whole all the same, as if nothing had been pressed; or it is left later than alone leaves it, and what a
script makes of it afterwards looks different.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from bench.differential.outcome import Outcome


@dataclass(frozen=True)
class Wish:
    """What a press asks for, as far as the judgement depends on it.

    Attributes:
        ends_work: Stop: work that is not done yet is not wanted.
        ends_image: Skip: one image is not wanted.
        finishes_image: Stop after image: the work of the present image is still wanted.
        holds_work: Pause: nothing may be queued until it ends.
        is_host_ahead: whether the host may have queued all of an image when something is pressed.
        extra_steps: how many steps more than SD.Next alone may be queued after the press.
        steps_per_image: what one image costs.
    """

    ends_work: bool = False
    ends_image: bool = False
    finishes_image: bool = False
    holds_work: bool = False
    is_host_ahead: bool = False
    extra_steps: int = 0
    steps_per_image: int = 0


def find_harm(alone: Outcome, ours: Outcome, wish: Wish, whole: Outcome | None = None) -> list[str]:
    """Return a sentence for each thing that is worse with the extension, none where nothing is.

    Args:
        alone: what came of the press with SD.Next alone.
        ours: what came of the same press at the same place with the extension.
        wish: what the press asks for.
        whole: what comes of the request when nothing is pressed, None if that is not known.
    """
    if whole is not None and _came_too_late(ours, wish, whole):
        return _find_remains(
            replace(alone, flags_left=alone.flags_left | whole.flags_left | {"skipped"}), ours
        )
    found = _find_refusals(alone, ours)
    if alone.answer.is_good and ours.answer.is_good:
        found += _find_lost_pictures(alone, ours, wish)
    found += _find_lost_cells(alone, ours, wish)
    found += _find_extra_work(alone, ours, wish)
    found += _find_other_reads(alone, ours, wish)
    found += _find_remains(alone, ours)
    return found


def is_obeyed(outcome: Outcome) -> bool:
    """Whether no image became whole after the press."""
    return len(outcome.cells) <= outcome.cells_at_press


def _came_too_late(ours: Outcome, wish: Wish, whole: Outcome) -> bool:
    """Whether all of the image was queued when it was skipped, so that nothing was given up."""
    is_late = wish.is_host_ahead and wish.ends_image
    return is_late and (ours.answer, ours.cells) == (whole.answer, whole.cells)


def _find_refusals(alone: Outcome, ours: Outcome) -> list[str]:
    found = []
    if alone.was_pressed and not ours.was_pressed:
        found.append("the place of the press was never reached")
    if alone.answer.is_good and not ours.answer.is_good:
        found.append(f"answered {ours.answer.status or 'nothing in time'}, alone 200")
    elif ours.answer.status is None and alone.answer.status is not None:
        found.append(f"answered nothing in time, alone {alone.answer.status}")
    refused = [status for status in ours.press_statuses if status >= 400]
    if refused and max(alone.press_statuses, default=0) < 400:
        found.append(f"the press was answered {refused[0]}")
    return found


def _find_lost_pictures(alone: Outcome, ours: Outcome, wish: Wish) -> list[str]:
    expected, given = alone.answer.pictures, ours.answer.pictures
    if not wish.ends_work and not wish.ends_image:
        if len(given) < len(expected):
            return [f"{len(given)} pictures, alone {len(expected)}"]
        return [] if given[: len(expected)] == expected else ["other pictures than alone"]
    if wish.ends_work and not is_obeyed(alone):
        return _find_lost_where_alone_goes_on(alone, ours)
    found = []
    whole = alone.pictures_whole()
    missing = Counter(picture for picture in expected if picture in whole) - Counter(given)
    if len(given) < len(expected):
        found.append(f"{len(given)} pictures, alone {len(expected)}")
    elif missing and not _are_others_as_good(missing, ours, wish):
        found.append(f"{missing.total()} whole pictures of alone's are missing")
    return found + _find_lost_parts(alone, ours, whole)


def _are_others_as_good(missing: Counter[str], ours: Outcome, wish: Wish) -> bool:
    """Whether others stand for them: put together of them, or made of an image that was left later."""
    if wish.is_host_ahead and wish.ends_image:
        return True
    return wish.finishes_image and missing.keys() <= ours.pictures_whole()


def _find_lost_where_alone_goes_on(alone: Outcome, ours: Outcome) -> list[str]:
    """SD.Next loses the Stop: only what was whole at the press can be asked for, and what is made of it."""
    whole = alone.pictures_whole(alone.cells_at_press)
    expected, given = alone.answer.pictures, ours.answer.pictures
    found = []
    missing = Counter(picture for picture in expected if picture in whole) - Counter(given)
    if missing:
        found.append(f"{missing.total()} pictures that were whole at the press are missing")
    composed = [picture for picture in expected if picture not in alone.pictures_whole()]
    if len(composed) == len(expected) and len(given) < len(composed):
        found.append(f"{len(given)} pictures put together, alone {len(composed)}")
    elif expected and not given and alone.cells_at_press:
        found.append(f"no picture, alone {len(expected)}, and {alone.cells_at_press} images were whole")
    return found + _find_lost_parts(alone, ours, whole)


def _find_lost_parts(alone: Outcome, ours: Outcome, whole: frozenset[str]) -> list[str]:
    expected = {picture for row in alone.parts for picture in row if picture in whole}
    missing = expected - {picture for row in ours.parts for picture in row}
    return [f"{len(missing)} whole pictures are missing in the grid"] if missing else []


def _find_lost_cells(alone: Outcome, ours: Outcome, wish: Wish) -> list[str]:
    is_lost_stop = wish.ends_work and not is_obeyed(alone)
    expected = alone.cells[: alone.cells_at_press] if is_lost_stop else alone.cells
    if wish.is_host_ahead and wish.ends_image and len(ours.cells) >= len(expected):
        return []
    lost = Counter(expected) - Counter(ours.cells)
    return [f"{lost.total()} cells lost"] if lost else []


def _find_extra_work(alone: Outcome, ours: Outcome, wish: Wish) -> list[str]:
    found = []
    asks_for_all = not wish.ends_work and not wish.ends_image
    if asks_for_all or wish.finishes_image:
        allowed = alone.calls + (wish.extra_steps if wish.finishes_image else 0)
        if ours.calls > allowed:
            found.append(f"{ours.calls} steps in all, alone {alone.calls}")
    elif alone.calls_after is not None and ours.calls_after is not None:
        gained = max(len(ours.cells) - len(alone.cells), 0) if wish.ends_image else 0
        allowed = alone.calls_after + wish.extra_steps + gained * wish.steps_per_image
        if ours.calls_after > allowed:
            found.append(f"{ours.calls_after} steps after the press, alone {alone.calls_after}")
    # Where alone loses the pause, what it queues meanwhile is a matter of time.
    if wish.holds_work and alone.calls_while_paused == 0:
        held = ours.calls_while_paused or 0
        if held > wish.extra_steps:
            found.append(f"{held} steps in the pause, alone 0")
    return found


def _find_other_reads(alone: Outcome, ours: Outcome, wish: Wish) -> list[str]:
    """What a script reads, up to where the two may part."""
    if wish.ends_image or (wish.ends_work and not is_obeyed(alone)) or alone.reads == ours.reads:
        return []
    pairs = zip(alone.reads, ours.reads, strict=False)
    first = next((f"{theirs}, alone {own}" for own, theirs in pairs if own != theirs), "fewer or more reads")
    return [f"a script read other flags: {first}"]


def _find_remains(alone: Outcome, ours: Outcome) -> list[str]:
    found = []
    left = ours.flags_left - alone.flags_left
    if left:
        found.append(f"{', '.join(sorted(left))} left set")
    if ours.shown_left and not alone.shown_left:
        found.append(f"not idle afterwards: {', '.join(ours.shown_left)}")
    if alone.next_answer.is_good and ours.next_answer != alone.next_answer:
        found.append(
            f"the next request gave {ours.next_answer.status or 'nothing in time'} and "
            f"{len(ours.next_answer.pictures)} pictures, or others than alone"
        )
    waiting = alone.waiting_answer
    if waiting is not None and waiting.is_good and waiting.pictures and ours.waiting_answer != waiting:
        theirs = ours.waiting_answer
        count = len(theirs.pictures) if theirs is not None else 0
        found.append(
            f"the request that waited gave {count} pictures, alone {len(waiting.pictures)}, or others"
        )
    return found
