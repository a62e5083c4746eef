"""The recorder of true completions, on a scheduler and marks made by hand."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest

from bench.truth.measured_job import PassTruth
from bench.truth.recorder import ImmediateMarks, TruthRecorder


class BaseScheduler:
    """Has `set_timesteps`, which the scheduler under test inherits."""

    def set_timesteps(self, steps: int) -> None:
        """Begin a pass."""
        self.steps = steps


class Scheduler(BaseScheduler):
    """Has its own `step`."""

    def step(self, sample: int, eta: float = 0.0) -> int:
        """Queue one step."""
        if sample < 0:
            raise ValueError(sample)
        return sample + 1


class HandMarks:
    """Marks that are reached when the test says so."""

    def __init__(self) -> None:
        self.pending: list[Callable[[float], None]] = []
        self.drained = False

    def put(self, on_completed: Callable[[float], None]) -> None:
        """Keep the mark."""
        self.pending.append(on_completed)

    def wait_drained(self) -> None:
        """Note that the recorder waited."""
        self.drained = True

    def reach(self, time_s: float) -> None:
        """The device reaches the oldest mark."""
        self.pending.pop(0)(time_s)


def count_up() -> Callable[[], float]:
    """A clock that goes on by a second with each look."""
    times = iter(range(1, 1000))
    return lambda: float(next(times))


def test_launches_and_completions_are_kept_by_pass():
    """A second `set_timesteps`, on a new scheduler object, begins a second pass."""
    marks = HandMarks()
    with TruthRecorder(Scheduler, marks, count_up()) as recorder:
        first = Scheduler()
        first.set_timesteps(2)
        first.step(0)
        first.step(1)
        marks.reach(10.0)
        second = Scheduler()
        second.set_timesteps(1)
        second.step(0)
        marks.reach(11.0)
        marks.reach(12.0)
    assert recorder.passes() == (PassTruth((1.0, 2.0), (10.0, 11.0)), PassTruth((3.0,), (12.0,)))


def test_leaving_restores_the_class_exactly_and_waits_for_the_device():
    """An own method is the same object again, an inherited one is not left behind."""
    own_step = Scheduler.step
    marks = HandMarks()
    with TruthRecorder(Scheduler, marks):
        assert Scheduler.step is not own_step
    assert Scheduler.step is own_step
    assert "set_timesteps" not in vars(Scheduler)
    assert marks.drained


def test_a_step_that_raises_is_no_launch_and_is_undone_all_the_same():
    """The pipeline's own error comes through."""
    own_step = Scheduler.step
    recorder = TruthRecorder(Scheduler, HandMarks())
    with pytest.raises(ValueError, match="-1"), recorder:
        Scheduler().step(-1)
    assert recorder.passes() == ()
    assert Scheduler.step is own_step


def test_the_signature_that_pipelines_look_at_is_kept():
    """A pipeline passes `eta` only to a `step` that names it."""
    expected = inspect.signature(Scheduler.step)
    with TruthRecorder(Scheduler, ImmediateMarks()):
        assert inspect.signature(Scheduler.step) == expected
        assert Scheduler().step(1) == 2


def test_a_synchronous_device_has_finished_when_the_step_returns():
    """As many completions as launches, at any time."""
    with TruthRecorder(Scheduler, ImmediateMarks()) as recorder:
        Scheduler().step(0)
        (only,) = recorder.passes()
        assert len(only.launched_s) == len(only.completed_s) == 1
