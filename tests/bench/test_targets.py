"""Which rows miss their target."""

from __future__ import annotations

from bench.campaigns.modes_targets import find_misses

GOOD = {
    "case": "1 image",
    "mode": "run-ahead",
    "run": "first",
    "falls": 0,
    "early_full_s": 0.0,
    "eta_coverage": 0.95,
    "bar_error_mean": 0.05,
    "eta_error_mean": 0.08,
}


def test_a_row_at_its_bounds_misses_nothing():
    """Bounds are included."""
    assert find_misses([GOOD], [], {"run-ahead"}) == []


def test_every_missed_figure_has_a_line_of_its_own():
    """It says where, what, and what is wanted."""
    misses = find_misses([{**GOOD, "falls": 1, "eta_coverage": 0.9}], [], {"run-ahead"})
    assert misses == [
        "missed: 1 image, run-ahead, first: falls is 1, at most 0 is wanted",
        "missed: 1 image, run-ahead, first: eta_coverage is 0.9, at least 0.95 is wanted",
    ]


def test_more_is_wanted_once_learned():
    """The same figures are too much in the third run."""
    assert len(find_misses([{**GOOD, "run": "learned"}], [], {"run-ahead"})) == 2


def test_what_nobody_can_know_is_held_against_no_first_job():
    """A quarter for the bar and any remaining time, as of grids and other ways; the third run knows all."""
    late = GOOD | {"case": "detailer", "bar_error_mean": 0.25, "eta_error_mean": 0.9}
    assert [] == find_misses([late], [], {"run-ahead"}, {"detailer"})
    assert 2 == len(find_misses([late | {"run": "learned"}], [], {"run-ahead"}, {"detailer"}))
    assert 2 == len(find_misses([late], [], {"run-ahead"}, {"hires"}))
    assert 1 == len(find_misses([late | {"bar_error_mean": 0.3}], [], {"run-ahead"}, {"detailer"}))


def test_an_unknown_figure_meets_no_target():
    """Nothing measured is nothing proved."""
    assert len(find_misses([{**GOOD, "falls": None}], [], {"run-ahead"})) == 1


def test_other_modes_have_no_target():
    """The stock host and the formulas are there to compare."""
    assert find_misses([{**GOOD, "mode": "A1111's formula", "run": "first"}], [], {"run-ahead"}) == []


def test_a_first_eta_may_be_off_by_a_quarter():
    """After a change of size or steps."""
    right = {"change": "steps", "first_eta_error": 0.25}
    wrong = {"change": "size", "first_eta_error": 0.3}
    assert find_misses([], [right, wrong], {"run-ahead"}) == [
        "missed: size: first_eta_error is 0.3, at most 0.25 is wanted"
    ]
