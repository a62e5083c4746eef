"""What outlasts its forecast: the time left grows honestly, and never stands still."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.virtual_clock import VirtualClock
from zluda_sync.core.learning.durations import Durations
from zluda_sync.core.phase import BASE, Phase
from zluda_sync.core.progress.job import Job
from zluda_sync.core.progress.shape import JobShape, PassShape
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.core.steps.policy import SyncMode

STEPS, STEP_S, DECODE_S, SAVE_S = 10, 0.4, 1.4, 0.06
SHAPE = JobShape(passes=(PassShape(BASE, STEPS, 512, 512),), phases=(Phase.DECODE, Phase.SAVE))
POLL_S = 0.02


class Driver:
    """Drives a job whose parts take as long as told, and keeps what is shown at each moment."""

    def __init__(self, durations: Durations | None = None) -> None:
        self.clock = VirtualClock()
        memory = durations.memory_for(SHAPE) if durations is not None else None
        self.job = Job(SyncMode.EVERY_STEP, SHAPE, memory, self.clock)
        self.shown: list[tuple[float, float, float | None]] = []

    def spend(self, seconds: float) -> None:
        for _ in range(round(seconds / POLL_S)):
            self.clock.pass_time(POLL_S)
            snapshot = self.job.snapshot()
            self.shown.append((self.clock.now_s, snapshot.fraction, snapshot.eta_s))

    def run(
        self,
        late_step: int = -1,
        step_takes: float = 1.0,
        decode_takes: float = 1.0,
        gap_s: float = 0.0,
        end_s: float = 0.0,
    ) -> Driver:
        part, ledger = self.job.begin_pass()
        self.job.expect_total(part, STEPS)
        for step in range(STEPS):
            ledger.record_launch()
            self.spend(STEP_S * (step_takes if step == late_step else 1.0))
            ledger.record_completion(step)
        self.spend(gap_s)
        self.job.begin_part(Phase.DECODE)
        self.spend(DECODE_S * decode_takes)
        self.job.begin_part(Phase.SAVE)
        self.spend(SAVE_S)
        self.job.leave_part()
        self.spend(end_s)
        self.job.deliver()
        return self

    def left(self) -> list[tuple[float, float, float]]:
        """Return, for each moment from the first ETA on: when, what was shown, and what was truly left."""
        return [
            (at_s, eta_s, self.clock.now_s - at_s) for at_s, _bar, eta_s in self.shown if eta_s is not None
        ]

    def seconds_below(self, least_s: float) -> float:
        """Return for how long less than this was shown while three times as much and more was left."""
        return POLL_S * sum(eta_s < least_s for _at_s, eta_s, true_s in self.left() if true_s > 3 * least_s)


def learned() -> Durations:
    durations = Durations()
    durations.learn(SHAPE, Driver().run().job.parts)
    return durations


CASES = {
    "a decode of twice the time": {"decode_takes": 2.0},
    "a decode of five times": {"decode_takes": 5.0},
    "a first step of five times": {"late_step": 0, "step_takes": 5.0},
    "a step of five times": {"late_step": 4, "step_takes": 5.0},
    "a last step of ten times": {"late_step": STEPS - 1, "step_takes": 10.0},
    "something that nobody tells of": {"gap_s": 3.0},
    "an end that nobody tells of": {"end_s": 3.0},
}


def each_case(test):
    """Run a test for every way to be late, for the first job and for a learned one."""
    test = pytest.mark.parametrize("case", CASES)(test)
    return pytest.mark.parametrize("is_learned", [False, True], ids=["first", "learned"])(test)


@each_case
def test_the_time_left_never_stands_still(case, is_learned):
    """Whatever is late, what is shown changes from one look to the next, and is above zero."""
    driver = Driver(learned() if is_learned else None).run(**CASES[case])
    shown = [eta_s for _at_s, eta_s, _true_s in driver.left()]
    assert min(shown) > 0.0
    # A step that ends just as foreseen leaves the time as it is for the one look in between.
    assert [] == [one for one in pairwise(shown) if abs(one[0] - one[1]) < 0.0001 and one[0] > POLL_S]


@each_case
def test_the_bar_does_not_fall(case, is_learned):
    """It waits, and is full only with the pictures."""
    bars = [bar for _at_s, bar, _eta_s in Driver(learned() if is_learned else None).run(**CASES[case]).shown]
    assert bars == sorted(bars)
    assert bars[-1] < 1.0


@each_case
def test_little_is_not_shown_for_long_while_much_is_left(case, is_learned):
    """Less than a twentieth of a decode is shown for no longer than a fifth of one."""
    driver = Driver(learned() if is_learned else None).run(**CASES[case])
    assert driver.seconds_below(0.05 * DECODE_S) <= 0.2 * DECODE_S


def test_a_decode_of_twice_the_time_is_followed():
    """Once it is late by a fifth, between a sixth and twice of what is left is shown."""
    driver = Driver(learned()).run(decode_takes=2.0)
    decode_s = STEPS * STEP_S
    late = [
        (eta_s, true_s)
        for at_s, eta_s, true_s in driver.left()
        if decode_s + 1.2 * DECODE_S <= at_s <= decode_s + 1.7 * DECODE_S
    ]
    assert len(late) > 20
    assert all(true_s / 6 <= eta_s <= 2 * true_s for eta_s, true_s in late)


def test_the_longer_something_is_late_the_more_is_left():
    """A part that is stuck shows more and more, and says that it is unsure."""
    driver = Driver(learned())
    driver.job.begin_part(Phase.DECODE)
    driver.spend(1.2 * DECODE_S)
    before = len(driver.shown)
    driver.spend(20 * DECODE_S)
    shown = [eta_s for _at_s, _bar, eta_s in driver.shown[before:]]
    assert shown == sorted(shown)
    assert shown[-1] >= 5 * DECODE_S
    assert driver.job.snapshot().eta_low_s is not None


def test_a_last_block_that_takes_long_is_no_end():
    """Nine of ten blocks in a second, and the tenth goes on: what is left grows while it does."""
    driver = Driver(learned())
    part = driver.job.begin_part(Phase.DECODE)
    blocks = Ledger(10, driver.clock)
    driver.job.attach_blocks(part, blocks)
    for block in range(9):
        driver.spend(0.1)
        blocks.record_launch()
        blocks.record_completion(block)
    driver.spend(0.6)
    before = len(driver.shown)
    driver.spend(4.0)
    shown = [eta_s for _at_s, _bar, eta_s in driver.shown[before:]]
    assert shown == sorted(shown)
    assert shown[-1] >= 0.8


def test_blocks_that_are_done_early_do_not_end_what_is_known_to_last():
    """All blocks are done at once, and the picture is still to come: it takes as long as it took before."""
    driver = Driver(learned())
    driver.job.begin_pass()
    part = driver.job.begin_part(Phase.DECODE)
    blocks = Ledger(10, driver.clock)
    driver.job.attach_blocks(part, blocks)
    for block in range(10):
        blocks.record_launch()
        blocks.record_completion(block)
    driver.spend(0.4)
    assert driver.job.snapshot().eta_s == pytest.approx(DECODE_S - 0.4 + SAVE_S, abs=0.05)


def test_steps_that_have_become_slow_count_soon():
    """Another program takes half of the GPU in the middle of a pass: six steps later that is foreseen."""
    driver = Driver(learned())
    part, ledger = driver.job.begin_pass()
    driver.job.expect_total(part, 40)
    for step in range(20):
        ledger.record_launch()
        driver.spend(STEP_S if step < 14 else 2 * STEP_S)
        ledger.record_completion(step)
    assert driver.job.snapshot().eta_s == pytest.approx(20 * 2 * STEP_S + DECODE_S + SAVE_S, rel=0.1)


def test_a_job_without_a_plan_shows_no_time():
    """Where nothing is planned and nothing has begun, nothing is known: no ETA of 0, and no full bar."""
    clock = VirtualClock()
    job = Job(SyncMode.OBSERVE, clock=clock)
    clock.pass_time(5.0)
    assert (None, 0.0) == (job.snapshot().eta_s, job.snapshot().fraction)


def test_blocks_that_come_sooner_than_learned_count():
    """The decode is twice as fast as it was: after half of its blocks that is seen for the most part."""
    driver = Driver(learned())
    driver.job.begin_pass()
    part = driver.job.begin_part(Phase.DECODE)
    blocks = Ledger(10, driver.clock)
    driver.job.attach_blocks(part, blocks)
    for block in range(8):
        blocks.record_launch()
        driver.spend(DECODE_S / 20)
        blocks.record_completion(block)
    assert driver.job.snapshot().eta_s <= 0.3 * DECODE_S + SAVE_S
