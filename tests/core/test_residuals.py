"""How far off estimates were, and the range that follows from it."""

from __future__ import annotations

import json
import math
import random

import pytest

from tests.virtual_clock import VirtualClock
from zluda_sync.core.learning.durations import Learning
from zluda_sync.core.learning.estimate import Foreseen, Knowledge
from zluda_sync.core.learning.late_saver import LateSaver
from zluda_sync.core.learning.residuals import (
    FARTHEST,
    MOST_RECENT,
    MOST_RESIDUALS,
    PRIOR_SCATTER,
    Estimates,
    Kind,
    Residuals,
)
from zluda_sync.core.phase import BASE, DETAIL, Phase
from zluda_sync.core.progress.job import Job
from zluda_sync.core.progress.shape import JobShape, PassShape
from zluda_sync.core.steps.policy import SyncMode

TEN = Foreseen(10.0, Knowledge.EXACT)
NOTHING = {"exact": [], "scaled": [], "guessed": []}
SHAPE = JobShape(passes=(PassShape(BASE, 4, 512, 512),))


def taught(*factors: float, foreseen: Foreseen = TEN) -> Residuals:
    """What is known after jobs that took so many times what was foreseen."""
    residuals = Residuals()
    for factor in factors:
        residuals.learn(foreseen, factor * foreseen.seconds)
        residuals.learn_length(factor * foreseen.seconds)
    return residuals


def test_nothing_foreseen_is_nothing_told():
    """Unknown is None."""
    assert Residuals().estimate(None) is None


def test_the_less_is_known_the_wider_the_range():
    """Before any job has ended: exact, scaled and guessed, each around the guess."""
    widths = []
    for kind in Knowledge:
        told = Residuals().estimate(Foreseen(10.0, kind))
        assert told.low_s < 10.0 < told.high_s
        assert 10.0 == pytest.approx(told.seconds, rel=0.01)
        widths.append(told.high_s - told.low_s)
    assert sorted(widths) == widths
    assert len(set(widths)) == len(widths)


@pytest.mark.parametrize("scatter", [0.02, 0.1, 0.3])
def test_eight_of_ten_jobs_end_within_the_range(scatter):
    """Whatever the machine scatters by, once it is known; counted over two thousand jobs."""
    chance, within = random.Random(7), []
    residuals = Residuals()
    for job in range(2000):
        took_s = 10 * chance.lognormvariate(0.0, scatter)
        told = residuals.estimate(TEN)
        if job >= MOST_RESIDUALS:
            within.append(told.low_s <= took_s <= told.high_s)
        residuals.learn(TEN, took_s)
    assert 0.75 <= sum(within) / len(within) <= 0.85


def test_what_is_always_off_is_put_right():
    """Jobs that take a fifth longer than foreseen move guess and range, which holds the guess."""
    told = taught(*[1.2] * MOST_RESIDUALS).estimate(TEN)
    assert 12.0 == pytest.approx(told.seconds, rel=0.02)
    assert told.low_s <= told.seconds <= told.high_s


def test_one_job_in_twenty_that_is_far_off_does_not_widen_the_range():
    """A laptop that slept is no reason to know less of the other jobs."""
    steady = taught(*[0.99, 1.01] * 19).estimate(TEN)
    disturbed = taught(*[0.99, 1.01] * 19, 50.0, 50.0).estimate(TEN)
    assert disturbed.high_s - disturbed.low_s < 2 * (steady.high_s - steady.low_s) + 0.5


@pytest.mark.parametrize("knowledge", list(Knowledge))
@pytest.mark.parametrize("factor", [20.0, 1 / 20])
@pytest.mark.parametrize("others", [(), (1.0,), (0.99, 1.0, 1.01)])
def test_one_job_that_is_far_off_by_itself_may_be_an_accident(knowledge, factor, others):
    """Among few it would be the range; a second one as far off is believed, before and after others."""
    foreseen = Foreseen(10.0, knowledge)
    farthest = 3.15 * PRIOR_SCATTER[Kind(knowledge.value)]
    told = taught(factor, *others, foreseen=foreseen).estimate(foreseen)
    assert 10 * math.exp(-farthest) <= told.low_s <= told.high_s <= 10 * math.exp(farthest)
    told = taught(factor, *others, factor, foreseen=foreseen).estimate(foreseen)
    assert told.high_s > 150 if factor > 1 else told.low_s < 0.7


@pytest.mark.parametrize("knowledge", list(Knowledge))
def test_what_a_detailer_or_a_script_took_says_nothing_of_jobs_without(knowledge):
    """Nor of each other: they are kept by themselves, over a restart as well."""
    plain, found = Foreseen(10.0, knowledge), Foreseen(10.0, knowledge, has_detailer=True)
    done = Foreseen(10.0, knowledge, has_scripts=True)
    for one, others in (found, (plain, done)), (done, (plain, found)):
        residuals = taught(*[20.0] * 30, foreseen=one)
        residuals = Residuals.from_json(json.loads(json.dumps(residuals.to_json())))
        assert all(Residuals().estimate(other) == residuals.estimate(other) for other in others)
        assert residuals.estimate(one).low_s > 100


def test_a_job_of_which_something_was_left_out_says_nothing_of_the_estimate():
    """The first detailer: that it comes on top was told."""
    residuals = taught(*[20.0] * 30, foreseen=Foreseen(10.0, Knowledge.SCALED, True, is_whole=False))
    assert Residuals().to_json()["residuals"] == residuals.to_json()["residuals"]


def test_what_versions_kept_that_did_not_tell_them_apart_is_read():
    """They count as jobs without a detailer, most of which they are."""
    tree = taught(1.2, 1.3).to_json()
    del tree["residuals"]["detailer"], tree["residuals"]["script"]
    assert taught(1.2, 1.3).to_json() == Residuals.from_json(tree).to_json()


def test_what_is_scaled_says_nothing_of_what_is_exact():
    """Each kind of knowledge has residuals of its own."""
    residuals = taught(*[2.0] * 30, foreseen=Foreseen(10.0, Knowledge.SCALED))
    assert Residuals().estimate(TEN) == residuals.estimate(TEN)


def test_of_an_unknown_job_the_usual_length_is_told():
    """After three jobs: the middle one, from the shortest to the longest."""
    residuals = taught(1.0, 3.0)
    assert residuals.estimate_unknown() is None
    residuals.learn_length(20.0)
    told = residuals.estimate_unknown()
    assert (20.0, 10.0, 30.0) == pytest.approx((told.seconds, told.low_s, told.high_s))


def test_one_request_that_took_far_longer_than_all_others_is_not_the_usual_length():
    """Three minutes among a dozen of five seconds: one in thirteen. After a second one, it may be."""
    told = taught(*[0.5] * 12, 18.0).estimate_unknown()
    assert (5.0, 5.0) == pytest.approx((told.seconds, told.low_s))
    assert told.high_s < 30
    assert 180.0 == pytest.approx(taught(*[0.5] * 12, 18.0, 18.0).estimate_unknown().high_s)


@pytest.mark.parametrize("took_s", [0.0, -1.0, math.inf, math.nan])
def test_a_job_of_no_possible_length_teaches_nothing(took_s):
    """A clock that was set back, say."""
    residuals = Residuals()
    residuals.learn(TEN, took_s)
    residuals.learn_length(took_s)
    assert Residuals().to_json() == residuals.to_json()


def test_what_is_kept_is_bounded_and_read_back():
    """The newest stay, and a factor of a thousand counts as one of a hundred."""
    residuals = taught(*[1.0 + index / 100 for index in range(MOST_RESIDUALS + 10)], 1000.0)
    tree = json.loads(json.dumps(residuals.to_json()))
    kept = tree["residuals"]["exact"]
    assert (MOST_RESIDUALS, MOST_RECENT) == (len(kept), len(tree["recent_s"]))
    assert FARTHEST == kept[-1]
    assert tree == Residuals.from_json(tree).to_json()


@pytest.mark.parametrize(
    "broken",
    [
        None,
        [],
        {"version": 2},
        {"version": 1},
        {"version": 1, "residuals": {"exact": ["far"], "scaled": [], "guessed": []}, "recent_s": []},
        {"version": 1, "residuals": {"exact": [99], "scaled": [], "guessed": []}, "recent_s": []},
        {"version": 1, "residuals": {"exact": [math.nan], "scaled": [], "guessed": []}, "recent_s": []},
        {"version": 1, "residuals": {"exact": [], "scaled": [], "guessed": []}, "recent_s": [-1]},
        {"version": 1, "residuals": {"exact": [], "scaled": []}, "recent_s": []},
        {"version": 1, "residuals": {**NOTHING, "detailer": ["far"]}, "recent_s": []},
        {"version": 1, "residuals": {**NOTHING, "script": [99]}, "recent_s": []},
        {"version": 1, "residuals": {**NOTHING, "script": 1}, "recent_s": []},
    ],
)
def test_a_file_of_another_form_is_refused(broken):
    """Never trusted blindly."""
    with pytest.raises(ValueError, match=r"version|form|residual|length|float"):
        Residuals.from_json(broken)


class User:
    """Makes jobs, one after the other, with estimates that are kept in a folder."""

    def __init__(self, folder) -> None:
        self.warnings: list[str] = []
        self.saver = LateSaver(self.warnings.append)
        self.learning = Learning(folder, self.warnings.append, self.saver)
        self.estimates = Estimates(self.learning, folder, self.warnings.append, self.saver)
        self.clock = VirtualClock()

    def make(self, step_s: float = 1.0, phase: Phase | None = None, is_changed: bool = False) -> None:
        self.estimates.job_begins(SHAPE)
        job = Job(SyncMode.EVERY_STEP, SHAPE, self.learning.memory_for(SHAPE), self.clock)
        if phase is not None:
            job.begin_part(phase)
        _, ledger = job.begin_pass()
        for step in range(4):
            self.clock.pass_time(step_s)
            ledger.record_launch()
            ledger.record_completion(step)
        if is_changed:
            self.estimates.job_changed()
        job.deliver()
        self.estimates.job_ended(job)
        self.learning.learn(job)

    def make_picture(self, shape: JobShape, untold_s: float = 0.0, slower: float = 1.0) -> float:
        """Make a picture, with work that takes so long and does not follow from the request.

        Returns:
            What it took.
        """
        self.estimates.job_begins(shape)
        job = Job(SyncMode.EVERY_STEP, shape, self.learning.memory_for(shape), self.clock)
        step_s = slower * 0.1 * shape.base_pixels / 512**2
        job.begin_part(Phase.ENCODE)
        self.clock.pass_time(0.1 * slower)
        _, ledger = job.begin_pass()
        for step in range(shape.passes[0].steps):
            self.clock.pass_time(step_s)
            ledger.record_launch()
            ledger.record_completion(step)
        job.begin_part(Phase.DECODE)
        self.clock.pass_time(3 * step_s)
        if shape.has_detailer:
            job.begin_part(Phase.DETAIL, DETAIL)
        else:
            job.leave_part()
        self.clock.pass_time(untold_s)
        job.begin_part(Phase.SAVE)
        self.clock.pass_time(0.1 * slower)
        job.deliver()
        self.estimates.job_ended(job)
        self.learning.learn(job)
        return job.elapsed_s

    def kept(self) -> int:
        """How many residuals are kept."""
        tree = self.estimates._loaded().to_json()
        return sum(map(len, tree["residuals"].values()))


def test_each_job_is_held_against_what_was_foreseen(tmp_path):
    """The first one could not be; those after it could, and are so after a restart as well."""
    user = User(tmp_path)
    assert user.estimates.estimate(SHAPE) is None
    user.make()
    assert 0 == user.kept()
    user.make()
    assert 1 == user.kept()
    user.make()
    assert 2 == user.kept()
    told = user.estimates.estimate(SHAPE)
    assert told.low_s <= 4.0 <= told.high_s
    user.saver.flush(20.0)
    again = User(tmp_path)
    assert 2 == again.kept()
    assert told.low_s == pytest.approx(again.estimates.estimate(SHAPE).low_s, rel=0.001)
    assert [] == user.warnings + again.warnings


@pytest.mark.parametrize("change", [{"phase": Phase.LOAD}, {"is_changed": True}])
def test_a_job_that_was_not_the_one_foreseen_says_nothing_of_the_estimate(tmp_path, change):
    """A model was loaded on the way, or a script has changed what was asked for."""
    user = User(tmp_path)
    user.make()
    user.make(**change)
    assert 0 == user.kept()


def picture(size_px: int, **asked) -> JobShape:
    """A picture of twenty steps."""
    return JobShape(passes=(PassShape(BASE, 20, size_px, size_px),), **asked)


@pytest.mark.parametrize("asked", [{"has_detailer": True}, {"scripts": "a script"}])
def test_one_job_with_a_detailer_or_a_script_leaves_the_ranges_of_plain_jobs_as_they_are(tmp_path, asked):
    """It took a minute longer than could be known; of sizes that are new and of those that are known."""
    told = {}
    for user, untold_s in (User(tmp_path / "without"), 0.0), (User(tmp_path / "with"), 60.0):
        user.make_picture(picture(512))
        user.make_picture(picture(512, **asked), untold_s)
        told[untold_s] = [user.estimates.estimate(picture(size_px)) for size_px in (512, 768, 384)]
    for before, after in zip(told[0.0], told[60.0], strict=True):
        assert (before.low_s, before.high_s) == pytest.approx((after.low_s, after.high_s))
        assert after.high_s < 1.5 * after.low_s
    assert [Knowledge.EXACT, Knowledge.SCALED, Knowledge.SCALED] == [one.knowledge for one in told[60.0]]


@pytest.mark.parametrize("asked", [{"has_detailer": True}, {"scripts": "a script"}])
def test_ranges_hold_where_one_job_in_four_has_work_that_nobody_can_foresee(tmp_path, asked):
    """Counted by themselves: plain jobs of known and new sizes, and the others, whose range is as wide."""
    within, widths = {False: [], True: []}, {False: [], True: []}
    for seed in range(6):
        chance, user = random.Random(seed), User(tmp_path / str(seed))
        user.make_picture(picture(512))
        user.make_picture(picture(512, **asked), 5.0)
        for _ in range(80):
            is_open, size_px = chance.random() < 0.25, chance.choice((384, 448, 512, 576, 640, 704, 768))
            shape = picture(size_px, **asked) if is_open else picture(size_px)
            untold_s = 5 * chance.lognormvariate(0.0, 0.5) if is_open else 0.0
            told = user.estimates.estimate(shape)
            took_s = user.make_picture(shape, untold_s, chance.lognormvariate(0.0, 0.08))
            within[is_open].append(told.low_s <= took_s <= told.high_s)
            widths[is_open].append(told.high_s / told.low_s)
    assert 0.75 <= sum(within[False]) / len(within[False]) <= 0.9
    assert 0.7 <= sum(within[True]) / len(within[True]) <= 0.95
    assert max(widths[False]) < 2
