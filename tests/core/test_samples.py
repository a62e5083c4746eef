"""What the next job is expected to take, from what the last ones took."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zluda_sync.core.learning.samples import KEPT_SAMPLES, agree, typical_s


@pytest.mark.parametrize(
    ("samples_s", "expected_s"),
    [
        ([1.0], 1.0),
        ([1.0, 1.1], 1.05),
        ([1.0, 5.0], 1.0),
        ([5.0, 1.0], 1.0),
        ([1.0, 5.0, 1.02], 1.02),
        ([1.0, 1.5, 1.5], 1.5),
        ([1.0, 1.0, 1.0, 1.5, 1.52], 1.5),
        ([1.0, 5.0, 3.0], 1.0),
        ([1.0, 1.0, 1.02, 5.0, 3.0], 1.0),
        ([0.0, 0.001, 0.0], 0.0),
    ],
)
def test_one_is_an_accident_and_two_are_a_change(samples_s, expected_s):
    """A lone deviant is held aside until another one agrees with it."""
    assert expected_s == pytest.approx(typical_s(samples_s))


@given(st.lists(st.floats(0.0, 1e6), min_size=1, max_size=KEPT_SAMPLES))
def test_what_is_expected_lies_among_what_was_seen(samples_s):
    """Whatever was seen, the expectation is no less than the least of it and no more than the most."""
    assert min(samples_s) <= typical_s(samples_s) <= max(samples_s)


@given(st.floats(0.0, 1e6), st.floats(0.0, 1e6))
def test_agreeing_is_mutual(one_s, other_s):
    """The order of two durations does not matter."""
    assert agree(one_s, other_s) == agree(other_s, one_s)
