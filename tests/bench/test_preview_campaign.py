"""Previews that are measured: what is called a miss."""

from __future__ import annotations

import pytest

from bench.campaigns.previews import find_misses

GOOD = {
    "mode": "run-ahead",
    "previews": 19,
    "preview_lag_max": 1,
    "cost_share": 0.01,
    "poller_waits": 0,
    "poller_launches": 0,
}
LIKENESS = [{"psnr_db": 6.0}, {"psnr_db": 22.0}]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"cost_share": 0.03}, "cost 0.030"),
        ({"poller_waits": 1}, "talk to the device"),
        ({"poller_launches": 1}, "talk to the device"),
        ({"preview_lag_max": 2}, "lag 2"),
        ({"previews": 0}, "0 previews"),
    ],
)
def test_each_miss_is_named(changes, named):
    """With its mode."""
    assert [] == find_misses([GOOD], LIKENESS)
    (line,) = find_misses([{**GOOD, **changes}], LIKENESS)
    assert line.startswith("run-ahead: ")
    assert named in line


def test_a_fit_that_gains_too_little_is_named():
    """Six decibel over the plain channels."""
    (line,) = find_misses([GOOD], [{"psnr_db": 6.0}, {"psnr_db": 11.0}])
    assert "5.0 dB" in line
