"""A report on a card: what gets into it, how long it is, and that it is read as strictly as it is written."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest

from tests.core.test_verification import FOUND
from tests.markdown_page import DOCS, log_lines
from zluda_sync.core.records.card_forms import (
    DeviceName,
    build_digest,
    commit,
    leading_version,
    version,
)
from zluda_sync.core.records.card_report import MARK, MOST_BYTES, WITHHELD, build_report, parse_report
from zluda_sync.core.records.card_shape import RUNG_REASONS, SENTENCE
from zluda_sync.core.records.said_lines import OTHER_LINE, SAID_LINES, SaidLines, find_line
from zluda_sync.core.records.self_test_report import EVENT_RUNGS, SYNCHRONIZE_RUNGS
from zluda_sync.core.records.verification import Outcome, VerifiedMode
from zluda_sync.core.steps.policy import SyncMode

RUNGS = ("passive-counter", "planted-event", "lagged-wait", "stream-synchronize", "device-synchronize")


def build_found(**changes: Any) -> dict[str, Any]:
    """Return what is found of a card on which all is known."""
    figures = {"wait_share": 1.01234567, "residual_s": 0.00038, "cost_s": 2.1e-6}
    found: dict[str, Any] = {
        "made_at_s": 1785000000.7,
        "extension": "0.1.0",
        "sdnext": {"commit": "9cb7d1f4", "date": "2026-07-23", "branch": "dev"},
        "backend": "zluda",
        "device": "AMD Radeon RX 7900 XTX [ZLUDA]",
        "versions": {
            "driver": "12080", "torch": "2.7.0+cu118", "hip": "6.2.41134-65d174c3e", "cuda": "11.8",
            "zluda": "1234567-1754000000",
        },
        "python": "3.12.10",
        "system": {"family": "Windows", "release": "10.0.26100"},
        "torch_sync": False,
        "settings": {
            "profile": "balanced", "gate": "zluda", "mode": "auto", "rung": "auto", "preview": "fitted",
            "depth": 1,
        },
        "acts": True,
        "why": "acts",
        "model_family": "sdxl",
        "self_test": {
            "taken_at_s": 1784990000.0, "duration_s": 6.1234567, "is_blocking": False, "runs_ahead": True,
            "work_s": 0.2, "queued_s": 0.001, "probe_launches": 4200, "probe_queued_s": 0.02,
            "probe_total_s": 0.4, "blocking_launch": None, "frees_interpreter": True,
            "event_time_error": 0.01, "unfinished": "",
            "rungs": [{"name": name, "is_truthful": True, "reason": "", **figures} for name in RUNGS],
        },
        "verification": {
            "device": "AMD Radeon RX 7900 XTX [ZLUDA]",
            "versions": {"driver": "12080", "torch": "2.7.0+cu118", "zluda": "1234567-1754000000"},
            "taken_at_s": 1784999000.0,
            "outcome": "true",
            "sentence": FOUND.sentence,
            "rung": "passive-counter",
            "saved_share": 0.06,
            "truth": "timing events",
            "rows": [
                {
                    "mode": mode, "host_sync": sync, "wall_s": 9.8613, "bar_error": 0.0113, "step_error": 1,
                    "lead": 0, "previews": 20, "torn": 0, "early": 0,
                }
                for mode in ("every-step", "run-ahead", "observe") for sync in (False, True)
            ],
            "trace": {"mode": "run-ahead", "steps": [[0.1 * at, 0.1 * at + 0.4, None] for at in range(20)]},
        },
        "log": [{"said": "active, mode … on …: …", "times": 1}],
    }  # fmt: skip
    return {**found, **changes}


def told(**changes: Any) -> dict[str, Any]:
    """Return the entries of a report on such a card."""
    return dict(parse_report(build_report(build_found(**changes))).tree)


def test_what_is_known_is_told():
    """Every entry, with nothing withheld."""
    text = build_report(build_found())
    tree = json.loads(text)
    assert [] == tree[WITHHELD]
    assert "AMD Radeon RX 7900 XTX [ZLUDA]" == tree["device"]
    assert 1785000000 - 1785000000 % 3600 == tree["made_at_s"]
    assert (1.012, 6.123) == (tree["self_test"]["rungs"][0]["wait_share"], tree["self_test"]["duration_s"])
    assert FOUND.sentence == tree["verification"]["sentence"]
    assert 20 == len(tree["verification"]["trace"]["steps"])
    assert len(text.encode()) <= MOST_BYTES
    assert tree == parse_report(text).tree


def test_nothing_known_is_a_report_too():
    """Every entry is there and null."""
    tree = parse_report(build_report({})).tree
    assert {None} == {tree[name] for name in tree if name not in (MARK, "log", WITHHELD)}


@pytest.mark.parametrize(
    "name",
    [
        "AMD Radeon RX 7900 XTX [ZLUDA]", "AMD Radeon(TM) 890M Graphics", "AMD Instinct MI300X",
        "AMD Ryzen AI Max+ 395 w/ Radeon 8060S", "NVIDIA GeForce RTX 4090 Laptop GPU",
        "NVIDIA H100 80GB HBM3", "Intel(R) Arc(TM) A770 Graphics", "Apple M3 Max",
        "Emulated asynchronous device [ZLUDA]", "AMD Radeon PRO W7900", "AMD Radeon AI PRO R9700",
    ],
)  # fmt: skip
def test_names_of_devices_are_told_as_their_makers_give_them(name):
    """Whatever the maker."""
    assert name == DeviceName()(name)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("AMD Radeon of alice", "AMD Radeon ?"),
        ("alice's card", None),
        ("AMD Radeon RX 7900 /home/alice", "AMD Radeon RX 7900 ?"),
        ("AMD RX 079 123 45 67 89", "AMD RX 079 123 45 ?"),
        ("NVIDIA A100-SXM4-80GB", "NVIDIA A100 SXM4 80GB"),
        ("AMD " * 40, None),
        ("AMD\u202e Radeon", "? Radeon"),
        (7, None),
    ],
)
def test_other_words_in_a_devices_name_are_not_told(name, shown):
    """They become a question mark; what has no maker's word is not told at all, nor what is too long."""
    assert shown == DeviceName()(name)


def test_a_number_that_is_a_private_name_is_not_told():
    """A user may be called like a model."""
    assert "AMD Radeon RX ?" == DeviceName(["7900XTX"])("AMD Radeon RX 7900XTX")
    assert "AMD Radeon RX ?" == DeviceName(["900x"])("AMD Radeon RX 7900XTX")
    assert "AMD Radeon RX 7900XTX" == DeviceName(["79", "", "alice"])("AMD Radeon RX 7900XTX")


@pytest.mark.parametrize(
    ("form", "value", "shown"),
    [
        (version, "2.7.0+cu118", "2.7.0+cu118"),
        (version, "2.9.0.dev20250904+rocm7.0.0rc20250904", "2.9.0.dev20250904+rocm7.0.0rc20250904"),
        (version, "2.9.1+rocmsdk20260116", "2.9.1+rocmsdk20260116"),
        (version, "2.8.0a0+gitfc14c65", "2.8.0a0+git"),
        (version, "6.2.41134-65d174c3e", "6.2.41134"),
        (version, "2.7.0+alice", "2.7.0+?"),
        (version, "2.7.0-alice", "2.7.0"),
        (version, "alice", None),
        (version, "123456789", None),
        (leading_version, "6.8.0-45-alice", "6.8.0"),
        (leading_version, "2022Server", "2022"),
        (leading_version, "6.8.123456789", "6.8"),
        (leading_version, "41791234567", None),
        (commit, "9cb7d1f4", "9cb7d1f4"),
        (commit, "alice", None),
        (commit, "41791234", None),
        (build_digest, "12-34", "c269008f"),
        (build_digest, "9ea6add3", "9ea6add3"),
        (build_digest, "/home/alice/nvcuda.dll", None),
    ],
)
def test_versions_have_their_form(form, value, shown):
    """Of a build only tags that torch has."""
    assert shown == form(value)


def test_what_a_driver_has_said_is_not_told():
    """Of the self-test's reasons, only what they mean."""
    rung = {"name": "planted-event", "is_truthful": False}
    reasons = (
        "fails: /home/alice: operation not supported",
        "alice",
        "in use: x reported work as done while …",
    )
    tree = told(
        self_test={"rungs": [{**rung, "reason": reason} for reason in reasons], "unfinished": "alice"}
    )
    shown = [one["reason"] for one in tree["self_test"]["rungs"]]
    assert ["fails: not supported", "other", "lied in use"] == shown
    assert "other" == tree["self_test"]["unfinished"]


def test_what_has_no_form_is_withheld_and_said_so():
    """By the entry's name: a reader knows that there was something."""
    tree = told(device="alice", sdnext={"commit": "alice", "branch": "alice"}, made_at_s=math.nan, log=7)
    assert ["made_at_s", "sdnext.commit", "device", "log"] == tree[WITHHELD]
    assert (None, "other") == (tree["device"], tree["sdnext"]["branch"])


def test_a_report_that_is_too_long_loses_its_trace_first_and_then_its_log():
    """What is left is whole."""
    found = build_found(log=[{"said": line, "times": 1} for line in (*SAID_LINES, OTHER_LINE)])
    found["verification"]["rows"] *= 2
    found["verification"]["trace"]["steps"] = [[1.2345, 2.3456, 3.4567]] * 100
    text = build_report(found)
    tree = parse_report(text).tree
    assert len(text.encode()) <= MOST_BYTES
    assert len(tree["verification"]["trace"]["steps"]) < 100
    assert len(SAID_LINES) + 1 == len(tree["log"])
    assert 12 == len(tree["verification"]["rows"])


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"extra": 1}, "has an entry that no report has"),
        ({"device": "alice"}, "device: is of no form"),
        ({"device": ["AMD"]}, "device: is of no form"),
        ({"made_at_s": True}, "made_at_s: is of no form"),
        ({"acts": 1}, "acts: is of no form"),
        ({"settings": "auto"}, "settings: must be an object"),
        ({"settings": {"gate": "zluda"}}, "settings.profile: is missing"),
        ({"log": None}, "log: must be a list"),
        ({"log": [{"said": "alice", "times": 1}]}, r"log\[0\].said: is of no form"),
        ({"log": [None]}, "log: must be a list"),
        ({MARK: 2}, MARK),
        ({WITHHELD: ["alice"]}, WITHHELD),
        ({WITHHELD: [[]]}, WITHHELD),
        ({WITHHELD: None}, WITHHELD),
        ({"system": {"family": "Windows", "release": 1e400}}, "no JSON: it has Infinity"),
    ],
)
def test_what_is_no_report_is_refused_by_the_name_of_the_entry(change, named):
    """Nothing is taken from it."""
    tree = {**json.loads(build_report(build_found())), **change}
    with pytest.raises(ValueError, match=named):
        parse_report(json.dumps(tree))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "no JSON"),
        ("[]", "must be a JSON object"),
        ("[" * 4000, "no JSON"),
        ('{"acts": true, "acts": true}', "twice"),
        ("{}", MARK),
        (" " * 9000, "longer"),
        ("\ud800", "no JSON"),
        ("9" * 8000, "no JSON|must be a JSON object|digits"),
    ],
)
def test_what_is_no_json_is_refused(text, named):
    """And never with another error."""
    with pytest.raises(ValueError, match=named):
        parse_report(text)


def test_an_entry_that_is_missing_is_named():
    """An old version's report is not taken for a new one's."""
    tree = json.loads(build_report(build_found()))
    del tree["self_test"]["rungs"][0]["cost_s"]
    with pytest.raises(ValueError, match=r"self_test\.rungs\[0\]\.cost_s: is missing"):
        parse_report(json.dumps(tree))


def test_the_lines_of_the_log_are_those_of_the_page_of_remedies():
    """So that a report says of a line what its reader finds there."""
    page = {line for row in log_lines(DOCS / "remedies.md") for line in row}
    assert page == set(SAID_LINES)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("active, mode run-ahead on a card of alice: why", "active, mode … on …: …"),
        ("self-test in 6.1 s: your GPU reports truthfully what it has finished", "self-test in … s: …"),
        ("planted-event failed (OSError: /home/alice); using x instead", "… failed (…); using … instead"),
        ("a failed (…); no way is left to follow this job", "…; no way is left to follow this job"),
        ("config.json: zluda_sync.profiles.alice is 7, must be …", "config.json: zluda_sync.… is …"),
        ("zluda_sync_mode is 'alice', must be one of", "zluda_sync_… is …, must be …"),
        ("learned durations in /home/alice cannot be used (x)", "learned durations in … cannot be used"),
        ("alice", OTHER_LINE),
    ],
)
def test_a_line_of_the_log_is_known_by_its_own_words(text, line):
    """Whatever was put into it."""
    assert line == find_line(text)


def test_said_lines_are_counted_without_their_text():
    """In the order in which each was first said."""
    said = SaidLines()
    for text in ("active, mode observe on a: b", "alice", "active, mode run-ahead on c: d"):
        said.count(text)
    assert [("active, mode … on …: …", 2), (OTHER_LINE, 1)] == list(said)


@pytest.mark.parametrize(
    "text",
    [
        "Your bar is alice's",
        "true\u202e",
        "079-123",
        "",
        "wait 1985 12 24 at 5551 2345 6789",
        "Your bar is true to 5551 steps; run-ahead saves 6 % against a full wait after each step.",
        "Your bar is not true: alice tells of steps that are not finished.",
        f"{FOUND.sentence} {FOUND.sentence}",
        f"{FOUND.sentence}\n",
        "{advice}.",
    ],
)
def test_a_sentence_that_no_check_says_is_not_told(text):
    """Whole or not at all, whatever words of ours it has; and a report that says it is none."""
    assert SENTENCE(text) is None
    tree = json.loads(build_report(build_found()))
    tree["verification"]["sentence"] = text
    with pytest.raises(ValueError, match=r"verification\.sentence: is of no form"):
        parse_report(json.dumps(tree))


@pytest.mark.parametrize("rung", [None, *EVENT_RUNGS, *SYNCHRONIZE_RUNGS])
@pytest.mark.parametrize("outcome", Outcome)
def test_what_a_verification_ends_in_is_told_as_it_is(outcome, rung):
    """Each sentence that a check can say, with each way to wait."""
    true = VerifiedMode(SyncMode.EVERY_STEP, False, 1.0, 0.01, 0, 0, 36, 0, 0)
    for error in (0, 1, 2, 12):
        own = replace(FOUND.rows[-1], step_error=error)
        for rows in ((own,), (true, own)):
            for saved_share in (None, 0.0, 0.006, 0.06, -0.03, -1.5):
                for blocking_launch in (None, 1, 1022):
                    found = replace(
                        FOUND,
                        outcome=outcome,
                        rung=rung,
                        rows=rows,
                        saved_share=saved_share,
                        blocking_launch=blocking_launch,
                    )
                    assert found.sentence == SENTENCE(found.sentence)


def test_no_meaning_is_itself_taken_for_another():
    """Else a report would be refused that was just made."""
    for meaning in RUNG_REASONS.values():
        tree = told(self_test={"rungs": [{"name": "read-back", "reason": meaning}]})
        assert meaning == tree["self_test"]["rungs"][0]["reason"]
