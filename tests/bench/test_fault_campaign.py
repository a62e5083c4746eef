"""What the fault table takes for a failure, and that faults are gone with their context."""

from __future__ import annotations

import pytest

from bench.campaigns.faults import LONGEST_WAIT_S, find_failures
from bench.host.faults import FAULTS
from modules.emulated_device import runtime

HELD = {
    "fault": "none",
    "mode": "observe",
    "picture": "same",
    "bar": "true",
    "longest_wait_s": 0.1,
    "log_lines": 1,
    "threads": 0,
}


def test_a_job_that_held_is_no_failure():
    """One line in the log is what a fault costs."""
    assert [] == find_failures([HELD])


@pytest.mark.parametrize(
    "change",
    [
        {"picture": "OTHER"},
        {"bar": "FALSE"},
        {"longest_wait_s": LONGEST_WAIT_S + 1},
        {"log_lines": 2},
        {"threads": 1},
    ],
)
def test_each_failure_is_named(change):
    """With fault and mode, so that it can be run again."""
    (line,) = find_failures([{**HELD, **change}])
    assert line.startswith("none, observe: ")


@pytest.mark.parametrize("fault", [one for one in FAULTS if one.is_of_device], ids=lambda fault: fault.name)
def test_a_fault_ends_with_its_context(fault):
    """The device is as it was, or the next job would meet the fault of the one before."""
    before = (dict(vars(runtime)), dict(vars(runtime.Event)), dict(vars(runtime.Stream)))
    with fault.inject():
        during = (dict(vars(runtime)), dict(vars(runtime.Event)), dict(vars(runtime.Stream)))
    assert before == (dict(vars(runtime)), dict(vars(runtime.Event)), dict(vars(runtime.Stream)))
    assert fault.name == "none" or before != during
