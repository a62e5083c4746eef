"""The check of a card: what follows from what was seen of its jobs."""

from __future__ import annotations

import threading
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from zluda_sync.core.clock import SYSTEM_CLOCK
from zluda_sync.core.records.self_test_report import RungVerdict, SelfTestReport
from zluda_sync.core.records.verification import Outcome, Truth
from zluda_sync.core.steps.policy import SyncMode
from zluda_sync.device.steps.device_kinds import KINDS, UNKNOWN
from zluda_sync.device.steps.waits import BlockingWaits, CalledOff, TrialLimits
from zluda_sync.pipeline.card_check import fixed_job
from zluda_sync.pipeline.card_check import truth as truth_module
from zluda_sync.pipeline.card_check.card_check import CASES
from zluda_sync.pipeline.card_check.findings import (
    build_row,
    find_blocking_launch,
    find_lying_rung,
    find_outcome,
    find_saving,
    find_spread,
    find_truth,
)
from zluda_sync.pipeline.card_check.fixed_job import FixedJob, build_latents, build_pictures, is_picture
from zluda_sync.pipeline.card_check.observer import Observation, Observer, Sample
from zluda_sync.pipeline.card_check.truth import TrueTimes, TruthRecorder, build_equal_times

REPORT = SelfTestReport("card", work_s=1.0, queued_s=0.1, rungs=(RungVerdict("planted-event", True),))
HOLDS_LATER = replace(REPORT, probe_queued_s=0.9, probe_total_s=1.0, blocking_launch=1022)
BLOCKS = SelfTestReport("card", work_s=1.0, queued_s=1.0)
GOOD: dict[str, Any] = {
    "bar_error": 0.01, "step_error": 1, "lead": 0, "previews": 12, "torn": 0, "early": 0,
    "truth": Truth.EVENTS, "rung": "planted-event",
}  # fmt: skip
OWN = (SyncMode.RUN_AHEAD, False)
LONG_S = 20.0


def seen(*jobs: dict[str, Any]) -> dict[Any, list[Observation]]:
    """Jobs of every case, each good but for those of the card's own, which are so."""
    found = {case: [Observation(1.0, **GOOD)] for case in CASES}
    found[OWN] = [Observation(1.0, **{**GOOD, **job}) for job in jobs]
    return found


@pytest.mark.parametrize(
    ("report", "jobs", "spread", "outcome"),
    [
        (REPORT, [{}], 0.0, Outcome.TRUE),
        (REPORT, [{"lead": 1}], 0.0, Outcome.EARLY),
        (REPORT, [{}, {"lead": 1}], 0.9, Outcome.EARLY),
        (REPORT, [{"torn": 1}], 0.0, Outcome.TORN),
        (REPORT, [{"early": 1}], 0.0, Outcome.TORN),
        (REPORT, [{"step_error": 2}], 0.0, Outcome.LATE),
        (REPORT, [{"step_error": 2}, {"step_error": 3}], 0.0, Outcome.LATE),
        (REPORT, [{"step_error": 2}, {}, {}], 0.0, Outcome.UNSURE),
        (HOLDS_LATER, [{}], 0.0, Outcome.BLOCKING),
        (HOLDS_LATER, [{"lead": 1}], 0.0, Outcome.EARLY),
        (replace(HOLDS_LATER, probe_queued_s=0.1), [{}], 0.0, Outcome.TRUE),
        (REPORT, [{"is_lost": True}], 0.9, Outcome.LOST),
        (REPORT, [{}], 0.2, Outcome.UNSURE),
        (REPORT, [{"lead": 1, "truth": Truth.READ_BACK}], 0.2, Outcome.UNSURE),
        (REPORT, [{"lead": 1, "truth": Truth.READ_BACK}], 0.0, Outcome.EARLY),
    ],
)
def test_the_worst_that_was_seen_decides(report, jobs, spread, outcome):
    """One report too early is a lie, however busy the machine; times that differ tell nothing of a saving."""
    assert outcome is find_outcome(report, seen(*jobs), spread)


def test_a_device_that_blocks_has_nothing_to_gain():
    """Unless what is told of it is untrue."""
    blocked = {**seen({}), (SyncMode.EVERY_STEP, False): [Observation(1.0, **GOOD)]}
    assert Outcome.BLOCKING is find_outcome(BLOCKS, blocked, 0.0)
    assert Outcome.EARLY is find_outcome(BLOCKS, seen({"lead": 1}), 0.0)


def test_after_how_many_operations_a_card_holds_the_host_back():
    """Where it does, and not from the first on."""
    assert (1022, None, None) == tuple(
        find_blocking_launch(report)
        for report in (
            HOLDS_LATER,
            replace(HOLDS_LATER, queued_s=1.0),
            replace(HOLDS_LATER, probe_queued_s=0.1),
        )
    )


def test_the_way_that_lied_is_blamed():
    """That of the job that was early, and not the one that was left at its end; the own mode's first."""
    jobs = seen({"lead": 1, "lead_rung": "passive-counter", "rung": "read-back"}, {})
    jobs[SyncMode.EVERY_STEP, False] = [Observation(1.0, **GOOD, lead_rung="device-synchronize")]
    assert "passive-counter" == find_lying_rung(jobs, SyncMode.RUN_AHEAD)
    jobs[OWN] = [Observation(1.0, **GOOD)]
    assert "device-synchronize" == find_lying_rung(jobs, SyncMode.RUN_AHEAD)
    assert find_lying_rung(seen({}), SyncMode.RUN_AHEAD) is None


def test_what_jobs_were_held_against_is_nothing_where_none_was_judged():
    """It is not a value that was read back."""
    nobody = {case: [Observation(1.0)] for case in CASES}
    assert find_truth(nobody, SyncMode.RUN_AHEAD) is None
    other = {**nobody, (SyncMode.OBSERVE, True): [Observation(1.0, truth=Truth.MEMORY)]}
    assert Truth.MEMORY is find_truth(other, SyncMode.RUN_AHEAD)
    assert Truth.EVENTS is find_truth({**other, OWN: [Observation(1.0, **GOOD)]}, SyncMode.RUN_AHEAD)


def test_a_saving_is_told_only_where_all_pairs_agree():
    """A median of pairs that contradict each other is chance."""

    def saving(*pairs):
        quiet = {
            OWN: [Observation(a) for a, _ in pairs],
            (SyncMode.OFF, True): [Observation(b) for _, b in pairs],
        }
        return find_saving(quiet, SyncMode.RUN_AHEAD)

    assert saving((0.9, 1.0), (0.94, 1.0), (1.88, 2.0)) == pytest.approx(0.06)
    assert saving((1.1, 1.0), (1.02, 1.0), (1.03, 1.0)) == pytest.approx(-0.03)
    assert 0.0 == saving((0.9, 1.0), (1.02, 1.0), (0.94, 1.0))
    assert saving() is None


def test_one_disturbed_job_is_no_busy_machine():
    """The middle of the distances decides."""
    assert find_spread([Observation(wall_s) for wall_s in (1.0, 1.0, 9.0)]) == 0.0
    assert find_spread([Observation(wall_s) for wall_s in (1.0, 1.1, 1.2)]) == pytest.approx(0.2 / 1.1)
    assert find_spread([]) == 0.0


def test_a_row_leaves_out_the_first_bar_and_adds_up_what_must_not_be():
    """The first job has nothing to go by; one torn preview is one too many."""
    jobs = [
        Observation(9.0, **{**GOOD, "bar_error": error, "torn": torn, "step_error": step_error})
        for error, torn, step_error in ((0.5, 1, 0), (0.02, 0, 2), (0.04, 1, 1))
    ]
    row = build_row(OWN, [Observation(1.0), Observation(1.2), Observation(3.0)], jobs)
    assert (1.2, 0.03, 2, 36, 2) == (row.wall_s, row.bar_error, row.step_error, row.previews, row.torn)
    bare = build_row((SyncMode.OFF, True), [Observation(1.0)], [])
    assert (None, None, None) == (bare.bar_error, bare.lead, bare.previews)


def test_a_row_says_nothing_of_what_was_not_judged():
    """No zero; one job that was is enough for a figure."""
    unjudged = Observation(1.0, bar_error=0.1, previews=12, torn=0)
    row = build_row(OWN, [Observation(1.0)], [unjudged, unjudged])
    assert (None, None, None) == (row.step_error, row.lead, row.early)
    assert (24, 0) == (row.previews, row.torn)
    row = build_row(OWN, [Observation(1.0)], [unjudged, Observation(1.0, **GOOD)])
    assert (1, 0, 0) == (row.step_error, row.lead, row.early)


class Work:
    """Work of no length, in which the test may look at the latents."""

    def __init__(self) -> None:
        self.look = lambda: None

    def queue(self) -> None:
        self.look()

    queue_tiny = queue


def test_the_latents_of_each_step_are_known_exactly():
    """On a device that computes at once: those of each step, the picture of each, and none in its midst."""
    work, pictures, torn = Work(), build_pictures(), list[torch.Tensor]()
    job = FixedJob(torch.device("cpu"), work)
    project = fixed_job.DeviceProjection(fixed_job.plain_projection(4), torch.device("cpu")).project
    work.look = lambda: torn.append(project(job.latents)[0])
    for _ in range(2):  # in place, and again from the begin
        job.begin()
        for step in range(fixed_job.STEPS):
            job.queue_step()
            assert torch.equal(build_latents(step + 1), job.latents)
            shown = project(job.latents)[0]
            assert [step] == [index for index, one in enumerate(pictures) if is_picture(shown, one)]
    assert not any(is_picture(one, picture) for one in torn for picture in pictures)


class Device:
    """An accelerator whose events were reached when the test says so; no sentinel can be planted on it."""

    device = None
    kind = UNKNOWN

    def __init__(self, reached_s: list[float] | None) -> None:
        self._reached_s = reached_s

    def make_timing_event(self) -> Any:
        if self._reached_s is None:
            raise RuntimeError("no such events")
        at_s = self._reached_s.pop(0)
        return SimpleNamespace(at_s=at_s, elapsed_time=lambda other: self.tell_ms(at_s, other.at_s))

    def tell_ms(self, one_s: float, other_s: float) -> float:
        return 1000 * (other_s - one_s)

    def record(self, event: Any) -> None:
        pass


@pytest.fixture(autouse=True)
def waits():
    """The threads of waits that may block."""
    made = BlockingWaits()
    yield made
    made.stop()


def limits_of(waits: BlockingWaits, is_called_off: bool = False) -> TrialLimits:
    return TrialLimits(waits, lambda: is_called_off, SYSTEM_CLOCK, 60.0)


def record(device: Device, limits: TrialLimits) -> tuple[TrueTimes | None, TruthRecorder]:
    """What is recorded of three steps of a second each, and one second behind them, read back at 4."""
    recorder = TruthRecorder(device, lambda: 0.0, limits)  # type: ignore[arg-type]
    recorder.begin()
    for _ in range(3):
        recorder.begin_step()
        recorder.put()
    return recorder.build(3, 4.0, 1, lambda: None), recorder


@pytest.mark.parametrize(
    ("reached_s", "at_s", "truth"),
    [
        ([0, 1.1, 2.2, 2.9, 4], (1.1, 2.2, 2.9), Truth.EVENTS),
        ([0, 1.1, 1.0, 2.9, 4], (1, 2, 3), Truth.READ_BACK),
        ([0, 1, 2, 3, 9], (1, 2, 3), Truth.READ_BACK),
        (None, (1, 2, 3), Truth.READ_BACK),
    ],
    ids=["true", "out of order", "another clock", "no events"],
)
def test_events_are_believed_only_where_something_else_agrees(waits, reached_s, at_s, truth):
    """Else each step has an equal part of the time that a reading has ended."""
    found, _ = record(Device(reached_s), limits_of(waits))
    assert found is not None
    assert (pytest.approx(at_s), truth) == (found.at_s, found.truth)


def test_events_that_nothing_agrees_with_tell_nothing(waits):
    """Some drivers notice an event only when somebody asks: then nobody knows."""
    assert record(Device([0, 3.9, 3.95, 3.99, 4]), limits_of(waits))[0] is None


def test_a_kind_of_device_that_may_never_tell_is_not_asked_for_the_time(waits):
    """On Apple's the asking may wait for ever: no event is made, and none is recorded."""
    device = Device([0, 1, 2, 3, 4])
    device.kind = KINDS["mps"]
    device.make_timing_event = device.record = lambda *_: pytest.fail("asked")  # type: ignore[method-assign]
    found, _ = record(device, limits_of(waits))
    assert found is not None and Truth.READ_BACK is found.truth


class StuckDevice(Device):
    """Never tells the time between events, and says when it was asked."""

    def __init__(self) -> None:
        super().__init__([0, 1.1, 2.2, 2.9, 4])
        self.go_on = threading.Event()

    def tell_ms(self, one_s: float, other_s: float) -> float:
        self.go_on.wait(LONG_S)
        return super().tell_ms(one_s, other_s)


def test_a_driver_that_never_tells_the_time_holds_up_nothing(waits, monkeypatch):
    """The other ways are left, and who made the job knows that it need not be asked again."""
    monkeypatch.setattr(truth_module, "READ_EVENTS_LIMIT_S", 0.1)
    device = StuckDevice()
    found, recorder = record(device, limits_of(waits))
    device.go_on.set()
    assert found is not None
    assert (Truth.READ_BACK, True) == (found.truth, recorder.has_blocked)


def test_a_job_that_begins_is_not_kept_waiting_by_such_a_driver(waits):
    """The check is called off in the midst of the asking."""
    device = StuckDevice()
    with pytest.raises(CalledOff):
        record(device, limits_of(waits, is_called_off=True))
    device.go_on.set()


@pytest.mark.parametrize(
    ("launches", "ended_at_s", "at_s"),
    [
        ([(0, 0), (0, 0), (0, 0)], 4.0, (1, 2, 3)),
        ([(0, 0), (1, 1), (2, 2)], 4.0, (1, 2, 3)),
        ([(0, 0), (5, 5), (5, 5)], 8.0, (1, 6, 7)),
        ([(0, 3), (3, 3), (3, 3)], 6.0, (3, 4, 5)),
    ],
    ids=["all at once", "one by one", "a host that stalls", "a slow launch"],
)
def test_equal_parts_know_when_the_host_was_late(launches, ended_at_s, at_s):
    """A device that has nothing to do finishes nothing."""
    assert pytest.approx(at_s) == build_equal_times(launches, ended_at_s, 1)[0]


def test_what_cannot_be_told_is_not_judged():
    """But for the previews' pixels, which need no clock; without any job that can be, the check says so."""
    first, *_ = build_pictures(3)
    samples = [Sample(1.0, 1.0, 3, 0.5)]
    found = observer(samples, {0: (0.1, first), 1: (0.1, first)}).judge(
        Observation(4.0), None, 0.0, 4.0, build_pictures(3)
    )
    assert (None, None, None, 2, 1) == (found.lead, found.step_error, found.early, found.previews, found.torn)
    untold = {"lead": None, "step_error": None, "early": None, "truth": None}
    assert Outcome.UNTOLD is find_outcome(REPORT, seen(untold), 0.0)
    assert Outcome.UNSURE is find_outcome(REPORT, seen(untold), 0.2)
    assert Outcome.TRUE is find_outcome(REPORT, seen(untold, {}), 0.0)


def observer(samples: list[Sample], shown: dict[int, tuple[float, torch.Tensor]]) -> Observer:
    """An observer that has seen this."""
    one = Observer(None, None, None)  # type: ignore[arg-type]
    one._samples, one._shown = samples, shown
    return one


#: Looks at which nothing untrue was told: two in each step.
LOOKS = [Sample(at_s, at_s, int(at_s), at_s / 4) for at_s in (0.3, 0.6, 1.3, 1.6, 2.3, 2.6)]


def judge(samples: list[Sample], shown: dict[int, tuple[float, torch.Tensor]] | None = None) -> Observation:
    """What is made of it, where steps are finished at 1, 2 and 3 of 4 seconds."""
    true = TrueTimes((1.0, 2.0, 3.0), 0.01, Truth.EVENTS)
    looks = sorted([*LOOKS, *samples], key=lambda one: one.after_s)
    return observer(looks, shown or {}).judge(Observation(4.0), true, 0.0, 4.0, build_pictures(3))


@pytest.mark.parametrize(
    ("at_s", "completed", "step_error", "lead"),
    [(1.5, 1, 0, 0), (1.5, 0, 1, 0), (2.5, 0, 2, 0), (1.5, 2, 1, 1), (0.995, 1, 0, 0), (0.9, 1, 1, 1)],
)
def test_a_report_is_held_against_what_was_finished(at_s, completed, step_error, lead):
    """Too few is behind, too many is a lead; what the clocks cannot tell apart is neither."""
    found = judge([Sample(at_s, at_s, completed, 0.5)])
    assert (step_error, lead) == (found.step_error, found.lead)


def test_a_bar_is_held_against_the_time_that_it_took():
    """In the mean; a look after the end does not count."""
    samples = [Sample(1, 1, 1, 0.30), Sample(2, 2, 2, 0.45), Sample(5, 5, 3, 0.0)]
    found = observer(samples, {}).judge(Observation(4.0), None, 0.0, 4.0, build_pictures(3))
    assert found.bar_error == pytest.approx(0.05)


def test_previews_are_held_against_the_true_latents_of_their_step():
    """One of another step, one of two halves, and one that came before its step was finished."""
    first, second, third = build_pictures(3)
    halves = torch.cat([third[:32], second[32:]])
    found = judge([], {0: (1.5, first), 1: (2.5, second), 2: (3.5, third)})
    assert (3, 0, 0) == (found.previews, found.torn, found.early)
    found = judge([], {0: (1.5, second), 1: (1.5, second), 2: (3.5, halves)})
    assert (3, 2, 1) == (found.previews, found.torn, found.early)


TRUE = TrueTimes((1.0, 2.0, 3.0), 0.01, Truth.EVENTS)


@pytest.mark.parametrize(
    "samples",
    [[], LOOKS[::2], LOOKS[:2] + LOOKS[4:], [replace(one, completed=None) for one in LOOKS]],
    ids=["no look", "one a step", "none at a step", "nothing told"],
)
def test_without_evidence_nothing_is_called_true(samples):
    """A job that was looked at too seldom is not judged."""
    found = observer(samples, {}).judge(Observation(4.0), TRUE, 0.0, 4.0, build_pictures(3))
    assert (None, None, None, None) == (found.truth, found.step_error, found.lead, found.early)


def test_a_lie_that_was_seen_is_one_however_little_was_seen():
    """And the first is blamed on the way by which it was told."""
    samples = [Sample(0.5, 0.5, 2, 0.5, "planted-event"), Sample(0.6, 0.6, 2, 0.5, "read-back")]
    found = observer(samples, {}).judge(Observation(4.0), TRUE, 0.0, 4.0, build_pictures(3))
    assert (2, "planted-event", Truth.EVENTS) == (found.lead, found.lead_rung, found.truth)


def test_a_job_whose_looking_on_has_failed_is_not_judged():
    """What was seen until then is no proof for the rest; the job itself goes on."""

    class Run:
        rung_name = newest_ledger = None

        def snapshot(self) -> Any:
            raise RuntimeError("no such device")

    one = Observer(Run(), None, None)  # type: ignore[arg-type]
    one._samples = list(LOOKS)
    one.start()
    one.stop()
    found = one.judge(Observation(4.0), TRUE, 0.0, 4.0, build_pictures(3))
    assert (None, None, None) == (found.truth, found.step_error, found.lead)
