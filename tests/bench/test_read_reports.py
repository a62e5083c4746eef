"""Reports that strangers have sent: found in files, checked, and merged into the page of cards."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

import read_reports as command
from bench.reports import cards_page
from bench.reports.cards_page import (
    BEGIN,
    END,
    HEAD,
    NOBODY,
    PAGE,
    escape,
    merge_into_page,
    read_rows,
    row_of,
)
from bench.reports.reading import find_texts
from tests.core.test_card_report import build_found
from tests.core.test_verification import FOUND
from zluda_sync.core.records.card_report import CardReport, build_report, parse_report

DAY_S = 24 * 3600


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A copy of the page, without any card."""
    copy = tmp_path / "cards.md"
    text = PAGE.read_text(encoding="utf-8")
    copy.write_text(
        re.sub(f"{BEGIN}.*{END}", f"{BEGIN}\n\n{NOBODY}\n\n{END}", text, flags=re.DOTALL), "utf-8"
    )
    return copy


@pytest.fixture
def run(page: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that runs the command on files, and gives its exit code."""

    def run_on(*arguments: str | Path) -> int:
        monkeypatch.setattr(sys, "argv", ["read_reports.py", *map(str, arguments)])
        monkeypatch.setattr(sys, "path", list(sys.path))
        monkeypatch.setattr(cards_page, "PAGE", page)
        return command.main()

    return run_on


def write(file: Path, text: str) -> Path:
    """Write a file, and return it."""
    file.write_text(text, encoding="utf-8")
    return file


def report(**changes: Any) -> CardReport:
    """Return a report on a card on which all is known."""
    return parse_report(build_report(build_found(**changes)))


def rows_of(page: Path) -> list[tuple[str, ...]]:
    """Return the rows of the page's table."""
    return read_rows(page.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0])


def test_a_good_report_gets_a_row(run, page, tmp_path, capsys):
    """By itself or in an issue's text, whatever stands around it."""
    text = build_report(build_found())
    alone = write(tmp_path / "report.json", text)
    issue = (
        f"### The report\r\n\r\n```json\r\n{text}\r\n```\r\n\r\n### Does the bar match?\r\n\r\n```\nno\n```\n"
    )
    assert 0 == run(write(tmp_path / "issue.md", issue))
    assert 0 == run(alone)
    assert [
        (
            r"AMD Radeon RX 7900 XTX \[ZLUDA\]", "zluda", "12080", "2.7.0+cu118",
            "ZLUDA c35bfb82, HIP 6.2.41134", "yes", "5 of 5",
            FOUND.sentence, "2026-07-23 9cb7d1f4", "0.1.0", "2026-07-25",
        )
    ] == rows_of(page)  # fmt: skip
    said = capsys.readouterr().out.splitlines()
    assert ["1 good, 0 bad, 1 of cards, 1 new rows", "1 good, 0 bad, 1 of cards, 0 new rows"] == said


def test_a_bad_report_is_one_line_that_names_the_entry(run, page, tmp_path, capsys):
    """The others are merged all the same, and the exit code is 1."""
    tree = json.loads(build_report(build_found()))
    bad = write(tmp_path / "bad.json", json.dumps({**tree, "device": "alice's card"}))
    good = write(tmp_path / "good.json", json.dumps(tree))
    nothing = write(tmp_path / "nothing.md", "no report here")
    binary = tmp_path / "binary.json"
    binary.write_bytes(b"\xff\xfe\x00")
    assert 1 == run(bad, good, nothing, binary, tmp_path / "missing.json")
    said = capsys.readouterr()
    lines = [line.removeprefix(f"{tmp_path}/") for line in said.err.splitlines()]
    assert [
        "bad.json: device: is of no form that a report has",
        "nothing.md: has no report: no block of JSON with zluda_sync_report",
        "binary.json: is no text in UTF-8",
        "missing.json: cannot be read: No such file or directory",
    ] == lines
    assert said.out.startswith("1 good, 4 bad")
    assert 1 == len(rows_of(page))


def test_with_check_the_page_stays_as_it_is(run, page, tmp_path):
    """And the exit code says what was found."""
    before = page.read_text(encoding="utf-8")
    file = write(tmp_path / "report.json", build_report(build_found()))
    assert 0 == run("--check", file)
    assert 1 == run("--check", file, tmp_path / "missing.json")
    assert before == page.read_text(encoding="utf-8")


def test_of_each_card_driver_torch_and_build_the_newest_stays(page):
    """In whatever order they come, and over several runs."""
    versions = build_found()["versions"]
    made_at_s = build_found()["made_at_s"]
    newer = report(made_at_s=made_at_s + DAY_S, extension="0.2.0")
    assert 1 == merge_into_page([newer, report()], page)
    assert ["0.2.0"] == [row[-2] for row in rows_of(page)]
    assert 0 == merge_into_page([report()], page)
    assert ["0.2.0"] == [row[-2] for row in rows_of(page)]
    others = [report(versions={**versions, name: "7.1"}) for name in ("driver", "torch", "hip")]
    assert 3 == merge_into_page([*others, report(backend="rocm")], page)
    assert 4 == len(rows_of(page))
    assert 1 == merge_into_page([report(made_at_s=made_at_s + 2 * DAY_S, extension="0.3.0")], page)
    assert 4 == len(rows_of(page))
    assert "0.2.0" not in [row[-2] for row in rows_of(page)]


def test_rows_are_sorted_and_survive_being_read(page):
    """By device, the newest first."""
    merge_into_page(
        [report(device="AMD Radeon RX 9070"), report(device="AMD Radeon RX 6800"), report()], page
    )
    text = page.read_text(encoding="utf-8")
    assert [r"AMD Radeon RX 6800", r"AMD Radeon RX 7900 XTX \[ZLUDA\]", "AMD Radeon RX 9070"] == [
        row[0] for row in rows_of(page)
    ]
    merge_into_page([], page)
    assert text == page.read_text(encoding="utf-8")


def test_what_is_no_card_has_no_row(run, page, tmp_path, capsys):
    """The emulated device, and a report that names none."""
    emulated = write(
        tmp_path / "a.json", build_report(build_found(device="Emulated asynchronous device [ZLUDA]"))
    )
    unnamed = write(tmp_path / "b.json", build_report(build_found(device="alice")))
    assert 0 == run(emulated, unnamed)
    said = capsys.readouterr().out
    assert "emulated device" in said and "does not say which card" in said
    assert [] == rows_of(page)
    assert NOBODY in page.read_text(encoding="utf-8")


def test_every_string_is_escaped():
    """Whatever a form lets through one day, it is text in the table."""
    hostile = "a|b <script>alert(1)</script> [x](javascript:y) `c` *d* _e_ \\ ~f~ ![g](h) &lt; $m$\n| i |"
    tree = dict(report().tree)
    tree.update(device=hostile, backend=hostile, extension=hostile)
    tree["self_test"] = {"runs_ahead": None, "rungs": [{"name": hostile, "is_truthful": False}]}
    tree["versions"] = dict.fromkeys(("driver", "torch", "hip", "zluda"), hostile)
    verified = dict.fromkeys(("driver", "torch", "zluda"), hostile)
    tree["verification"] = {"sentence": hostile, "device": hostile, "versions": verified}
    row = row_of(CardReport(tree))
    assert [row] == read_rows(f"| {' | '.join(row)} |")
    for cell in row:
        assert [] == re.findall(r"(?<!\\)[|<>`*_\[\]~&!$]", cell)
    assert r"a\|b \<script\>" in escape(hostile)


@pytest.mark.parametrize("name", ["driver", "torch", "zluda", "device"])
def test_a_card_that_was_verified_otherwise_is_not_verified(name):
    """What was true of another driver, torch or build says nothing of this one."""
    found = build_found()
    assert found["verification"]["sentence"] in row_of(parse_report(build_report(found)))
    place = found["verification"] if name == "device" else found["verification"]["versions"]
    others = {"driver": "12090", "torch": "2.8.0", "zluda": "12-34", "device": "AMD Radeon RX 6800"}
    place[name] = others[name]
    assert "-" == row_of(parse_report(build_report(found)))[HEAD.index("Verified")]


def test_what_a_report_does_not_say_is_a_dash(page):
    """A row is whole all the same."""
    unknown = parse_report(build_report({"device": "AMD Radeon Graphics"}))
    assert ("AMD Radeon Graphics", *["-"] * 10) == row_of(unknown)
    assert len(HEAD) == len(row_of(unknown))


def test_rungs_that_lie_are_named():
    """A reader who has the same card looks for them."""
    tree = dict(report().tree)
    rungs = [
        {"name": name, "is_truthful": truth} for name, truth in (("a-b", True), ("c-d", False), ("e", None))
    ]
    tree["self_test"] = {"runs_ahead": False, "rungs": rungs}
    assert ("no", "1 of 3, not c-d") == row_of(CardReport(tree))[5:7]


def test_several_reports_in_one_text_are_all_found():
    """In fences of any length; other blocks are left alone."""
    text = "```json\n{1 zluda_sync_report}\n```\n````\n{2 zluda_sync_report}\n````\n```json\n{3}\n```\n"
    assert ["{1 zluda_sync_report}", "{2 zluda_sync_report}"] == find_texts(text)


def test_a_page_without_a_place_for_the_table_is_an_error(run, page, tmp_path, capsys):
    """One line, and nothing is written."""
    page.write_text("nothing", encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        run(write(tmp_path / "report.json", build_report(build_found())))
    assert 2 == ended.value.code
    assert "has no table between" in capsys.readouterr().err
    assert "nothing" == page.read_text(encoding="utf-8")


def test_the_page_that_travels_with_the_extension_can_be_merged_into(tmp_path):
    """It has the marks, and whatever rows it has are the merge's own."""
    copy = Path(shutil.copy(PAGE, tmp_path))
    before = copy.read_text(encoding="utf-8")
    merge_into_page([], copy)
    assert before == copy.read_text(encoding="utf-8")
