"""The campaign of estimates: what it holds them against, and what it says of them."""

from __future__ import annotations

import statistics

import pytest

from bench.campaigns import estimates
from zluda_sync.core.learning import residuals

MACHINES = 12


@pytest.fixture(scope="module")
def held() -> list[estimates.Held]:
    """What was told before the jobs of a few virtual machines, and what these took."""
    return list(estimates._run_machines(MACHINES))


def covered(ones: list[estimates.Held], shrunk: float = 1.0) -> float:
    """How many jobs ended within the range, made so much narrower."""
    known = [(one.told, one.took_s) for one in ones if one.told is not None]
    return statistics.fmean(
        told.seconds - shrunk * (told.seconds - told.low_s)
        <= took_s
        <= told.seconds + shrunk * (told.high_s - told.seconds)
        for told, took_s in known
    )


def test_eight_of_ten_jobs_end_within_the_range_that_was_told(held):
    """Of kinds that are new to the machine, and of those that it has made before."""
    first, later = ([one for one in held if one.is_first is is_first] for is_first in (True, False))
    assert estimates.LEAST_COVERAGE - 0.06 <= covered(first) <= estimates.MOST_COVERAGE + 0.06
    assert estimates.LEAST_COVERAGE <= covered(later) <= estimates.MOST_COVERAGE


def test_a_range_half_as_wide_would_be_noticed(held):
    """The figure depends on the range, and not on how the machines are made."""
    assert covered(held, shrunk=0.5) < estimates.LEAST_COVERAGE


def test_only_the_first_job_of_a_machine_is_unknown(held):
    """From the second on there is something to reckon from."""
    assert MACHINES == sum(one.told is None for one in held)


def test_the_rows_tell_first_learned_and_all(held):
    """With the counts of each."""
    rows = list(estimates._build_rows("here", held))
    assert ["first", "learned", "all"] == [row["run"] for row in rows]
    assert rows[2]["jobs"] == rows[0]["jobs"] + rows[1]["jobs"]
    assert MACHINES == rows[0]["unknown"]


def test_a_range_that_does_not_hold_fails_the_command(monkeypatch, capsys):
    """One that is far too narrow."""
    monkeypatch.setattr(residuals, "OUTSIDE", 0.45)
    monkeypatch.setattr(estimates, "MACHINES", 3)
    monkeypatch.setattr(estimates, "_run_host", lambda jobs: ([], 1.0))
    assert 1 == estimates.run_estimate_campaign(True)
    assert "within 80 % range" in capsys.readouterr().out
