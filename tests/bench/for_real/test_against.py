"""Whole jobs against everything, short: everyone runs on the emulated device, and the picture is drawn."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from bench.campaigns.against_plan import CONTENDERS, FIRST_JOB, PREVIEWS
from bench.campaigns.against_rows import FORMULA_ROWS
from tests.bench.own_process import run_in_own_process

SHORT = """
from pathlib import Path
from bench.campaigns import against
from bench.campaigns.against_plan import Case, PREVIEWS, Plan
from bench.host.job import WantedJob
from bench.host.process import import_extension, prepare_process
from bench.host.started import Speed
prepare_process(draws_own_bar=True)
import_extension()
cases = (
    Case("1 image", WantedJob(steps=3), rounds=1, presses=1, more=(PREVIEWS,)),
    Case("batch of 3", WantedJob(steps=3, batches=3), rounds=1),
)
against.QUICK_PLAN = Plan(cases, Speed(step_ms=60, encode_ms=10, decode_ms=40))
against.run_against_campaign(True, Path({picture!r}))
"""


def test_everyone_runs_the_same_jobs(tmp_path):
    """One round of each, with a Stop; whether the targets are met is not judged here."""
    picture = tmp_path / "against.svg"
    lines = run_in_own_process(SHORT.format(picture=str(picture))).splitlines()
    names = [one.name for one in (*CONTENDERS, PREVIEWS, FIRST_JOB)] + [row[0] for row in FORMULA_ROWS]
    for name in names:
        assert [line for line in lines if line.startswith("1 image") and f"  {name} " in line], name
    assert ET.parse(picture).getroot().tag.endswith("svg")
