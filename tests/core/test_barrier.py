"""The sync modes: for which step the host waits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zluda_sync.core.steps.policy import BarrierPolicy, SyncMode


def run_ahead_reached(policy: BarrierPolicy, steps: int) -> int:
    """Return the largest run-ahead of a host that obeys, over a device that finishes only what is awaited."""
    completed = reached = 0
    for step in range(steps):
        reached = max(reached, step + 1 - completed)
        awaited = policy.step_to_wait_for(step)
        if awaited is not None:
            completed = max(completed, awaited + 1)
    return reached


def test_every_step_waits_for_the_step_just_queued():
    """The host never has more than one step in flight."""
    assert 1 == run_ahead_reached(BarrierPolicy(SyncMode.EVERY_STEP), 20)


@given(depth=st.integers(1, 16), steps=st.integers(1, 60))
def test_run_ahead_is_bounded_by_the_depth(depth, steps):
    """With depth D at most D + 1 steps are in flight, the one being counted included."""
    assert run_ahead_reached(BarrierPolicy(SyncMode.RUN_AHEAD, depth), steps) == min(depth + 1, steps)


@pytest.mark.parametrize("mode", [SyncMode.OBSERVE, SyncMode.OFF])
def test_watching_never_waits(mode):
    """Modes that only watch queue everything."""
    assert 20 == run_ahead_reached(BarrierPolicy(mode), 20)


@pytest.mark.parametrize("depth", [0, -1, 17])
def test_a_depth_out_of_range_is_refused(depth):
    """A depth of 0 would be every-step under another name; a huge one would be no bound."""
    with pytest.raises(ValueError, match="depth"):
        BarrierPolicy(SyncMode.RUN_AHEAD, depth)
