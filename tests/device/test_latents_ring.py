"""The ring of in-flight latents: only finished steps are handed out."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from zluda_sync.device.preview.ring import LatentsRing, StepFrame


def ring_of(steps: int, completed: int = 0) -> LatentsRing:
    ring = LatentsRing()
    for step in range(steps):
        ring.hold(StepFrame(step, latents=f"latents {step}"), completed)
    return ring


def test_nothing_is_shown_before_the_first_completion():
    """Latents in flight are nobody's to read."""
    assert ring_of(3).finished_frame(completed=0) is None


def test_the_newest_finished_frame_is_shown():
    """Of three steps with two finished, the second is shown."""
    frame = ring_of(3).finished_frame(completed=2)
    assert "latents 1" == frame.latents


def test_a_frame_stays_until_a_newer_one_is_finished():
    """Looking twice shows the same."""
    ring = ring_of(3)
    assert ring.finished_frame(2) is ring.finished_frame(2)


def test_only_what_is_in_flight_is_kept():
    """The ring holds the run-ahead and one frame, however long the pass."""
    ring = LatentsRing()
    for step in range(100):
        ring.hold(StepFrame(step, latents=step), completed=max(0, step - 1))
    assert len(ring) == 3


def test_a_second_frame_of_a_step_replaces_the_first():
    """A callback that is run twice for a step leaves one frame."""
    ring = ring_of(1)
    ring.hold(StepFrame(0, latents="again"), completed=0)
    assert "again" == ring.finished_frame(1).latents


def test_what_is_kept_of_a_step_does_not_change_with_the_hosts_tensors():
    """They may be written in place by the next step, the row of sigmas by the host's adjustment of them."""
    ring, tensors, sigmas = LatentsRing(), torch.zeros(2, 1, 4, 2, 2), torch.tensor([2.0, 1.0])
    ring.hold(StepFrame(0, tensors[0], tensors[1], sigmas[0], sigmas[1]), completed=0)
    tensors.fill_(9.0)
    sigmas.fill_(9.0)
    frame = ring.finished_frame(1)
    assert [0.0, 0.0] == [frame.latents.max().item(), frame.noise_pred.max().item()]
    assert (2.0, 1.0) == (frame.sigma.item(), frame.sigma_next.item())


def test_a_cleared_ring_holds_no_tensor():
    """After a job nothing of it is kept alive."""
    ring = ring_of(3)
    ring.clear()
    assert (0, None) == (len(ring), ring.finished_frame(3))


@given(st.lists(st.booleans(), max_size=60))
def test_no_order_of_launch_and_completion_shows_an_unfinished_step(events):
    """Whatever the order, the shown step is finished, and is the newest that is."""
    ring, launched, completed = LatentsRing(), 0, 0
    for is_launch in events:
        if is_launch:
            ring.hold(StepFrame(launched, latents=launched), completed)
            launched += 1
        elif completed < launched:
            completed += 1
        frame = ring.finished_frame(completed)
        assert (frame.step if frame else None) == (completed - 1 if completed else None)


def clip_frame(step: int, latents: torch.Tensor) -> StepFrame:
    """Return a frame as the host keeps it of a clip: a view of its middle."""
    return StepFrame(step, latents=latents[:, :, latents.shape[2] // 2], noise_pred=latents)


def test_what_is_kept_of_a_clip_is_the_frame_that_is_shown():
    """A copy, of latents and prediction alike: neither keeps the clip."""
    ring, clip = LatentsRing(), torch.rand(1, 4, 21, 6, 8)
    ring.hold(clip_frame(0, clip), completed=0)
    kept = ring.finished_frame(1)
    assert torch.equal(clip[:, :, 10], kept.latents)
    assert torch.equal(clip[:, :, 10], kept.noise_pred)
    held = [part.untyped_storage().nbytes() for part in (kept.latents, kept.noise_pred)]
    assert [4 * 6 * 8 * 4] * 2 == held


def test_a_kept_frame_is_what_its_step_left():
    """The pipeline goes on in the same memory."""
    ring, latents = LatentsRing(), torch.zeros(1, 4, 2, 2)
    for step in range(3):
        ring.hold(StepFrame(step, latents.fill_(step)), completed=0)
    assert [0.0, 1.0, 2.0] == [ring.finished_frame(completed).latents.mean() for completed in (1, 2, 3)]


@given(st.integers(1, 40), st.integers(1, 120), st.integers(0, 3))
def test_never_more_is_held_than_the_budget_and_the_steps_are_spread(frames_in_budget, steps, run_ahead):
    """However many steps are in flight: those that are kept reach over them, and are shown once finished."""
    nbytes = 4 * 4
    ring = LatentsRing(budget_bytes=frames_in_budget * nbytes)
    for step in range(steps):
        ring.hold(StepFrame(step, torch.full((4,), float(step))), completed=max(0, step - run_ahead))
        assert count_held_bytes(ring) <= frames_in_budget * nbytes
    for completed in range(1, steps + 1):
        frame = ring.finished_frame(completed)
        assert frame is None or frame.step < completed
    if run_ahead + 2 <= frames_in_budget / 2:
        assert steps - 1 == ring.finished_frame(steps).step


def test_a_queue_that_is_too_long_for_the_budget_is_kept_in_part():
    """The first half of the budget goes to each step, the rest is spread."""
    ring = LatentsRing(budget_bytes=10 * 16)
    for step in range(50):
        ring.hold(StepFrame(step, torch.zeros(4)), completed=0)
    steps = [frame.step for frame in ring._frames]
    assert [0, 1, 2, 3, 4] == steps[:5]
    assert 8 <= len(steps) <= 10
    assert 20 < steps[-1]


def count_held_bytes(ring: LatentsRing) -> int:
    return sum(frame.latents.untyped_storage().nbytes() for frame in ring._frames)
