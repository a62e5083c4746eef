"""The command that checks a card: what it prints, and how it ends."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.card import verify
from tests.core.test_verification import FOUND
from zluda_sync.core.records.card_report import build_report, parse_report
from zluda_sync.core.records.verification import Outcome
from zluda_sync.pipeline.card_check.checking import CheckStatus


def test_without_a_gpu_the_remedy_is_named(monkeypatch, capsys):
    """One line, and exit code 2."""
    monkeypatch.setattr(verify, "find_accelerator", lambda: None)
    with pytest.raises(SystemExit) as ended:
        verify.run_verify(is_emulated=False, file=None)
    said = capsys.readouterr().err
    assert (2, 1) == (ended.value.code, said.count("\n"))
    assert "--emulated" in said


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (CheckStatus(verification=FOUND), 0, FOUND.sentence),
        (CheckStatus(verification=replace(FOUND, outcome=Outcome.BLOCKING)), 0, "nothing needed"),
        (CheckStatus(verification=replace(FOUND, outcome=Outcome.EARLY)), 1, "Your bar is not true"),
        (CheckStatus(verification=replace(FOUND, outcome=Outcome.UNSURE)), 1, "press again"),
        (CheckStatus(verification=replace(FOUND, outcome=Outcome.UNTOLD, truth=None)), 1, "held against -"),
        (CheckStatus(failure="no result: the GPU was lost"), 1, "no result: the GPU was lost"),
    ],
)
def test_the_exit_code_says_whether_all_is_as_it_should_be(monkeypatch, capsys, status, code, said):
    """And the sentence why."""
    monkeypatch.setattr(verify, "find_accelerator", object)
    monkeypatch.setattr(verify, "check", lambda accelerator, make_work: (status, "{}"))
    assert code == verify.run_verify(is_emulated=False, file=None)
    assert said in capsys.readouterr().out


def test_the_table_the_sentence_and_the_figures_are_printed(monkeypatch, capsys, tmp_path):
    """In this order; a file gets the figures too."""
    monkeypatch.setattr(verify, "find_accelerator", object)
    report = build_report({"verification": FOUND.to_json()})
    answer = CheckStatus(verification=FOUND), report
    monkeypatch.setattr(verify, "check", lambda accelerator, make_work: answer)
    verify.run_verify(is_emulated=False, file=tmp_path / "found.json")
    printed = capsys.readouterr().out
    assert report + "\n" == (tmp_path / "found.json").read_text(encoding="utf-8")
    assert FOUND.sentence == parse_report(report).tree["verification"]["sentence"]
    table, sentence = printed.index("run-ahead  off"), printed.index(FOUND.sentence)
    assert table < sentence < printed.index(report)
