"""The watcher knows how long steps take, though copies of previews come between them."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from tests.fake_device import FakeDevice
from tests.virtual_clock import VirtualClock
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.device.steps.accelerator import Accelerator
from zluda_sync.device.steps.ladder import Ladder
from zluda_sync.device.steps.rungs import PlantedEvent
from zluda_sync.device.steps.watcher import CompletionWatcher, PollPacer

LIMIT_S = 10.0


class NotedPacer(PollPacer):
    """Notes what it is told of the time that a step takes."""

    noted: list[float | None]

    def delay_s(self, waited_s: float, expected_s: float | None) -> float:
        self.noted.append(expected_s)
        return 0.001


class TwiceMarkedSteps(PollPacer):
    """The device passes a step and the copy behind it, both marked, in one sleep of 20 ms of the clock."""

    def delay_s(self, waited_s: float, expected_s: float | None) -> float:
        self.noted.append(expected_s)
        assert self.marked.wait(LIMIT_S)
        self.marked.clear()
        self.clock.pass_time(0.02)
        self.device.finish()
        return 0.001


def test_copies_between_steps_do_not_make_it_forget():
    """Each kind of mark is timed by itself: a step took half a sleep, a copy behind it no time at all."""
    pacer, device, clock = TwiceMarkedSteps(), FakeDevice(), VirtualClock()
    noted: list[float | None] = []
    told = {"noted": noted, "clock": clock, "device": device, "marked": threading.Event()}
    for name, value in told.items():
        object.__setattr__(pacer, name, value)
    rung = PlantedEvent(Accelerator(device))
    ladder, watcher = Ladder([rung]), CompletionWatcher(pacer, clock)
    steps, copies = Ledger(), Ledger()
    for step in range(4):
        for ledger in (steps, copies):
            ledger.record_launch()
            watcher.watch(ladder, rung, rung.plant()[0], ledger, step)
        pacer.marked.set()
        assert copies.wait_completed(step, LIMIT_S)
    watcher.stop()
    assert [None, None, pytest.approx(0.01), pytest.approx(0.01)] == noted


def test_a_mark_behind_one_of_its_kind_wakes_nobody():
    """The watcher comes to it by itself; woken, it would take the interpreter from whoever queues steps."""
    pacer = NotedPacer()
    object.__setattr__(pacer, "noted", [])
    rung = PlantedEvent(Accelerator(FakeDevice()))
    ladder, watcher, ledger = Ladder([rung]), CompletionWatcher(pacer), Ledger()
    woken: list[int] = []
    wake = watcher._changed.notify_all
    for step in range(3):
        ledger.record_launch()
        watcher._changed.notify_all = lambda step=step: woken.append(step) or wake()
        watcher.watch(ladder, rung, rung.plant()[0], ledger, step)
    watcher._changed.notify_all = wake
    watcher.stop()
    assert [0] == woken


class AsleepPacer(PollPacer):
    """Sleeps before each mark for longer than the test takes."""

    def delay_s(self, waited_s: float, expected_s: float | None) -> float:
        self.asleep.set()
        return 10 * LIMIT_S


def asleep_before_a_mark() -> SimpleNamespace:
    """A watcher that sleeps before a mark that the device has not passed."""
    made = SimpleNamespace(device=FakeDevice(), ledger=Ledger())
    made.rung = PlantedEvent(Accelerator(made.device))
    made.ladder = Ladder([made.rung])
    pacer = AsleepPacer()
    object.__setattr__(pacer, "asleep", threading.Event())
    made.watcher = CompletionWatcher(pacer)
    leave(made, made.ladder, made.ledger)
    assert pacer.asleep.wait(LIMIT_S)
    return made


def leave(made: SimpleNamespace, ladder: Ladder, ledger: Ledger) -> None:
    ledger.record_launch()
    made.watcher.watch(ladder, made.rung, made.rung.plant()[0], ledger, 0)


def test_a_mark_of_another_kind_wakes_it():
    """What it expects of a block of a decode says nothing of the step that follows."""
    made, steps = asleep_before_a_mark(), Ledger()
    made.device.finish()
    leave(made, made.ladder, steps)
    made.device.finish()
    is_told = made.ledger.wait_completed(0, LIMIT_S)
    made.watcher.stop()
    assert is_told


def test_a_step_that_is_seen_to_be_over_wakes_it(monkeypatch: pytest.MonkeyPatch):
    """Where that asks no driver: it sleeps as long as steps took beside another program's work."""
    made = asleep_before_a_mark()
    monkeypatch.setattr(made.rung, "asks_no_driver", True, raising=False)
    made.device.finish()
    leave(made, made.ladder, made.ledger)
    is_told = made.ledger.wait_completed(0, LIMIT_S)
    made.watcher.stop()
    assert is_told


def test_marks_of_a_way_that_was_left_hold_up_no_others():
    """The first step of the next job waits for no mark of the one before."""
    made, steps = asleep_before_a_mark(), Ledger()
    made.watcher._changed.notify_all = lambda: None  # as if it had been left before the first was slept on
    leave(made, Ladder([made.rung]), steps)
    del made.watcher._changed.notify_all
    made.device.finish()
    made.ladder.demote(made.rung, InterruptedError("its job is over"))
    made.watcher.replace_stuck(made.ladder)
    is_told = steps.wait_completed(0, LIMIT_S)
    made.watcher.stop()
    assert is_told


class Overslept(PollPacer):
    """Sleeps a second of the clock each time, in which the device passes all marks."""

    def delay_s(self, waited_s: float, expected_s: float | None) -> float:
        self.noted.append(expected_s)
        self.clock.pass_time(1.0)
        self.device.finish()
        return 0.001


def test_a_sleep_that_was_too_long_is_not_believed_for_the_next_step():
    """The step was over at some time in it: half is expected, so that few steps later it is right again."""
    pacer, device, clock = Overslept(), FakeDevice(), VirtualClock()
    noted: list[float | None] = []
    for name, value in (("noted", noted), ("clock", clock), ("device", device)):
        object.__setattr__(pacer, name, value)
    rung = PlantedEvent(Accelerator(device))
    ladder, watcher, ledger = Ladder([rung]), CompletionWatcher(pacer, clock), Ledger()
    for step in range(3):
        ledger.record_launch()
        watcher.watch(ladder, rung, rung.plant()[0], ledger, step)
        assert ledger.wait_completed(step, LIMIT_S)
    watcher.stop()
    assert [None, None, 0.5] == noted
