"""Cancels by id: a few of them, over a real server."""

from __future__ import annotations

from tests.bench.own_process import run_in_own_process

FEW = """
from bench.campaigns import cancels
from bench.host.process import prepare_process
prepare_process(draws_own_bar=True)
cancels.QUICK_CANCELS = 24
raise SystemExit(cancels.run_cancel_campaign(quick=True))
"""


def test_a_few_cancels_reach_no_other_request():
    """In every mode, from several clients."""
    assert "0 requests that nobody stopped did not" in run_in_own_process(FEW)
