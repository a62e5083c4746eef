"""The row of a job's parts: what is left of it is told without a look at what is long over or far ahead."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.virtual_clock import VirtualClock
from zluda_sync.core.phase import BASE, DETAIL, HIRES, Phase
from zluda_sync.core.progress.forecast import forecast
from zluda_sync.core.progress.job import Job
from zluda_sync.core.progress.memory import ALIKE, EXACT, SCALED, NothingLearned, Rate
from zluda_sync.core.progress.shape import JobShape, PassShape
from zluda_sync.core.steps.policy import SyncMode

SHAPES = [
    JobShape(images=images, passes=passes, phases=(Phase.DECODE,))
    for images in (1, 3)
    for passes in ((PassShape(BASE, 4, 64, 64),), (PassShape(BASE, 4, 64, 64), PassShape(HIRES, 2, 96, 96)))
]
DEEDS = (
    "pass", "launch", "complete", "decode", "detail", "leave", "resume", "total", "size", "cut", "replan",
    "begin cell", "end cell",
)  # fmt: skip


class AnyHost:
    """Does to a job whatever it is told, in whatever order."""

    def __init__(self, shape: JobShape) -> None:
        self.clock = VirtualClock()
        self.job = Job(SyncMode.OBSERVE, shape, clock=self.clock)
        self.image = 0

    def do(self, deed: str, number: int, shape: JobShape) -> None:
        """Do it, if it can be done now; number chooses among several ways."""
        self.clock.pass_time(0.1 + 0.05 * number)
        job, role = self.job, (BASE, HIRES, DETAIL)[number % 3]
        # Steps come of the newest pass alone, and are completed of any.
        part = job.passes[number % len(job.passes) if deed == "complete" else -1] if job.passes else None
        self.image = min(self.image + (deed == "pass" and number > 3), 2)
        if deed == "pass":
            job.begin_pass(role, self.image)
        elif deed in ("decode", "detail"):
            job.begin_part(Phase.DECODE if deed == "decode" else Phase.DETAIL, BASE, self.image)
        elif deed == "leave":
            job.leave_part()
        elif deed == "cut":
            job.cut(self.image + 1)
        elif deed == "replan":
            job.replan(shape)
        elif deed == "begin cell":
            job.begin_cell(shape)
        elif deed == "end cell":
            job.end_cell()
        elif part is not None and part.ledger is not None:
            self.do_to_pass(deed, number, part)

    def do_to_pass(self, deed, number, part):
        if deed == "launch":
            part.ledger.record_launch()
        elif deed == "complete" and part.ledger.launched:
            part.ledger.record_completion(part.ledger.launched - 1)
        elif deed == "resume":
            self.job.resume(part)
            part.ledger.record_launch()
        elif deed == "total":
            self.job.expect_total(part, number + 2)
        elif deed == "size":
            self.job.correct_size(part, 64 * (number + 1))


@settings(max_examples=300)
@given(
    shape=st.sampled_from(SHAPES),
    deeds=st.lists(
        st.tuples(st.sampled_from(DEEDS), st.integers(0, 5), st.sampled_from(SHAPES)), max_size=30
    ),
)
def test_what_is_left_is_that_of_all_parts(shape, deeds):
    """After whatever has happened to the job, leaving parts out changes nothing."""
    host = AnyHost(shape)
    for deed in deeds:
        host.do(*deed)
        row, now_s = host.job._row, host.clock()
        told, whole = row.foresee(now_s, False), forecast(row.parts, row.rates, now_s)
        assert (told is None) == (whole is None)
        if told is not None and whole is not None:
            expected = pytest.approx((whole.remaining_s, whole.spread_s))
            assert expected == (told.remaining_s, told.spread_s)
        unfinished = [part for part in row.begun if not part.is_finished]
        assert (unfinished[0] if unfinished else row.newest_begun) is row.on_device


def test_begun_parts_come_first():
    """That is what lets the row find them without a look at all."""
    host = AnyHost(SHAPES[-1])
    for deed in ("pass", "launch", "decode", "pass", "detail", "replan", "begin cell", "pass"):
        host.do(deed, 4, SHAPES[-1])
        have_begun = [part.began_at_s is not None for part in host.job._row.parts]
        assert sorted(have_begun, reverse=True) == have_begun


class Taught(NothingLearned):
    """Knows what everything takes, as well as is said."""

    def __init__(self, spread: float) -> None:
        self.spread = spread

    def recall(self, kind, pixels):
        return Rate(1.0, self.spread)


def test_the_time_left_is_a_guess_until_the_first_image_is_over():
    """Its steps tell nothing of its decode; with the second image all has been seen."""
    host = AnyHost(SHAPES[2])  # three images of one pass
    guessed = [host.job.snapshot().is_eta_guessed]
    for image in range(3):
        for deed in ("pass", "launch", "complete", "decode", "leave"):
            host.do(deed, 0, SHAPES[2])
            guessed.append(host.job.snapshot().is_eta_guessed)
        host.image = image + 1
    assert [True] * 5 + [False] * 11 == guessed


def test_an_image_that_was_skipped_tells_nothing_of_the_next_ones_decode():
    """Nor does a decode in which kernels were compiled."""
    host = AnyHost(SHAPES[2])
    for deed in ("pass", "launch", "complete"):
        host.do(deed, 0, SHAPES[2])
    host.job.cut(0, 0)
    host.image = 1
    for deed in ("pass", "launch", "complete", "launch", "complete", "decode"):
        host.do(deed, 0, SHAPES[2])
    assert host.job.snapshot().is_eta_guessed
    host.job._row.newest_begun.has_compiled = True
    host.do("leave", 0, SHAPES[2])
    assert host.job.snapshot().is_eta_guessed


@pytest.mark.parametrize(("spread", "is_guess"), [(EXACT, False), (ALIKE, False), (SCALED, True)])
def test_a_job_like_one_that_was_made_is_no_guess(spread, is_guess):
    """One of another size is: it may grow in another way."""
    job = Job(SyncMode.OBSERVE, SHAPES[0], Taught(spread))
    assert is_guess == job.snapshot().is_eta_guessed
    job.replan(SHAPES[3], None)
    assert job.snapshot().is_eta_guessed
    job.replan(SHAPES[3], Taught(EXACT))
    assert not job.snapshot().is_eta_guessed
