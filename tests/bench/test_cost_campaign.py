"""The table of costs: what is held against what, and when a line says that something is missed."""

from __future__ import annotations

import contextlib

import pytest

from bench.campaigns.costs import build_row, build_start_row, read_start_s
from bench.costs.all_costs import COSTS
from bench.costs.cost import Cost, Pair, Rounds, measure, repeated


def make(work_s, other_s, **given):
    """Return a cost that always takes that long, and its rounds."""
    pair = Pair(lambda: work_s, lambda: other_s)
    cost = Cost("x", lambda: contextlib.nullcontext(pair), rounds=3, **given)
    return cost, measure(cost)


def test_a_cost_within_bar_and_target_is_as_it_should_be():
    """The line says how long it takes, and how many times the other that is."""
    row = build_row(*make(0.00004, 0.00008, bar=0.6, target=50.0))
    assert ("40 µs", "50 µs", 0.5, "yes") == (row["figure"], row["target"], row["ratio"], row["verdict"])


@pytest.mark.parametrize(
    ("work_s", "other_s", "verdict"),
    [
        (0.00006, 0.00012, "misses the target"),
        (0.00004, 0.00005, "misses the bar"),
        (0.00006, 0.00005, "misses the bar and the target"),
    ],
)
def test_what_is_missed_is_named(work_s, other_s, verdict):
    """The bar is a ratio, the target a time."""
    assert verdict == build_row(*make(work_s, other_s, bar=0.6, target=50.0))["verdict"]


def test_the_fastest_rounds_are_compared_and_the_usual_one_is_told():
    """A round that something else has disturbed moves neither."""
    rounds = Rounds(Pair(iter([4.0, 2.0, 9.0]).__next__, iter([1.0, 7.0, 1.0]).__next__))
    for _ in range(3):
        rounds.do_other()
        rounds.do_work()
    assert (4.0, 2.0) == (rounds.median_s, rounds.ratio)


def test_a_piece_is_what_is_timed():
    """Three calls of five pieces each are fifteen."""
    calls = []
    assert repeated(lambda: calls.append(1), 3, 5)() < 0.1
    assert 3 == len(calls)


def test_every_cost_has_a_name_of_its_own():
    """The table and the tests know it by that."""
    names = [cost.what for cost in COSTS]
    assert sorted(set(names)) == sorted(names)


def test_the_real_hosts_log_is_read():
    """It tells the seconds of each extension, and leaves out those that take next to none."""
    line = "DEBUG | Extensions init time: total=1.12 sdnext-zluda-sync=0.36 autocomplete.py=0.33"
    assert (0.36, 0.1) == (read_start_s(line), read_start_s("Extensions init time: total=0.1"))
    with pytest.raises(ValueError, match="does not say"):
        read_start_s("Startup time")
    assert ["yes", "misses the target"] == [build_start_row(one)["verdict"] for one in ([0.4, 0.2], [0.4])]
