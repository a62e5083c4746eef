"""What open tabs cost: one small run."""

from __future__ import annotations

from tests.bench.own_process import run_in_own_process

FEW = """
from bench.campaigns import tabs as tab_campaign
from bench.host.process import prepare_process
prepare_process(draws_own_bar=True)
tab_campaign.TABS, tab_campaign.QUICK_STEPS = (0, 2), 4
raise SystemExit(tab_campaign.run_tab_campaign(quick=True))
"""


def test_two_tabs_for_real():
    """Each is told of the steps, over a real server."""
    printed = run_in_own_process(FEW)
    assert "| 2 |" in printed
