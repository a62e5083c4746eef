"""How often an event is looked at."""

from hypothesis import given
from hypothesis import strategies as st

from zluda_sync.device.steps.watcher import PollPacer


def looks_until(done_s: float, expected_s: float | None, pacer: PollPacer) -> tuple[int, float]:
    """Return how many looks a step of ``done_s`` takes, and how late its end is noticed, in seconds."""
    now_s, looks = 0.0, 1
    while now_s < done_s:
        now_s += pacer.delay_s(now_s, expected_s)
        looks += 1
    return looks, now_s - done_s


@given(st.floats(0.001, 60.0))
def test_an_expected_step_costs_few_looks_and_is_noticed_soon(step_s):
    """A step that takes as long as the one before costs few looks, and its end is noticed within 20 ms."""
    looks, late_s = looks_until(step_s, step_s, PollPacer())
    assert looks <= 3 + max(8, 9 * step_s)
    assert late_s <= 0.0201


@given(st.floats(0.001, 5.0))
def test_an_unexpected_step_is_noticed_soon(step_s):
    """Without experience the end is still noticed within 20 ms."""
    _looks, late_s = looks_until(step_s, None, PollPacer())
    assert late_s <= 0.0201


@given(st.floats(0.0, 100.0), st.none() | st.floats(0.0, 100.0))
def test_the_pause_is_never_shorter_than_the_shortest(waited_s, expected_s):
    """No tight loop, whatever the past was."""
    pacer = PollPacer()
    assert pacer.delay_s(waited_s, expected_s) >= pacer.shortest_s
