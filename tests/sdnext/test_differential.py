"""A few cells of the differential campaign, in the real SD.Next."""

from __future__ import annotations

import pytest

from bench.differential.campaign import Campaign
from bench.differential.case_run import Choice
from bench.differential.presses import AGAIN
from bench.terminal.bar import TerminalBar

pytestmark = pytest.mark.timeout(900)  # the first test waits for the whole of it


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory):
    """What the campaign says of one batch and one loop, in which nothing is worse."""
    choice = Choice(
        cases=("batch of 3", "flags, frames"),
        presses=("nothing", "Stop"),
        places=("middle", "between"),
        modes=(AGAIN, "run-ahead"),
        is_quick=True,
    )
    return Campaign(tmp_path_factory.mktemp("differential"), choice, hosts=1).run(TerminalBar())


def test_alone_is_never_worse_than_alone(report):
    """The same press at the same true step gives the same twice, or the campaign could judge nothing."""
    assert [] == [harm for harm in report.harms if AGAIN in harm]


def test_every_row_has_its_cells(report):
    """Whatever is wanted is run, and told with its pictures and calls."""
    rows = {(row["case"], row["place"], row["press"]): row for row in report.rows}
    stopped = rows["batch of 3", "middle cell", "Stop"]
    assert "4p =18" == rows["batch of 3", "-", "nothing"]["alone"]
    assert stopped["alone"] == stopped[AGAIN]
    assert all({"alone", AGAIN, "run-ahead"} <= set(row) for row in report.rows)


def test_a_batch_that_is_stopped_loses_nothing(report):
    """Neither pictures, nor the next request."""
    assert [] == [harm for harm in report.harms if harm.startswith("batch of 3,") and "Stop" in harm]
