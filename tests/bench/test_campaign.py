"""The plan behind the table."""

from __future__ import annotations

import pytest

from bench.campaign import FULL_PLAN, LEARNED_AT_RUN, QUICK_PLAN, SETTINGS, Plan


@pytest.mark.parametrize("plan", [FULL_PLAN, QUICK_PLAN], ids=["full", "quick"])
def test_every_plan_has_the_three_cases(plan: Plan):
    """The table's lines are the same whatever the plan."""
    assert [case.name for case in plan.cases] == ["1 image", "batch of 3", "hires"]


def test_the_full_plan_learns_every_shape_and_pairs_every_case():
    """Three runs make a shape learned, and five pairs a median."""
    assert FULL_PLAN.runs == LEARNED_AT_RUN
    assert [case.pairs for case in FULL_PLAN.cases] == [5, 5, 5]


def test_a_plan_counts_its_jobs():
    """The bar is full with the last one: five settings three times, and five rounds of six."""
    assert FULL_PLAN.jobs == 3 * (len(SETTINGS) * 3 + 5 * 6)


def test_the_stock_host_has_rows_of_its_own():
    """Both ways of the host's own synchronize, with the extension off."""
    assert {(setting.mode, setting.host_sync) for setting in SETTINGS if setting.mode == "off"} == {
        ("off", False),
        ("off", True),
    }
