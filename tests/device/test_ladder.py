"""The ladder: which rungs are tried, in which order, and which fall together."""

import threading
import time

import pytest

from tests.fake_device import FakeDevice
from zluda_sync.core.errors import NoRungLeftError, RungLiedError
from zluda_sync.core.records.self_test_report import RungVerdict, SelfTestReport
from zluda_sync.core.steps.policy import SyncMode
from zluda_sync.device.steps.accelerator import Accelerator
from zluda_sync.device.steps.ladder import RUNG_CLASSES, Ladder, marking_rung, rungs_for

WAITS = ["device-synchronize", "stream-synchronize", "read-back"]
LIE = RungLiedError("rung", 1.0)


@pytest.fixture
def accelerator():
    return Accelerator(FakeDevice())


def names(rungs):
    return [rung.name for rung in rungs]


def report(lying=(), **changes):
    verdicts = tuple(RungVerdict(name, name not in lying, cost_s=0.0) for name in RUNG_CLASSES)
    return SelfTestReport(**{"rungs": verdicts, "work_s": 0.2, "queued_s": 0.0, **changes})


def test_untested_a_counter_is_not_believed(accelerator):
    """Events are checked in use; a number in memory is not used before a self-test."""
    assert ["planted-event", "lagged-wait", *WAITS] == names(rungs_for(SyncMode.RUN_AHEAD, accelerator))


def test_every_step_needs_no_events(accelerator):
    """It begins with what SD.Next has proved on ZLUDA, whatever the test says of events."""
    assert WAITS == names(rungs_for(SyncMode.EVERY_STEP, accelerator))
    assert WAITS == names(rungs_for(SyncMode.EVERY_STEP, accelerator, report()))


def test_what_the_self_test_caught_is_left_out(accelerator):
    """Why meet a lie again that is known?"""
    rungs = rungs_for(SyncMode.OBSERVE, accelerator, report({"planted-event", "device-synchronize"}))
    assert ["passive-counter", "lagged-wait", "stream-synchronize", "read-back"] == names(rungs)


def test_the_users_rung_is_tried_first(accelerator):
    """In any mode; the others stay behind it, for it may fail."""
    for mode in (SyncMode.EVERY_STEP, SyncMode.RUN_AHEAD):
        found = names(rungs_for(mode, accelerator, report(), "lagged-wait"))
        assert "lagged-wait" == found[0]
        assert sorted({"lagged-wait", *names(rungs_for(mode, accelerator, report()))}) == sorted(found)


def test_a_liar_is_not_believed_because_the_user_wants_it(accelerator):
    """It was caught: the next one is used."""
    found = names(rungs_for(SyncMode.OBSERVE, accelerator, report({"planted-event"}), "planted-event"))
    assert "planted-event" not in found


def test_the_last_resort_stays_whatever_was_said_of_it(accelerator):
    """With nothing left, progress could not be followed at all."""
    assert ["read-back"] == names(rungs_for(SyncMode.OBSERVE, accelerator, report(set(RUNG_CLASSES))))


def test_a_device_that_blocks_has_proved_nothing_about_events(accelerator):
    """Its rungs were not tried; they are tried in use, but for those that were caught there."""
    blocking = report(queued_s=0.2, rungs=())
    assert "planted-event" == rungs_for(SyncMode.OBSERVE, accelerator, blocking)[0].name
    caught = blocking.distrusting("planted-event", "lied")
    assert "lagged-wait" == rungs_for(SyncMode.OBSERVE, accelerator, caught)[0].name


def test_marks_are_left_by_truthful_event_rungs_only(accelerator):
    """Marks are nice to know, and not worth a synchronize."""
    events = {"passive-counter", "planted-event", "lagged-wait"}
    assert "lagged-wait" == marking_rung(accelerator, report(events - {"lagged-wait"})).name
    assert marking_rung(accelerator, report(events)) is None


@pytest.mark.parametrize(
    ("failing", "error", "left"),
    [
        ("planted-event", LIE, WAITS),
        ("planted-event", RuntimeError("801"), ["lagged-wait", *WAITS]),
        ("planted-event", TimeoutError(), ["lagged-wait", *WAITS]),
        ("device-synchronize", LIE, ["planted-event", "lagged-wait", "read-back"]),
        ("device-synchronize", TimeoutError(), ["planted-event", "lagged-wait", "read-back"]),
        ("device-synchronize", RuntimeError("801"), ["planted-event", "lagged-wait", *WAITS[1:]]),
    ],
)
def test_a_lie_takes_the_rungs_of_its_kind_along(accelerator, failing, error, left):
    """What made one synchronize lie makes all lie; a call that is missing says nothing of the others."""
    rungs = rungs_for(SyncMode.RUN_AHEAD, accelerator)
    ladder = Ladder(rungs)
    ladder.demote(next(rung for rung in rungs if rung.name == failing), error)
    assert left == [rung.name for rung in rungs if not ladder.has_failed(rung)]


def test_settling_tells_once_of_all_that_failed_and_of_the_successor(accelerator):
    """One line in the log for one step, however many rungs it cost."""
    told = []
    rungs = rungs_for(SyncMode.RUN_AHEAD, accelerator)
    ladder = Ladder(rungs, on_settled=lambda failed, successor: told.append((failed, successor)))
    ladder.settle()
    errors = [RuntimeError("one"), RuntimeError("two")]
    ladder.demote(rungs[0], errors[0])
    ladder.demote(rungs[0], errors[1])
    ladder.demote(rungs[1], errors[1])
    ladder.settle()
    ladder.settle()
    assert [([(rungs[0], errors[0]), (rungs[1], errors[1])], rungs[2])] == told


def test_with_no_rung_left_there_is_no_successor(accelerator):
    """The user must be told that progress is no longer followed."""
    told = []
    rungs = rungs_for(SyncMode.EVERY_STEP, accelerator)
    ladder = Ladder(rungs, on_settled=lambda failed, successor: told.append(successor))
    for rung in rungs:
        ladder.demote(rung, RuntimeError("801"))
    ladder.settle()
    assert ([None], None) == (told, ladder.current_name)
    with pytest.raises(NoRungLeftError):
        _ = ladder.current


def test_rungs_that_fail_at_once_on_two_threads_both_stay_left(accelerator):
    """The watcher and the queuing thread fail together: neither brings back what the other has left."""
    rungs = rungs_for(SyncMode.RUN_AHEAD, accelerator)
    told = []
    ladder = Ladder(rungs, on_settled=lambda failed, successor: told.append((failed, successor)))
    others = [threading.Thread(target=ladder.demote, args=(rungs[1], RuntimeError("two")))]

    class Torn(tuple):
        """What is left: another thread comes between the second reading of it and what follows from that."""

        __slots__ = ()

        def __iter__(self):
            readings.append(None)
            if others and len(readings) == 2:
                others[0].start()
                others.pop().join(0.2)
            return super().__iter__()

    readings = []
    began = threading.active_count()
    ladder._rungs = Torn(ladder._rungs)
    ladder.demote(rungs[0], RuntimeError("one"))
    deadline_s = time.monotonic() + 20.0
    while threading.active_count() > began and time.monotonic() < deadline_s:
        time.sleep(0.001)
    assert [True, True, False] == [ladder.has_failed(rung) for rung in rungs[:3]]
    ladder.settle()
    assert [({"one", "two"}, rungs[2])] == [
        ({str(error) for _, error in failed}, successor) for failed, successor in told
    ]


def test_the_last_rung_may_be_left_while_its_successor_is_told(accelerator):
    """Between two looks at what is left there may be nothing left."""
    (rung,) = rungs_for(SyncMode.OBSERVE, accelerator, report(set(RUNG_CLASSES)))
    told = []
    ladder = Ladder([rung], on_settled=lambda failed, successor: told.append(successor))
    ladder.demote(rung, RuntimeError("801"))

    class Emptied(tuple):
        """Not empty when it is looked at; then nothing is left."""

        __slots__ = ()

        def __bool__(self):
            ladder._rungs = ()
            return True

    ladder._rungs = Emptied([rung])
    ladder.settle()
    assert 1 == len(told)
