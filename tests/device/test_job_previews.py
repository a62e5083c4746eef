"""The previews of a job: which steps get one, what they hold, and which of them count for the pace."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.held_storage import find_held_bytes
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.device.preview.copy import HostCopier, PendingCopy
from zluda_sync.device.preview.pace import PreviewPace
from zluda_sync.device.preview.queue import JobPreviews
from zluda_sync.device.preview.ring import StepFrame


class Copy(PendingCopy):
    """A copy that is done when the test says so."""

    def __init__(self, source, copier):
        self._source = source
        self._copier = copier

    @property
    def is_done(self):
        return self._copier.is_done

    @property
    def tensor(self):
        return self._source


class Copier(HostCopier):
    """A way to the host that takes as long as the test wants.

    Attributes:
        is_done: whether all copies are.
    """

    is_done = True

    def begin(self, tensor):
        return Copy(tensor, self)


class TimedPace(PreviewPace):
    """A pace that tells what it was told.

    Attributes:
        told: steps, and whether they were said to have loaded kernels.
    """

    def __init__(self):
        super().__init__()
        self.told = []

    def record_made(self, step, cost_s, has_loaded=False):
        self.told.append((step, has_loaded))
        super().record_made(step, cost_s, has_loaded)


class EulerDiscreteScheduler:
    """A scheduler of plain steps, known by the name of its class."""

    config = SimpleNamespace()


def make(**kwargs):
    copier = Copier()
    previews = JobPreviews(lambda device: copier, lambda channels: None, **kwargs)
    return previews, copier


def launched(steps):
    ledger = Ledger()
    for _ in range(steps):
        ledger.record_launch()
    return ledger


def frame(step, shape=(1, 4, 8, 8), sigma=None, value=None):
    latents = torch.full(shape, float(step if value is None else value))
    sigmas = {} if sigma is None else {"sigma": torch.tensor(sigma), "sigma_next": torch.tensor(sigma - 1.0)}
    return StepFrame(step, latents, **sigmas)


def test_the_first_of_each_kind_does_not_count_for_the_pace():
    """A hires pass has another size, a whole clip more frames: each loads kernels once."""
    pace = TimedPace()
    previews, _copier = make(pace=pace)
    for shape, wants_clip in (((1, 4, 8, 8), False), ((1, 4, 16, 16), False), ((1, 4, 5, 8, 8), True)):
        ledger = launched(3)
        for step in range(3):
            previews.queue_preview(ledger, frame(step, shape), None, wants_clip=wants_clip)
    assert [(0, True), (1, False), (2, False)] * 3 == pace.told


def test_the_first_that_computes_an_x0_does_not_count_either():
    """The first step has none before it, so the second is the first that takes these kernels."""
    pace = TimedPace()
    previews, _copier = make(pace=pace)
    ledger = launched(4)
    for step in range(4):
        previews.queue_preview(
            ledger, frame(step, sigma=9.0 - step), None, scheduler=EulerDiscreteScheduler()
        )
    assert [(0, True), (1, True), (2, False), (3, False)] == pace.told


@pytest.mark.parametrize("cost_s", [0.1, 0.5])
def test_each_of_twenty_steps_has_a_preview_though_the_first_loads_kernels(cost_s):
    """The defect as it was met: a dear first preview, cheap ones from then on."""
    now_s = [0.0]
    previews, copier = make(clock=lambda: now_s[0])
    begin = copier.begin

    def loading(tensor):
        now_s[0] += 0.001 if previews.made else cost_s
        return begin(tensor)

    copier.begin = loading
    ledger = launched(20)
    for step in range(20):
        previews.queue_preview(ledger, frame(step), None, step_s=0.1 if step > 1 else None)
    assert list(range(20)) == [step for step, _at_s, _cost_s in previews.costs]


#: Latents of 4 at sigma 3 and of 3 at sigma 2 lie on a line to 1 at sigma 0; red is channel 0, 64 for one.
LINE_END = 127.5 + 64


def red_of(previews):
    return previews.newest_ready().pixels[..., 0].float().mean()


def test_who_begins_to_look_within_a_pass_is_shown_no_noise():
    """What the step before left was not kept: the next step tells its x0, and shows it."""
    previews, _copier = make()
    ledger = launched(10)
    ledger.record_completion(9)
    queue = lambda step, value: previews.queue_preview(  # noqa: E731
        ledger, frame(step, sigma=9.0 - step, value=value), None, scheduler=EulerDiscreteScheduler()
    )
    assert [False, True] == [queue(5, 4.0), queue(6, 3.0)]
    assert LINE_END == pytest.approx(red_of(previews), abs=1)


def test_the_step_before_is_what_it_left():
    """The pipeline goes on in the same memory, and the x0 is that of an honest line all the same."""
    previews, _copier = make()
    ledger = launched(10)
    ledger.record_completion(9)
    latents = torch.zeros(1, 4, 8, 8)
    for step, value in ((5, 4.0), (6, 3.0)):
        told = frame(step, sigma=9.0 - step)
        told = StepFrame(step, latents.fill_(value), sigma=told.sigma, sigma_next=told.sigma_next)
        previews.queue_preview(ledger, told, None, scheduler=EulerDiscreteScheduler())
    assert LINE_END == pytest.approx(red_of(previews), abs=1)


@given(st.integers(1, 30), st.integers(1, 90), st.integers(1, 5))
def test_never_more_is_in_flight_than_the_budget(previews_in_budget, steps, length):
    """Whatever a clip takes, on the device and on the host: fewer steps have a preview then."""
    each = 2 * 3 * length * 4 * 4
    previews, copier = make(budget_bytes=previews_in_budget * each)
    copier.is_done = False
    ledger = launched(steps)
    for step in range(steps):
        previews.queue_preview(ledger, frame(step, (1, 4, length, 4, 4)), None, wants_clip=True)
        assert 2 * find_held_bytes(previews._pending) <= previews_in_budget * each
    made = [step for step, _at_s, _cost_s in previews.costs]
    assert made[: previews_in_budget // 2] == list(range(min(steps, previews_in_budget // 2)))


def test_what_is_done_makes_room():
    """Nobody has asked for a while: the newest that is ready stays, older ones go."""
    previews, _copier = make(budget_bytes=4 * 2 * 3 * 64)
    ledger = launched(100)
    for step in range(100):
        previews.queue_preview(ledger, frame(step), None)
        ledger.record_completion(step)
    assert 100 == previews.made
    assert 99 == previews.newest_ready().step


def test_when_nobody_looks_only_copies_in_flight_stay():
    """Memory that a device still writes to must not be given back."""
    previews, copier = make()
    ledger = launched(6)
    for step in range(6):
        previews.queue_preview(ledger, frame(step), None)
    ledger.record_completion(3)
    previews.let_go()
    assert [4, 5] == [pending.step for pending in previews._pending]
    copier.is_done = False
    previews.let_go()
    assert 2 == len(previews._pending)
