"""What a job will take, foreseen from what is learned, and how it is said."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tests.virtual_clock import VirtualClock
from zluda_sync.core.learning.durations import Durations
from zluda_sync.core.learning.estimate import (
    Estimate,
    Knowledge,
    foresee,
    say_estimate,
    say_range,
    say_roughly,
    say_time,
    sum_up,
)
from zluda_sync.core.phase import BASE, DETAIL, HIRES, Phase
from zluda_sync.core.progress.forecast import Rates, forecast
from zluda_sync.core.progress.part import Part
from zluda_sync.core.progress.shape import JobShape, PassShape, plan_parts
from zluda_sync.core.steps.ledger import Ledger

STEP_S, DECODE_S = 0.5, 2.0
PLAIN = JobShape(passes=(PassShape(BASE, 20, 512, 512),))


def learned(shape: JobShape = PLAIN) -> Durations:
    """A memory with one job of a shape."""
    clock = VirtualClock()
    parts = []
    for one in shape.passes:
        ledger = Ledger(one.steps, clock)
        part = Part(Phase.DENOISE, one.role, 0, shape.pixels_of(one), one.steps, True, clock(), ledger=ledger)
        for step in range(one.steps):
            clock.pass_time(STEP_S)
            ledger.record_launch()
            ledger.record_completion(step)
        part.left_at_s = clock()
        parts.append(part)
    decode = Part(Phase.DECODE, pixels=shape.base_pixels, is_foreseen=True, began_at_s=clock())
    clock.pass_time(DECODE_S)
    decode.left_at_s = clock()
    parts.append(decode)
    durations = Durations()
    durations.learn(shape, tuple(parts))
    return durations


def test_what_was_seen_before_is_foreseen_exactly():
    """Twenty steps and a decode."""
    shape = replace(PLAIN, phases=(Phase.DECODE,))
    foreseen = foresee(shape, learned().memory_for(shape))
    assert 20 * STEP_S + DECODE_S == pytest.approx(foreseen.seconds)
    assert Knowledge.EXACT is foreseen.knowledge


def test_of_a_model_that_was_never_used_nothing_is_foreseen():
    """Better nothing than a guess from another model."""
    other = replace(PLAIN, model="another")
    assert foresee(other, learned().memory_for(other)) is None
    assert foresee(PLAIN, None) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"sampler": "another"},
        {"passes": (PassShape(BASE, 20, 768, 768),)},
        {"passes": (*PLAIN.passes, PassShape(HIRES, 20, 768, 768))},
    ],
)
def test_what_is_only_like_it_is_not_exact(changed):
    """Another sampler, another size, a pass that was never made."""
    shape = replace(PLAIN, **changed)
    foreseen = foresee(shape, learned().memory_for(shape))
    assert foreseen.seconds > 0
    assert foreseen.knowledge is not Knowledge.EXACT


def test_what_may_bring_more_than_is_asked_for_is_told_apart():
    """What a detailer finds and what a script does follows from no request."""
    for asked, apart in (
        ({}, (False, False)),
        ({"has_detailer": True}, (True, False)),
        ({"scripts": "a script"}, (False, True)),
    ):
        shape = replace(PLAIN, **asked)
        foreseen = foresee(shape, learned(shape).memory_for(shape))
        assert apart == (foreseen.has_detailer, foreseen.has_scripts)


def test_of_the_first_detailer_nothing_is_known():
    """Not from jobs without one, until one has shown it, be it at another size."""
    shape = replace(PLAIN, has_detailer=True)
    durations = learned()
    assert not foresee(shape, durations.memory_for(shape)).is_whole
    assert foresee(PLAIN, durations.memory_for(PLAIN)).is_whole
    detail = Part(Phase.DETAIL, DETAIL, pixels=shape.base_pixels, began_at_s=1.0, left_at_s=3.0)
    durations.learn(shape, (detail,))
    larger = replace(shape, passes=(PassShape(BASE, 20, 768, 768),))
    assert foresee(larger, durations.memory_for(larger)).is_whole


@pytest.mark.parametrize("images", [1, 2, 3, 7])
def test_many_images_are_counted_without_planning_each(images):
    """The same as the forecast over all parts, with what came unforeseen in each image."""
    shape = replace(PLAIN, images=images, has_detailer=True)
    memory = learned(shape).memory_for(shape)
    parts = plan_parts(shape, memory.extras)
    assert (Phase.DETAIL, DETAIL) in [part.kind for part in parts]
    whole = forecast(parts, Rates(parts, memory), 0.0)
    assert whole.remaining_s == pytest.approx(foresee(shape, memory).seconds)


def test_a_request_for_ten_thousand_images_plans_two():
    """What may be asked for is no reason to be slow."""
    shape = replace(PLAIN, images=10_000)
    memory = learned(shape).memory_for(shape)
    two = foresee(replace(shape, images=2), memory).seconds
    assert 5_000 * two == pytest.approx(foresee(shape, memory).seconds, rel=0.01)


def test_errors_of_several_jobs_partly_make_up_for_each_other():
    """The range of the sum is narrower than the sum of the ranges, and the worst knowledge is told."""
    one = Estimate(10.0, 8.0, 13.0, Knowledge.EXACT)
    both = sum_up([one, replace(one, knowledge=Knowledge.GUESSED)])
    assert (20.0, Knowledge.GUESSED) == (both.seconds, both.knowledge)
    assert (20 - math.hypot(2, 2), 20 + math.hypot(3, 3)) == pytest.approx((both.low_s, both.high_s))
    assert Estimate(0.0, 0.0, 0.0, Knowledge.EXACT) == sum_up([])


@pytest.mark.parametrize(
    ("seconds", "exactly", "roughly"),
    [
        (0.84, "0.8 s", "1 s"),
        (42.4, "42 s", "42 s"),
        (89.7, "1 min 30 s", "1 min 30 s"),
        (130.0, "2 min 10 s", "2 min 10 s"),
        (240.0, "4 min", "4 min"),
        (743.0, "12 min 23 s", "12 min"),
        (5700.0, "1 h 35 min", "1 h 35 min"),
    ],
)
def test_times_are_said_as_a_person_says_them(seconds, exactly, roughly):
    """In the unit that suits them; what is far from certain is rounded."""
    assert (exactly, roughly) == (say_time(seconds), say_roughly(seconds))


@pytest.mark.parametrize(
    ("low_s", "high_s", "said"),
    [
        (1.84, 2.41, "1.8 to 2.4 s"),
        (8.0, 24.0, "8 to 24 s"),
        (50.0, 110.0, "0:50 to 1:50"),
        (110.0, 160.0, "1:50 to 2:40"),
        (5000.0, 6000.0, "83 min 20 s to 1 h 40 min"),
    ],
)
def test_a_range_is_said_in_the_unit_of_its_end(low_s, high_s, said):
    """Both ends read alike."""
    assert said == say_range(low_s, high_s)


def test_an_estimate_is_said_with_its_range():
    """As it stands beside Generate; nothing is said of what is not known."""
    assert "about 2 min 10 s (1:50 to 2:40)" == say_estimate(Estimate(130, 110, 160, Knowledge.EXACT))
    assert "" == say_estimate(None)
