"""The plan behind the tables."""

from __future__ import annotations

import pytest

from bench.campaigns.modes import build_formula_rows
from bench.campaigns.modes_plan import FULL_PLAN, LEARNED_AT_RUN, QUICK_PLAN, SETTINGS, Case
from bench.host.job import FinishedJob, WantedJob
from bench.truth.measured_job import MeasuredJob, PassTruth

CASES = ["1 image", "batch of 3", "hires", "img2img 0.5", "hires x 2", "unforeseen pass"]


def test_the_full_plan_has_every_kind_of_job():
    """The table's lines."""
    assert [case.name for case in FULL_PLAN.cases] == CASES


def test_the_quick_plan_has_the_first_cases():
    """Less than a minute leaves room for three."""
    assert [case.name for case in QUICK_PLAN.cases] == CASES[:3]


def test_the_full_plan_learns_every_shape_and_pairs_the_first():
    """Three runs make a shape learned, and five pairs a median."""
    assert FULL_PLAN.runs == LEARNED_AT_RUN
    assert [case.pairs for case in FULL_PLAN.cases] == [5, 0, 0, 0, 0, 0]


def test_the_stock_host_runs_each_case_once():
    """It learns nothing, and a second run would tell the same."""
    assert [FULL_PLAN.runs_of(setting) for setting in SETTINGS] == [1, 1, 3, 3, 3]


def test_a_plan_counts_its_jobs():
    """The bar is full with the last one: six cases, five rounds of six, and each change learned anew."""
    assert FULL_PLAN.jobs == 6 * (1 + 1 + 3 + 3 + 3) + 5 * 6 + len(FULL_PLAN.eta_changes) * 3


def test_each_kind_of_job_warms_the_host_up_once():
    """The first with a pass of its kind pays for what torch does once."""
    kinds = [(wanted.hires, wanted.unforeseen) for wanted in FULL_PLAN.warm_up]
    assert [(False, False), (True, False), (False, True)] == kinds
    assert {2} == {wanted.steps for wanted in FULL_PLAN.warm_up}


def test_the_stock_host_has_rows_of_its_own():
    """Both ways of the host's own synchronize, with the extension off."""
    assert {(setting.mode, setting.host_sync) for setting in SETTINGS if setting.mode == "off"} == {
        ("off", False),
        ("off", True),
    }


@pytest.mark.parametrize(
    ("wanted", "passes"),
    [
        (WantedJob(), 1),
        (WantedJob(batches=3), 3),
        (WantedJob(batches=2, hires=True), 4),
        (WantedJob(strength=0.5), 1),
        (WantedJob(unforeseen=True), 1),
    ],
)
def test_the_planned_passes_follow_from_the_request(wanted: WantedJob, passes: int):
    """What is not foreseen is not planned."""
    assert wanted.planned_passes == passes


def test_a_formula_has_only_the_figures_of_the_bar():
    """It says nothing of previews, launches or cost."""
    measured = MeasuredJob(0.0, 4.0, (PassTruth((0.0, 0.1), (1.0, 2.0)),), phases_began_s=(0.0,))
    rows = build_formula_rows(Case("1 image", WantedJob(steps=2)), FinishedJob([], measured))
    assert [row["mode"] for row in rows] == ["SD.Next's formula", "A1111's formula", "tqdm's EMA"]
    for row in rows:
        assert row["bar_error_mean"] is not None
        assert {row[name] for name in ("step_error_max", "lead_samples", "run_ahead_max", "previews")} == {
            None
        }
