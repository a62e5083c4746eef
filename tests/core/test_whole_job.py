"""The bar and the ETA of a whole job, under a virtual clock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.virtual_clock import VirtualClock
from zluda_sync.core.learning.durations import Durations
from zluda_sync.core.phase import BASE, DETAIL, HIRES, Phase
from zluda_sync.core.progress.job import Job
from zluda_sync.core.progress.part import CompileSign
from zluda_sync.core.progress.shape import JobShape, PassShape
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.core.steps.policy import SyncMode

STEP_S, ENCODE_S, DECODE_S, SAVE_S = 0.4, 0.2, 1.5, 0.1
ONE_IMAGE = JobShape(passes=(PassShape(BASE, 20, 512, 512),))
HIRES_JOB = JobShape(passes=(PassShape(BASE, 20, 512, 512), PassShape(HIRES, 10, 768, 768)))
BATCH = JobShape(images=3, passes=(PassShape(BASE, 20, 512, 512),))


class JobDriver:
    """Drives a job as a host and a device do, and samples bar and ETA ten times a second."""

    def __init__(
        self, shape: JobShape, durations: Durations | None = None, compile_sign: CompileSign | None = None
    ) -> None:
        self.clock = VirtualClock()
        memory = durations.memory_for(shape) if durations is not None else None
        self.job = Job(SyncMode.EVERY_STEP, shape, memory, self.clock, compile_sign)
        self.samples: list[tuple[float, float, float | None]] = []

    def spend(self, seconds: float) -> None:
        left_s = seconds
        while left_s > 1e-9:
            piece_s = min(0.1, left_s)
            self.clock.pass_time(piece_s)
            left_s -= piece_s
            snapshot = self.job.snapshot()
            self.samples.append((self.clock.now_s, snapshot.fraction, snapshot.eta_s))

    def phase(self, phase: Phase, seconds: float, role: str = BASE, image: int = 0) -> None:
        self.job.begin_part(phase, role, image)
        self.spend(seconds)

    def denoise(self, steps: int, step_s: float, role: str = BASE, image: int = 0) -> None:
        part, ledger = self.job.begin_pass(role, image)
        self.job.expect_total(part, steps)
        for step in range(steps):
            self.spend(step_s)
            ledger.record_launch()
            ledger.record_completion(step)
        self.job.leave_part()

    def run(self) -> JobDriver:
        shape = self.job.shape
        for image in range(shape.images):
            for index, one in enumerate(shape.passes):
                pixels = one.width_px * one.height_px / (512 * 512)
                if index:
                    self.phase(Phase.UPSCALE, 0.1, one.role, image)
                self.phase(Phase.ENCODE, ENCODE_S, one.role, image)
                self.denoise(one.steps, STEP_S * pixels, one.role, image)
            self.phase(Phase.DECODE, DECODE_S * pixels, image=image)
            self.phase(Phase.SAVE, SAVE_S, image=image)
        self.job.deliver()
        return self

    def bar_error(self) -> float:
        return sum(abs(bar - at_s / self.clock.now_s) for at_s, bar, _eta in self.samples) / len(self.samples)

    def eta_error(self) -> float:
        end_s = self.clock.now_s
        middle = [(at_s, eta_s) for at_s, _bar, eta_s in self.samples if 0.1 <= at_s / end_s <= 0.97]
        return sum(abs((eta_s or 0.0) - (end_s - at_s)) / end_s for at_s, eta_s in middle) / len(middle)


@pytest.mark.parametrize("shape", [ONE_IMAGE, BATCH, HIRES_JOB], ids=["1 image", "batch of 3", "hires"])
def test_the_first_run_of_a_shape_is_nearly_right(shape):
    """With nothing learned: mean bar error at most 0.05, mean ETA error at most 0.08, no falls."""
    driver = JobDriver(shape).run()
    bars = [bar for _at, bar, _eta in driver.samples]
    assert driver.bar_error() <= 0.05
    assert driver.eta_error() <= 0.08
    assert bars == sorted(bars)
    assert max(bars) < 0.995


@pytest.mark.parametrize("shape", [ONE_IMAGE, BATCH, HIRES_JOB], ids=["1 image", "batch of 3", "hires"])
def test_a_learned_shape_is_right(shape):
    """After one job of the shape: mean bar error at most 0.02, mean ETA error at most 0.03."""
    durations = Durations()
    durations.learn(shape, JobDriver(shape).run().job.parts)
    driver = JobDriver(shape, durations).run()
    assert driver.bar_error() <= 0.02
    assert driver.eta_error() <= 0.03


@pytest.mark.parametrize(
    "other",
    [
        JobShape(passes=(PassShape(BASE, 50, 512, 512),)),
        JobShape(passes=(PassShape(BASE, 20, 640, 640),)),
        JobShape(passes=(PassShape(BASE, 20, 768, 512),)),
        JobShape(passes=(PassShape(BASE, 20, 512, 512),), batch_size=2),
        JobShape(passes=(PassShape(BASE, 8, 768, 768),)),
    ],
    ids=["more steps", "larger", "wider", "two at once", "fewer and larger"],
)
def test_a_change_of_shape_after_learning_gives_a_fair_first_eta(other):
    """Scaled from the nearest known shape, the very first ETA is within a quarter."""
    durations = Durations()
    durations.learn(ONE_IMAGE, JobDriver(ONE_IMAGE).run().job.parts)
    driver = JobDriver(other, durations)
    first_eta_s = driver.job.snapshot().eta_s
    pixels = other.base_pixels / (512 * 512)
    truth_s = ENCODE_S + SAVE_S + (other.passes[0].steps * STEP_S + DECODE_S) * pixels
    assert abs(first_eta_s - truth_s) <= 0.25 * truth_s


def test_compilation_in_the_first_step_spoils_neither_the_eta_nor_what_is_learned():
    """A first step of a minute is left out as soon as there is another one."""
    driver = JobDriver(ONE_IMAGE)
    driver.phase(Phase.ENCODE, ENCODE_S)
    part, ledger = driver.job.begin_pass()
    for step, took_s in enumerate([60.0, STEP_S, STEP_S]):
        driver.spend(took_s)
        ledger.record_launch()
        ledger.record_completion(step)
    assert driver.job.snapshot().eta_s == pytest.approx(17 * STEP_S + 3 * STEP_S + 0.3 * STEP_S, abs=0.5)
    assert part.unit_durations_s() == pytest.approx([STEP_S, STEP_S])


def test_a_known_shape_sees_through_a_compiling_first_step():
    """With a learned step time, one slow first step is recognised at once."""
    durations = Durations()
    durations.learn(ONE_IMAGE, JobDriver(ONE_IMAGE).run().job.parts)
    driver = JobDriver(ONE_IMAGE, durations)
    driver.phase(Phase.ENCODE, ENCODE_S)
    _part, ledger = driver.job.begin_pass()
    driver.spend(60.0)
    ledger.record_launch()
    ledger.record_completion(0)
    assert driver.job.snapshot().eta_s == pytest.approx(19 * STEP_S + DECODE_S + SAVE_S, rel=0.05)


def test_an_unforeseen_pass_is_added_without_a_fall():
    """A detailer finds a face: the bar stays where it is until the new work has caught up."""
    driver = JobDriver(ONE_IMAGE)
    driver.phase(Phase.ENCODE, ENCODE_S)
    driver.denoise(20, STEP_S)
    driver.phase(Phase.DECODE, DECODE_S)
    before = driver.job.snapshot()
    driver.denoise(10, STEP_S, DETAIL)
    after = driver.job.snapshot()
    driver.phase(Phase.SAVE, SAVE_S)
    driver.job.deliver()
    bars = [bar for _at, bar, _eta in driver.samples]
    assert before.fraction <= after.fraction < 1.0
    assert bars == sorted(bars)


def test_what_came_unforeseen_is_foreseen_the_next_time():
    """The second job of a shape with a detailer plans for what the detailer found in the first."""
    shape = JobShape(images=2, passes=ONE_IMAGE.passes)

    def run(durations):
        driver = JobDriver(shape, durations)
        for image in range(2):
            driver.phase(Phase.ENCODE, ENCODE_S, image=image)
            driver.denoise(20, STEP_S, image=image)
            driver.phase(Phase.DECODE, DECODE_S, image=image)
            driver.phase(Phase.ENCODE, ENCODE_S, DETAIL, image)
            driver.denoise(10, STEP_S, DETAIL, image)
            driver.phase(Phase.DECODE, DECODE_S, DETAIL, image)
            driver.phase(Phase.SAVE, SAVE_S, image=image)
        driver.job.deliver()
        return driver

    durations = Durations()
    durations.learn(shape, run(durations).job.parts)
    durations = Durations.from_json(durations.to_json())
    second = run(durations)
    durations.learn(shape, second.job.parts)
    third = run(durations)
    for driver in (second, third):
        assert driver.bar_error() <= 0.02
        assert driver.eta_error() <= 0.03


def test_a_decode_that_outlasts_its_expectation_keeps_the_eta_above_zero():
    """Never frozen at 0 s, and the bar still creeps."""
    driver = JobDriver(ONE_IMAGE)
    driver.phase(Phase.ENCODE, ENCODE_S)
    driver.denoise(20, STEP_S)
    driver.phase(Phase.DECODE, 60.0)
    etas = [eta for _at, _bar, eta in driver.samples[-100:]]
    assert min(etas) > 1.0
    assert max(bar for _at, bar, _eta in driver.samples) < 0.99


def test_the_eta_ticks_down_between_completions():
    """Half a step later, half a step less is left."""
    driver = JobDriver(ONE_IMAGE)
    _part, ledger = driver.job.begin_pass()
    driver.job.expect_total(_part, 20)
    for step in range(5):
        driver.spend(STEP_S)
        ledger.record_launch()
        ledger.record_completion(step)
    before_s = driver.job.snapshot().eta_s
    driver.clock.pass_time(STEP_S / 2)
    assert driver.job.snapshot().eta_s == pytest.approx(before_s - STEP_S / 2, abs=0.01)


def test_a_job_of_unknown_length_shows_no_eta_and_no_bar():
    """Before the first step of a first job there is nothing to go by: unknown is None, not 0."""
    driver = JobDriver(ONE_IMAGE)
    driver.phase(Phase.LOAD, 5.0)
    snapshot = driver.job.snapshot()
    assert (None, 0.0, "Loading model 5 s") == (snapshot.eta_s, snapshot.fraction, snapshot.label)


def test_the_actual_total_of_a_pass_is_expected_of_its_successors():
    """img2img at half strength loops 10 times, not 20: so will the next image."""
    job = Job(SyncMode.OBSERVE, BATCH)
    part, _ledger = job.begin_pass()
    job.expect_total(part, 10)
    assert [10, 10] == [p.steps for p in job.parts if p.phase is Phase.DENOISE and p.began_at_s is None]


@pytest.mark.parametrize(
    ("launched", "completed", "is_left", "expected"),
    [
        (5, 3, False, "Denoise 3/20"),
        (20, 3, True, "Finishing 17 queued steps"),
        (20, 19, True, "Finishing 1 queued step"),
    ],
)
def test_the_label_says_what_the_device_does(launched, completed, is_left, expected):
    """While the host is ahead, what is still queued is named."""
    job = Job(SyncMode.OBSERVE, ONE_IMAGE)
    part, ledger = job.begin_pass()
    job.expect_total(part, 20)
    for _ in range(launched):
        ledger.record_launch()
    ledger.record_completion(completed - 1)
    if is_left:
        job.begin_part(Phase.DECODE)
    assert expected == job.snapshot().label


def test_the_label_names_the_image_of_a_batch():
    """Image 2 of 3 says so."""
    job = Job(SyncMode.OBSERVE, BATCH)
    job.begin_part(Phase.DECODE, image=1)
    assert "Image 2/3: VAE decode" == job.snapshot().label


def test_what_waits_behind_queued_steps_is_not_learned_as_their_successors_time():
    """Without barriers the host enters the decode at once; its time begins when the last step is finished."""
    driver = JobDriver(ONE_IMAGE)
    _part, ledger = driver.job.begin_pass()
    for _ in range(20):
        ledger.record_launch()
    decode = driver.job.begin_part(Phase.DECODE)
    for step in range(20):
        driver.spend(STEP_S)
        ledger.record_completion(step)
    driver.spend(DECODE_S)
    driver.job.begin_part(Phase.SAVE)
    assert decode.unit_durations_s() == pytest.approx([DECODE_S])


def test_steps_noticed_in_one_look_share_the_time_since_the_look_before():
    """Two short steps found finished at once took half of it each, and not none and all."""
    driver = JobDriver(ONE_IMAGE)
    part, ledger = driver.job.begin_pass()
    for _ in range(4):
        ledger.record_launch()
    for _ in range(2):
        driver.spend(1.0)
        for _ in range(2):
            ledger.record_completion(ledger.completed)
            driver.clock.pass_time(0.0001)
    assert part.unit_durations_s() == pytest.approx([0.5, 0.5], abs=0.01)


def test_compilation_is_named_and_teaches_nothing():
    """A decode that compiles its kernels says so, and the next job does not expect that time again."""
    durations = Durations()
    driver = JobDriver(ONE_IMAGE, compile_sign=lambda within_s: True)
    driver.phase(Phase.ENCODE, ENCODE_S)
    driver.denoise(20, STEP_S)
    driver.phase(Phase.DECODE, 90.0)
    assert "Compiling kernels (first run) 90 s" == driver.job.snapshot().label
    driver.job.deliver()
    durations.learn(ONE_IMAGE, driver.job.parts)
    assert durations.find(ONE_IMAGE, (Phase.DECODE, BASE), ONE_IMAGE.base_pixels) is None
    assert durations.find(ONE_IMAGE, (Phase.DENOISE, BASE), ONE_IMAGE.base_pixels) is not None


def test_a_short_silence_is_no_compilation():
    """Nobody asks for the sign before the host has been silent for a while."""
    asked = []
    driver = JobDriver(ONE_IMAGE, compile_sign=asked.append)
    driver.phase(Phase.ENCODE, 1.5)
    driver.job.leave_part()
    assert [] == asked


def test_a_decode_is_followed_block_by_block():
    """Half of the decoder's blocks in four seconds: the other half takes about as long."""
    driver = JobDriver(ONE_IMAGE)
    driver.phase(Phase.ENCODE, ENCODE_S)
    driver.denoise(20, STEP_S)
    part = driver.job.begin_part(Phase.DECODE)
    part.blocks = blocks = Ledger(10, driver.clock)
    for block in range(5):
        driver.spend(0.8)
        blocks.record_launch()
        blocks.record_completion(block)
    assert driver.job.snapshot().eta_s == pytest.approx(4.0, rel=0.35)


EVENTS = st.lists(
    st.tuples(
        st.sampled_from([*Phase, "loop", "launch", "complete", "leave", "time", "total"]),
        st.sampled_from([BASE, HIRES, DETAIL]),
        st.integers(0, 3),
    ),
    max_size=60,
)


@given(events=EVENTS, shape=st.sampled_from([None, ONE_IMAGE, BATCH, HIRES_JOB]), is_learned=st.booleans())
def test_in_any_order_of_events_the_bar_never_falls_and_is_full_only_at_the_end(events, shape, is_learned):
    """Phases, passes, batches, skips, errors, Stop: in [0, 1), never falling, and 1.0 once delivered."""
    durations = Durations()
    if is_learned and shape is not None:
        durations.learn(shape, JobDriver(shape).run().job.parts)
    clock = VirtualClock()
    memory = durations.memory_for(shape) if shape is not None else None
    job = Job(SyncMode.OBSERVE, shape, memory, clock)
    shown = 0.0
    for event, role, number in events:
        newest = job.passes[-1] if job.passes else None
        if event == "loop":
            job.begin_pass(role, number)
        elif event == "launch" and newest is not None:
            newest.ledger.record_launch()
        elif event == "complete" and newest is not None and newest.ledger.launched:
            newest.ledger.record_completion(min(number, newest.ledger.launched - 1))
        elif event == "leave":
            job.leave_part()
        elif event == "total" and newest is not None:
            job.expect_total(newest, number * 5)
        elif event == "time":
            clock.pass_time(number)
        elif isinstance(event, Phase) and event is not Phase.DENOISE:
            job.begin_part(event, role, number)
        snapshot = job.snapshot()
        assert shown <= snapshot.fraction < 1.0
        assert snapshot.eta_s is None or snapshot.eta_s >= 0.0
        assert snapshot.label
        shown = snapshot.fraction
    job.deliver()
    assert 1.0 == job.snapshot().fraction
