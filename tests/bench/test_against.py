"""Whole jobs against everything: what is called a miss, what is told of many jobs, and the picture."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from bench.campaigns.against import describe_spread
from bench.campaigns.against_picture import BARS_W, STYLE, Pictured, draw_picture
from bench.campaigns.against_plan import (
    BARE_AGAIN,
    CONTENDERS,
    FIRST_JOB,
    FULL_PLAN,
    OBSERVE,
    PREVIEWS,
    QUICK_PLAN,
    RUN_AHEAD,
    SYNC_OFF,
    Case,
)
from bench.campaigns.against_rows import (
    FORMULA_ROWS,
    Runs,
    Spread,
    build_rows,
    find_misses,
    find_quick_misses,
    noise_of,
)
from bench.host.job import WantedJob
from bench.truth.measured_job import MeasuredJob, PassTruth, Sample

GOOD = {
    "who": "run-ahead 1",
    "ratio": 1.004,
    "bar_error_mean": 0.004,
    "eta_error_mean": 0.01,
    "eta_coverage": 1.0,
    "step_error_max": 1,
    "lead_samples": 0,
    "falls": 0,
    "early_full_s": 0.0,
    "preview_share": None,
}
#: Two steps, queued at once and done at 4 and 8 s of 10.
BEHIND = PassTruth((0.1, 0.2), (4.0, 8.0))


def job(*bars, total_s=10.0, passes=(BEHIND,)):
    """Return a job whose client saw these shares, evenly over its time."""
    every_s = total_s / len(bars)
    samples = [Sample(at * every_s, at * every_s, bar, 1.0, step=0) for at, bar in enumerate(bars)]
    return MeasuredJob(0.0, total_s, passes, samples, phases_began_s=(0.0,))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"ratio": 1.02}, "ratio"),
        ({"who": "observe", "ratio": 1.02}, "ratio"),
        ({"step_error_max": 2}, "step_error_max"),
        ({"lead_samples": 1}, "lead_samples"),
        ({"falls": 1}, "falls"),
        ({"bar_error_mean": 0.03}, "bar_error_mean"),
        ({"who": "run-ahead 1, previews", "preview_share": 0.03}, "preview_share"),
        ({"who": "run-ahead 1, previews", "preview_share": None}, "preview_share"),
    ],
)
def test_each_figure_of_ours_over_its_target_is_a_miss(changes, named):
    """By its name, and alone."""
    assert [] == find_misses(GOOD, noise=0.002)
    (line,) = find_misses(GOOD | changes, noise=0.002)
    assert line.removeprefix("no ").startswith(named)


def test_time_misses_by_more_than_the_bare_job_misses_itself_only():
    """Where two bare jobs differ by a hundredth, a hundredth more proves nothing."""
    slower = GOOD | {"ratio": 1.012}
    assert [] == find_misses(slower, noise=noise_of([0.99, 1.0, 1.01, 1.02]))
    assert ["ratio 1.012"] == find_misses(slower, noise=noise_of([1.0, 1.0, 1.001]))


@pytest.mark.parametrize(("noise", "is_said"), [(0.01, False), (0.05, True)])
def test_a_busy_machine_is_told_of(noise, is_said):
    """Beside how far bare jobs differ."""
    said = describe_spread([{"case": "hires", "who": BARE_AGAIN.name, "ratio_text": "1.1", "noise": noise}])
    assert "hires 1.1" in said
    assert is_said is ("too busy" in said)


def test_a_first_job_is_held_to_what_a_first_job_can_know():
    """Nothing was learned then."""
    unsure = GOOD | {"bar_error_mean": 0.04, "eta_error_mean": 0.07}
    assert [] == find_misses(unsure | {"who": FIRST_JOB.name}, noise=0.0)
    assert 2 == len(find_misses(unsure, noise=0.0))


def test_short_jobs_are_held_to_what_is_always_right():
    """Nothing is learned in them, and their times are noise."""
    unsure = GOOD | {"ratio": 1.5, "bar_error_mean": 0.2, "eta_error_mean": 0.2, "eta_coverage": 0.5}
    assert [] == find_quick_misses(unsure, 0.0)
    assert ["falls 1", "lead_samples 2"] == find_quick_misses(unsure | {"falls": 1, "lead_samples": 2}, 0.0)


def test_a_spread_is_the_median_between_the_quartiles():
    """One value alone is all three."""
    assert Spread(3.0, 2.0, 4.0) == Spread.of([5.0, 1.0, 3.0, 2.0, 4.0])
    assert Spread(0.5, 0.5, 0.5) == Spread.of([0.5])
    assert str(Spread.of([0.5])) == "0.500 (0.500 to 0.500)"


def test_a_row_tells_the_median_of_errors_and_the_worst_of_what_is_counted():
    """Each ratio is to the bare job of its own round."""
    runs = Runs(stops_s=[0.1, 0.5, 0.2])
    runs.add(job(0.0, 0.5), job(0.0, total_s=8.0))
    runs.add(job(0.5, 0.0), job(0.0, total_s=10.0))
    runs.add(job(0.0, 0.5), job(0.0, total_s=5.0))
    row = runs.row("1 image", "somebody")
    assert (1.25, 0.0, 1, 0.2) == (row["ratio"], row["bar_error_mean"], row["falls"], row["stop_s"])
    assert row["ratio_text"] == "1.250 (1.125 to 1.625)"


def test_a_formula_that_counts_what_is_queued_is_full_at_once():
    """The same on what is done follows the device; the device's own steps stay what they were."""
    runs = Runs([job(0.0)], [1.0])
    _, _, formula, _ = FORMULA_ROWS[0]
    (queued,) = runs.replayed(1, formula, by_queued=True).jobs
    (done,) = runs.replayed(1, formula, by_queued=False).jobs
    assert [1.0, 0.5] == [one.samples[50].progress for one in (queued, done)]
    assert (BEHIND,) == queued.passes == done.passes


def test_a_case_has_everyone_and_a_verdict_on_ours_alone():
    """Who is not ours may do as it likes."""
    case = Case("1 image", WantedJob(steps=2), rounds=1, more=(PREVIEWS,))
    runs = {one: Runs([job(1.0, 0.0)], [1.0]) for one in (*case.contenders, FIRST_JOB)}
    rows = build_rows(case, runs)
    assert len(rows) == len(CONTENDERS) + 2 + len(FORMULA_ROWS)
    assert {one.name for one in runs if one.is_ours} == {row["who"] for row in rows if row["verdict"]}


@pytest.mark.parametrize("plan", [FULL_PLAN, QUICK_PLAN], ids=["full", "quick"])
def test_a_plan_has_the_readmes_jobs_and_measures_stop_and_previews(plan):
    """The picture is of one of them."""
    assert ["1 image", "batch of 3", "hires"] == [case.name for case in plan.cases]
    assert plan.cases[0].presses
    assert PREVIEWS in plan.cases[0].contenders
    assert {BARE_AGAIN, PREVIEWS} == set(plan.cases[0].contenders) - set(plan.cases[0].stopped)


def test_a_plan_counts_its_jobs():
    """Rounds with the bare job, first jobs with theirs, one that teaches, and a press for each."""
    case = Case("1 image", WantedJob(), rounds=2, first_jobs=3, presses=2)
    assert case.jobs == 2 * (1 + len(CONTENDERS)) + 3 * 2 + 1 + 2 * (len(CONTENDERS) - 1)


def test_everyone_that_the_issue_of_truth_needs_takes_part():
    """Each depth, each mode, and those that know nothing."""
    ours = {(one.mode, one.depth) for one in CONTENDERS if one.is_ours}
    assert ours >= {("every-step", 1), ("observe", 1), *(("run-ahead", depth) for depth in (1, 2, 4))}
    assert {SYNC_OFF, RUN_AHEAD, OBSERVE} <= set(CONTENDERS)


def draw():
    """Return the picture of two bars, as a tree."""
    rows = [
        Pictured("SD.Next & co", "sync off", job(0.0, 1.0, 0.0), 0.555, 0.9, 3, 2.31),
        Pictured("ZLUDA Sync", "counts", job(0.0, 0.3, 0.6), 0.02, 0.0, 0, 0.0),
    ]
    return ET.fromstring(draw_picture(rows, "Title", "below it"))


def test_the_picture_tells_every_figure():
    """Names, errors and faults, as text that a reader of the page can find."""
    texts = [element.text for element in draw().iter("{http://www.w3.org/2000/svg}text")]
    assert {"SD.Next & co", "55.5 %", "90.0 %", "goes back 3 times, full 2.3 s too early"} <= set(texts)
    assert {"ZLUDA Sync", "2.0 %", "0.0 %", "never goes back, never full too early", "start", "end"} <= set(
        texts
    )


def test_the_picture_stays_within_itself():
    """No bar is longer than its rail, nothing lies outside, and no letter is too small."""
    tree = draw()
    width, height = (float(size) for size in tree.attrib["viewBox"].split()[2:])
    fills = [one for one in tree.iter() if one.get("class") == "fill"]
    assert [BARS_W] == [float(one.attrib["width"]) for one in fills if float(one.attrib["width"]) >= BARS_W]
    for line in tree.iter("{http://www.w3.org/2000/svg}polyline"):
        for x, y in (point.split(",") for point in line.attrib["points"].split()):
            assert 0 <= float(x) <= width
            assert 0 <= float(y) <= height
    assert min(int(size) for size in re.findall(r"font-size: (\d+)px", STYLE)) >= 12
