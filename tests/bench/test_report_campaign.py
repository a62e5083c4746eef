"""The campaign of hostile reports: what is called a leak, and that every entry is given hostile values."""

from __future__ import annotations

import json

import pytest

from bench.campaigns.hostile_values import Villain
from bench.campaigns.reports import Tally, build_from_entries, build_through_session, run_report_campaign
from zluda_sync.core.records import card_report
from zluda_sync.core.records.card_forms import Meaning, OneOf
from zluda_sync.core.records.card_report import build_report
from zluda_sync.core.records.card_shape import shape_of_report
from zluda_sync.core.records.card_tree import Group, Node, Rows, Triple


def judged(text: str, villain: Villain | None = None) -> tuple[int, int, int]:
    """Return how often a text has leaked, was too long, and was not readable."""
    tally = Tally("test")
    tally.judge(text, villain or Villain(1), 1)
    return tally.leaked, tally.too_long, tally.unreadable


def test_a_clean_report_holds():
    """Nothing is found where nothing is."""
    assert (0, 0, 0) == judged(build_report({"device": "AMD Radeon RX 7900 XTX"}))


def test_a_piece_of_a_canary_is_a_leak():
    """In whatever case, of letters and of digits, and the user's login."""
    villain = Villain(1)
    for piece in (villain.word[2:6].upper(), villain.number[3:11], villain.login.lower()):
        assert 1 == judged(f"{build_report({})} {piece}", villain)[0]
    assert 0 == judged(f"{build_report({})} {villain.word[:3]} {villain.number[:7]}", villain)[0]


def test_what_is_too_long_or_cannot_be_read_is_counted():
    """With what a person does not see."""
    assert (0, 1, 1) == judged(build_report({}) + " " * 9000)
    assert (0, 0, 1) == judged("{}")
    assert (0, 0, 1) == judged(build_report({}) + "\t")


def leaves(node: Node, where: str) -> dict[str, Node]:
    """Return each form by the name of its entry."""
    if isinstance(node, Group):
        found: dict[str, Node] = {}
        for name, inner in node.entries.items():
            found.update(leaves(inner, f"{where}.{name}" if where else name))
        return found
    return leaves(node.each, where) if isinstance(node, (Rows, Triple)) else {where: node}


def test_every_entry_is_given_hostile_values():
    """One that may only be told in a form of its own is withheld now and then."""
    always_told = {name for name, form in leaves(shape_of_report(), "").items() if is_always_told(form)}
    withheld: set[str] = set()
    for seed in range(60):
        withheld.update(json.loads(build_from_entries(Villain(seed)))["withheld"])
    assert set() == set(leaves(shape_of_report(), "")) - withheld - always_told - {card_report.MARK}


def is_always_told(form: Node) -> bool:
    """Whether whatever text is given has a word of its own in the report."""
    return isinstance(form, Meaning) or (isinstance(form, OneOf) and form("nothing of ours") is not None)


@pytest.mark.parametrize("build", [build_from_entries, build_through_session])
def test_a_report_that_tells_names_as_they_are_is_found(build, monkeypatch):
    """The campaign would see the leak of a single entry: here of the device's name."""
    monkeypatch.setattr("zluda_sync.core.records.card_shape.DeviceName", lambda private: lambda value: value)
    monkeypatch.setattr(card_report, "_write", lambda tree: json.dumps(tree, default=str)[:8000])
    leaked = 0
    for seed in range(20):
        villain = Villain(seed)
        try:
            text = build(villain)
        except RuntimeError:  # what fails at everything cannot be written either
            continue
        leaked += villain.finds_itself_in(text)
    assert leaked > 3


def test_the_campaign_fails_where_one_report_leaks(monkeypatch, capsys):
    """With the first of them, and its seed."""
    monkeypatch.setattr("bench.campaigns.reports.QUICK_REPORTS", 6)
    assert 0 == run_report_campaign(quick=True)
    monkeypatch.setattr("bench.campaigns.reports.build_from_entries", lambda villain: villain.word)
    assert 1 == run_report_campaign(quick=True)
    assert "leaked: seed 1: " in capsys.readouterr().out
