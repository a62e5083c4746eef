"""The probe notices from beside that the host runs ahead, and nothing else."""

from __future__ import annotations

import pytest

from tests.fake_device import FakeDevice
from zluda_sync.device.steps.accelerator import Accelerator
from zluda_sync.device.steps.ahead_probe import MOST_MARKS, AheadProbe


class Job:
    """A job under a virtual clock: the host counts steps, the device finishes what was queued."""

    def __init__(self) -> None:
        self.device = FakeDevice()
        self.step, self.now_s = 0, 0.0
        self.seen: list[int] = []
        self.probe = AheadProbe(
            Accelerator(self.device), lambda: self.step, self.seen.append, lambda: self.now_s
        )

    def run(self, steps: int, launch_s: float, look: bool = True) -> None:
        """The host counts steps, each after so many seconds."""
        for _ in range(steps):
            self.now_s += launch_s
            self.step += 1
            if look:
                self.probe.look()

    def wait(self, seconds: float, looks: int = 10) -> None:
        for _ in range(looks):
            self.now_s += seconds / looks
            if not self.probe.look():
                return


@pytest.fixture
def job():
    return Job()


def test_a_host_far_ahead_is_seen(job):
    """Twenty steps are counted within 20 ms, and the device works on for two seconds."""
    job.run(20, 0.001)
    job.wait(2.0)
    assert 1 == len(job.seen)
    assert job.seen[0] >= 3


def test_a_host_that_is_held_back_is_not(job):
    """Each step is counted when the one before it is finished."""
    for _ in range(20):
        job.run(1, 0.2)
        job.device.finish()
    job.device.finish()
    job.wait(0.5)
    assert [] == job.seen


def test_one_step_on_its_way_is_no_run_ahead(job):
    """A device that lets one step be queued holds back all the same."""
    for _ in range(12):
        job.run(1, 0.2)
        job.wait(0.15)
        job.device.finish()
    assert [] == job.seen


def test_a_device_that_holds_back_after_two_steps_is_not_seen_ahead(job):
    """The same lead before the mark and behind it counts once."""
    job.run(2, 0.01)
    for _ in range(12):
        job.run(2, 0.2)
        job.device.finish()
        job.probe.look()
    assert [] == job.seen


def test_a_long_decode_behind_the_steps_is_no_run_ahead(job):
    """The mark lies behind the steps, not behind the decode."""
    for _ in range(12):
        job.run(1, 0.2)
        job.device.finish()
    job.wait(30.0)
    assert [] == job.seen


def test_nothing_is_marked_while_graphs_are_captured(job):
    """They are in the first steps, and a mark would get into them."""
    job.run(2, 0.001)
    job.wait(1.0)
    assert [] == job.device.events


def test_few_marks_are_left_in_one_loop(job):
    """However many steps it has."""
    for _ in range(50):
        job.run(1, 0.2)
        job.device.finish()
        job.wait(0.05)
    assert MOST_MARKS == len(job.device.events)


def test_another_loop_begins_anew(job):
    """What the host counted in the one before says nothing about it."""
    for _ in range(8):
        job.run(1, 1.0)
        job.device.finish()
    job.step = 0
    job.run(20, 0.001)
    job.wait(2.0)
    assert 1 == len(job.seen)


@pytest.mark.parametrize("failing", ["Event", "record", "query"])
def test_a_driver_that_fails_is_left_alone(job, failing):
    """Nothing is seen, nothing is said, and the thread ends."""
    job.device.failing.add(failing)
    job.step = 5
    job.probe._ended.wait = lambda seconds: False  # looks without a pause
    job.probe._run()
    assert [] == job.seen


def test_a_count_that_is_no_number_ends_it(job):
    """Another version of the host, say."""
    job.step = None
    assert not job.probe.look()
