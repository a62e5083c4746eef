"""The ring of in-flight latents: only finished steps are handed out."""

from hypothesis import given
from hypothesis import strategies as st

from zluda_sync.device.latents_ring import LatentsRing, StepFrame


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
