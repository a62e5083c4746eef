"""Saves beside the host's own: a few for real, and what is called a failure."""

from __future__ import annotations

import sys

import pytest

from bench.campaigns.saves import COUNTS, Row, work, work_together
from bench.commands.environment import REPOSITORY

NOTHING = {**dict.fromkeys(COUNTS, 0), "took_s": 1.0}


@pytest.mark.parametrize("kind", ["in line", "beside"])
def test_no_save_is_lost_beside_the_embedded_hosts(kind):
    """Its own options, in a process of their own."""
    counted = work(str(REPOSITORY), sys.executable, kind, 30)
    assert 0 == Row(kind, counted).failures
    assert 30 == counted["puts"]
    assert counted["reads"] > 0 < counted["own_saves"]


def test_two_processes_lose_nothing_of_each_other():
    """One file, and profiles of both."""
    assert [0, 0] == [row.failures for row in work_together(str(REPOSITORY), sys.executable, 30)]


@pytest.mark.parametrize("what", ["broken", "lost_puts", "lost_own", "left"])
def test_whatever_is_lost_is_a_failure(what):
    """Figures of the work done are none."""
    assert 0 == Row("ours", {**NOTHING, "puts": 7, "reads": 9}).failures
    assert 2 == Row("ours", {**NOTHING, what: 2}).failures
