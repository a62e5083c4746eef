"""The pure parts of the differential campaign: what counts as worse, and where it presses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.differential.case_run import Choice
from bench.differential.cases import Case, build_cases, build_picture
from bench.differential.harm import Wish, find_harm
from bench.differential.left_out import REASONS, UNKNOWN, explain_left_out
from bench.differential.outcome import Answer, Outcome
from bench.differential.presses import (
    EXTRA_STEPS,
    MODES,
    NOTHING,
    PRESSES,
    find_place_when_whole,
    find_places,
    is_in_short_plan,
)
from bench.differential.report import Report, describe
from bench.differential.trial import fingerprint

NONE, STOP, SKIP = Wish(), Wish(ends_work=True, extra_steps=2), Wish(ends_image=True, steps_per_image=6)
PAUSE = Wish(holds_work=True, extra_steps=2)
NEXT = Answer(200, ("next",))


def grid_of(*cells: str, count: int = 4, **fields: object) -> Outcome:
    """Return an outcome of a script that hands out a grid and its cells, black where there is none."""
    filled = [*cells, *["black"] * (count - len(cells))]
    return Outcome(
        answer=Answer(200, (f"grid of {','.join(filled)}", *filled)),
        next_answer=NEXT,
        cells=tuple((cell,) for cell in cells),
        parts=(tuple(filled),),
        **fields,  # type: ignore[arg-type]
    )


WHOLE = grid_of("a", "b", "c", "d", calls=24)
STOPPED_IN_C = grid_of("a", "b", calls=16, was_pressed=True, cells_at_press=2, calls_after=0)


def test_the_same_is_never_worse():
    """With every press."""
    for wish in (NONE, STOP, SKIP, PAUSE):
        assert [] == find_harm(STOPPED_IN_C, STOPPED_IN_C, wish)
        assert [] == find_harm(WHOLE, WHOLE, wish)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"answer": Answer(500)}, "answered 500, alone 200"),
        ({"answer": Answer(None)}, "answered nothing in time, alone 200"),
        ({"answer": Answer(200)}, "0 pictures, alone 5"),
        (
            {"answer": Answer(200, ("x", "a", "c", "black", "black"))},
            "1 whole pictures of alone's are missing",
        ),
        ({"parts": (("a", "black", "black", "black"),)}, "1 whole pictures are missing in the grid"),
        ({"cells": (("a",),)}, "1 cells lost"),
        ({"calls_after": 3}, "3 steps after the press, alone 0"),
        ({"was_pressed": False}, "the place of the press was never reached"),
        ({"press_statuses": (409,)}, "the press was answered 409"),
        ({"flags_left": frozenset({"interrupted"})}, "interrupted left set"),
        ({"shown_left": ("page 0.83",)}, "not idle afterwards: page 0.83"),
        ({"next_answer": Answer(500)}, "the next request gave 500"),
        ({"next_answer": Answer(200, ("other",))}, "or others than alone"),
        ({"reads": ("cell 1: interrupted",)}, "a script read other flags"),
    ],
)
def test_each_thing_that_is_worse_after_a_stop_is_said(change, said):
    """One at a time, each is one sentence."""
    found = find_harm(STOPPED_IN_C, replace(STOPPED_IN_C, **change), STOP)
    assert 1 == len(found)
    assert said in found[0]


def test_what_alone_leaves_behind_too_is_not_ours():
    """Flags, figures and failures that SD.Next alone has as well."""
    alone = replace(
        STOPPED_IN_C, answer=Answer(500), flags_left=frozenset({"interrupted"}), shown_left=("API 0.67",)
    )
    assert [] == find_harm(alone, alone, STOP)


def test_a_stop_may_give_more_pictures_and_a_bounded_number_of_steps():
    """A picture that became whole all the same, and what was queued already."""
    ours = grid_of("a", "b", "c", calls=18, was_pressed=True, cells_at_press=2, calls_after=2)
    assert [] == find_harm(STOPPED_IN_C, ours, STOP)


def test_where_alone_loses_a_stop_only_what_was_whole_can_be_asked_for():
    """It goes on and makes three more: the user wanted none of them."""
    alone = replace(WHOLE, was_pressed=True, cells_at_press=1, calls_after=18)
    ours = grid_of("a", was_pressed=True, cells_at_press=1, calls_after=0)
    assert [] == find_harm(alone, ours, STOP)
    nothing = replace(ours, answer=Answer(200))
    assert any("were whole at the press are missing" in said for said in find_harm(alone, nothing, STOP))


def test_a_picture_put_together_is_still_put_together_after_a_lost_stop():
    """An upscaled image is one picture, whatever is in its tiles."""
    alone = replace(WHOLE, answer=Answer(200, ("upscaled",)), was_pressed=True, calls_after=24)
    ours = replace(alone, answer=Answer(200), cells=(), parts=(), calls_after=0)
    assert ["0 pictures put together, alone 1"] == find_harm(alone, ours, STOP)


def test_a_skip_may_lose_fewer_images_than_alone_and_pay_for_them():
    """SD.Next alone loses the image after it too."""
    alone = grid_of("a", "d", was_pressed=True, cells_at_press=1, calls_after=6)
    ours = grid_of("a", "c", "d", was_pressed=True, cells_at_press=1, calls_after=12)
    assert [] == find_harm(alone, ours, SKIP)
    assert ["13 steps after the press, alone 6"] == find_harm(alone, replace(ours, calls_after=13), SKIP)


def test_a_skip_that_loses_more_images_is_worse():
    """One cell was to be left, not two."""
    alone = grid_of("a", "c", "d", was_pressed=True, cells_at_press=1, calls_after=12)
    ours = grid_of("a", "d", count=3, was_pressed=True, cells_at_press=1, calls_after=6)
    found = find_harm(alone, ours, SKIP)
    assert "1 cells lost" in found
    assert "4 pictures, alone 5" in found


def test_a_pause_changes_no_picture_and_holds_the_work():
    """Neither other pictures nor more steps while it lasts."""
    alone = replace(WHOLE, was_pressed=True, calls_after=20, calls_while_paused=0)
    assert [] == find_harm(alone, replace(alone, calls_while_paused=2), PAUSE)
    assert ["5 steps in the pause, alone 0"] == find_harm(alone, replace(alone, calls_while_paused=5), PAUSE)
    lost = replace(alone, calls_while_paused=3)
    assert [] == find_harm(lost, replace(alone, calls_while_paused=5), PAUSE)
    others = replace(alone, answer=Answer(200, tuple(reversed(alone.answer.pictures))))
    assert ["other pictures than alone"] == find_harm(alone, others, PAUSE)


def test_a_stop_after_the_image_may_finish_that_image():
    """Held against a Stop at its end: as many steps in all, not after the press."""
    wish = Wish(ends_work=True, finishes_image=True, extra_steps=2)
    alone = grid_of("a", "b", calls=12, was_pressed=True, cells_at_press=2, calls_after=0)
    ours = replace(alone, cells_at_press=1, calls_after=5)
    assert [] == find_harm(alone, ours, wish)
    assert ["15 steps in all, alone 12"] == find_harm(alone, replace(ours, calls=15), wish)


def test_a_request_that_waits_is_not_meant():
    """It was whole with SD.Next alone; where it was not, nothing is asked."""
    alone = replace(STOPPED_IN_C, waiting_answer=Answer(200, ("waited",)))
    ours = replace(alone, waiting_answer=Answer(200))
    assert ["the request that waited gave 0 pictures, alone 1, or others"] == find_harm(alone, ours, STOP)
    assert [] == find_harm(ours, ours, STOP)


def test_the_places_of_a_grid():
    """In the middle of its first, middle and last cell, between two calls, and at the grid."""
    assert {
        "first cell": {"kind": "step", "loop": 0, "step": 2},
        "middle cell": {"kind": "step", "loop": 2, "step": 2},
        "last cell": {"kind": "step", "loop": 3, "step": 2},
        "between cells": {"kind": "call-returned", "number": 1},
        "grid": {"kind": "grid"},
    } == find_places(WHOLE, [6, 6, 6, 6], calls_returned=5)


def test_a_plain_request_has_one_place():
    """Nothing lies between its cells."""
    plain = Outcome(Answer(200, ("a",)), NEXT, cells=(("a",),))
    assert {"cell": {"kind": "step", "loop": 0, "step": 2}} == find_places(plain, [6], calls_returned=1)


def test_an_image_is_whole_where_its_last_loop_ends():
    """With hires, two loops make one image."""
    place = {"kind": "step", "loop": 3, "step": 2}
    assert {"kind": "picture-whole", "number": 1} == find_place_when_whole(place, loops=4, cells=2)
    assert {"kind": "grid"} == find_place_when_whole({"kind": "grid"}, loops=4, cells=2)


def test_names_of_presses_are_unique_and_their_stand_ins_exist():
    """The table and the choice on the command line go by them."""
    names = [press.name for press in PRESSES]
    assert len(set(names)) == len(names)
    assert all(press.alone is None or press.alone in names for press in PRESSES)


def test_a_picture_that_is_sent_has_a_print_of_its_own():
    """Other pixels, another print; the same pixels, the same."""
    assert fingerprint(build_picture(0)) == fingerprint(build_picture(0))
    assert fingerprint(build_picture(0)) != fingerprint(build_picture(1))


def test_a_case_with_input_sends_a_picture():
    """Its own fields win over those that all have."""
    request = Case("x", {"width": 256}, has_input=True).build_request()
    assert 256 == request["width"]
    assert 1 == len(request["init_images"])


def test_the_short_plan_presses_in_one_cell_and_between_two():
    """The four common presses, in the middle cell where there is one."""
    places = ["first cell", "middle cell", "last cell", "between cells", "grid"]
    planned = [
        (place, press.name) for place in places for press in PRESSES if is_in_short_plan(press, place, places)
    ]
    names = ["Stop", "Skip", "Pause", "Stop twice"]
    assert [(place, name) for place in ("middle cell", "between cells") for name in names] == planned
    assert is_in_short_plan(NOTHING, "-", ["cell"])


def test_a_choice_goes_by_words_in_names():
    """What is not chosen by is all wanted."""
    choice = Choice(cases=("xyz",), places=("middle",))
    assert choice.wants_case(Case("XYZ Grid Script"))
    assert not choice.wants_case(Case("Loopback"))
    assert choice.wants_row(PRESSES[0], "middle cell")
    assert not choice.wants_row(PRESSES[0], "grid")


def test_cases_have_names_of_their_own_and_leave_out_what_they_run(tmp_path):
    """A script is run or left out with a reason, never both."""
    cases = build_cases(tmp_path)
    names = [case.name for case in cases]
    assert len(set(names)) == len(names)
    assert not {title for case in cases for title in case.covers} & set(REASONS)


def test_a_script_that_nobody_knows_is_said():
    """A newer host may ship more."""
    assert [f"new one: {UNKNOWN}", f"nudenet: {REASONS['nudenet']}"] == explain_left_out(
        ["nudenet", "new one", "loopback"], ["loopback"]
    )


def test_the_table_marks_what_is_worse():
    """A column for each mode, a line for each thing that is worse, the reasons for what was left out."""
    report = Report(left_out=["x: y"])
    report.add(
        Report(
            rows=[
                {"case": "grid", "place": "-", "press": "nothing", "alone": "5p =24", "observe": "0p =6 !"}
            ],
            harms=["grid, -, nothing, observe: 0 pictures, alone 5"],
        )
    )
    text = report.build_text(("observe",))
    assert "grid    -      nothing  5p =24  0p =6 !" in text
    assert "Worse than SD.Next alone in 1 cells:\ngrid, -, nothing, observe: 0 pictures, alone 5" in text
    assert "Left out:\nx: y" in text
    assert "Nowhere worse" in Report().build_text(("observe",))


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (WHOLE, "5p =24"),
        (STOPPED_IN_C, "5p +0"),
        (replace(STOPPED_IN_C, answer=Answer(500)), "500 +0"),
        (replace(STOPPED_IN_C, answer=Answer(None)), "hangs +0"),
    ],
)
def test_a_cell_tells_pictures_and_calls(outcome, said):
    """All calls where nothing was pressed, those after the press else; the status where it is no good one."""
    assert said == describe(outcome)


def test_every_mode_has_its_bound():
    """Those that are run by default, and the check of the campaign itself."""
    assert set(MODES) < set(EXTRA_STEPS)


SKIPPED_B = grid_of("a", "c", "d", calls=18, was_pressed=True, cells_at_press=1, calls_after=12)


def test_a_skip_that_came_when_all_was_queued_gives_nothing_up():
    """Nothing waits for the device, so the image is whole all the same; nowhere else is that an excuse."""
    late = replace(WHOLE, flags_left=frozenset({"skipped"}), calls_after=12)
    alone = replace(SKIPPED_B, answer=Answer(200, ("grid", "a", "half of b", "c", "d", "more")))
    ahead = replace(SKIP, is_host_ahead=True)
    assert [] == find_harm(alone, late, ahead, WHOLE)
    assert ["interrupted left set"] == find_harm(
        alone, replace(late, flags_left=frozenset({"interrupted"})), ahead, WHOLE
    )
    assert {"5 pictures, alone 6", "skipped left set"} <= set(find_harm(alone, late, SKIP, WHOLE))


def test_what_is_made_of_an_image_that_was_left_later_looks_different():
    """As many images must be made of it all the same."""
    others = replace(SKIPPED_B, cells=(("a",), ("c2",), ("d2",)))
    ahead = replace(SKIP, is_host_ahead=True)
    assert [] == find_harm(SKIPPED_B, others, ahead, WHOLE)
    assert ["2 cells lost"] == find_harm(SKIPPED_B, others, SKIP, WHOLE)
    assert ["2 cells lost"] == find_harm(SKIPPED_B, replace(others, cells=(("a",), ("c2",))), ahead, WHOLE)


def test_a_script_may_put_the_last_image_together_instead_of_handing_it_out():
    """Stop after image lets it end as it always does; a picture that is nowhere is missing."""
    alone = Outcome(Answer(200, ("a",)), NEXT, cells=(("a",),), cells_at_press=1, calls=6)
    ours = replace(alone, answer=Answer(200, ("pasted",)))
    after_image = replace(STOP, finishes_image=True)
    assert [] == find_harm(alone, ours, after_image)
    assert ["1 whole pictures of alone's are missing"] == find_harm(alone, ours, STOP)
    lost = replace(ours, cells=(("b",),))
    assert "1 whole pictures of alone's are missing" in find_harm(alone, lost, after_image)
