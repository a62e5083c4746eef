"""The result of a check of a card: its sentence, and what is taken from a file."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import pytest

from zluda_sync.core.records.verification import (
    CheckTrace,
    Outcome,
    Truth,
    Verification,
    VerifiedMode,
)
from zluda_sync.core.steps.policy import SyncMode

FOUND = Verification(
    device="card",
    versions={"torch": "2.7"},
    taken_at_s=1.5,
    duration_s=40.0,
    outcome=Outcome.TRUE,
    rung="planted-event",
    saved_share=0.06,
    truth=Truth.EVENTS,
    rows=(
        VerifiedMode(SyncMode.OFF, True, 1.0),
        VerifiedMode(SyncMode.RUN_AHEAD, True, 1.0, 0.01, 7, 0, 36, 0, 0),
        VerifiedMode(SyncMode.RUN_AHEAD, False, 0.94, 0.01, 1, 0, 36, 0, 0),
    ),
    trace=CheckTrace(SyncMode.RUN_AHEAD, ((0.0, 0.06, 0.0), (0.01, 0.12, 0.05))),
)


def with_own(**changes: Any) -> Verification:
    """The result with other figures in the row of the card's own mode."""
    return replace(FOUND, rows=(*FOUND.rows[:-1], replace(FOUND.rows[-1], **changes)))


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (FOUND, "Your bar is true to 1 step; run-ahead saves 6 % against a full wait after each step."),
        (with_own(step_error=0), "Your bar is true to the step; run-ahead saves 6 % "),
        (replace(FOUND, saved_share=0.004), "; run-ahead takes as long as a full wait after each step."),
        (replace(FOUND, saved_share=0.006), "; run-ahead saves 0.6 % against"),
        (
            replace(FOUND, saved_share=-0.02),
            "run-ahead costs 2 % against a full wait after each step: choose",
        ),
        (replace(FOUND, trace=CheckTrace(SyncMode.EVERY_STEP)), "so there is a wait after each step."),
        (replace(FOUND, outcome=Outcome.EARLY), "planted-event tells of steps that are not finished"),
        (replace(with_own(step_error=3), outcome=Outcome.LATE), "up to 3 steps late by planted-event"),
        (replace(FOUND, outcome=Outcome.TORN), "Your previews are not true"),
        (replace(FOUND, outcome=Outcome.LOST, rung=None), "Your bar cannot be followed"),
        (
            replace(FOUND, outcome=Outcome.BLOCKING),
            "This card holds SD.Next back by itself: nothing to gain, and nothing needed.",
        ),
        (
            replace(FOUND, outcome=Outcome.BLOCKING, blocking_launch=1022),
            "This card holds SD.Next back by itself after 1022 operations: nothing to gain, and nothing ",
        ),
        (replace(FOUND, outcome=Outcome.UNSURE), "Close other programs, and press again."),
        (
            replace(FOUND, outcome=Outcome.UNTOLD, truth=None),
            "What is true could not be learned on this card: ",
        ),
    ],
)
def test_each_outcome_has_a_sentence_in_plain_words(found, sentence):
    """What is so, by which way to wait, and what to do."""
    assert sentence in found.sentence


@pytest.mark.parametrize(
    ("leads", "remedy"),
    [
        ((0, None), "choose the mode every-step, and report your card."),
        ((0, 3), "choose the mode off, and send the report."),
        ((None, None), "choose the mode off, and send the report."),
        ((), "choose the mode off, and send the report."),
    ],
    ids=["true", "false with the host's sync", "never judged", "not there"],
)
def test_waiting_after_each_step_is_no_remedy_where_it_lies_too(leads, remedy):
    """Nor where nobody knows whether it does."""
    rows = tuple(VerifiedMode(SyncMode.EVERY_STEP, False, 1.0, lead=lead) for lead in leads)
    found = replace(FOUND, outcome=Outcome.EARLY, rows=(*rows, *FOUND.rows))
    assert found.sentence.endswith(remedy)


@pytest.mark.parametrize("found", [FOUND, replace(FOUND, outcome=Outcome.UNTOLD, truth=None)])
def test_what_was_kept_is_read_back(found):
    """Through JSON, unchanged, and small enough for a report."""
    assert found == Verification.from_json(json.loads(json.dumps(found.to_json())))
    written = json.dumps(FOUND.to_json())
    assert FOUND == Verification.from_json(json.loads(written))
    assert len(written) < 4000


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("version",), 2),
        (("sentence",), "Buy another card."),
        (("outcome",), "fine"),
        (("rung",), "C:\\Users\\me"),
        (("saved_share",), float("nan")),
        (("truth",), "a guess"),
        (("blocking_launch",), -1),
        (("device",), "x" * 201),
        (("versions",), {"torch": 2}),
        (("versions",), {str(number): "" for number in range(9)}),
        (("rows",), [{"mode": "off", "host_sync": True, "wall_s": 1.0}] * 17),
        (("rows", 0, "mode"), "fast"),
        (("rows", 0, "wall_s"), "1"),
        (("rows", 0, "host_sync"), 1),
        (("rows", 2, "lead"), -1),
        (("rows", 2, "torn"), True),
        (("rows", 2, "bar_error"), 10**400),
        (("trace", "steps"), [[0.0, 1.0]]),
        (("trace", "steps"), [[0.0, 1.0, "a path"]]),
        (("trace", "steps"), [[0.0, 1.0, 0.0]] * 65),
        (("trace",), None),
        (("prompt",), "a secret"),
    ],
)
def test_a_wrong_or_hostile_file_is_refused(path, value):
    """Of another kind, too large, or with more in it than belongs there."""
    tree: Any = copy.deepcopy(FOUND.to_json())
    place = tree
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    with pytest.raises(ValueError, match=r"check of|is not a valid|its sentence"):
        Verification.from_json(tree)


@pytest.mark.parametrize("tree", [None, [], "x", 3, {}])
def test_what_is_no_result_at_all_is_refused(tree):
    """Whatever JSON can hold."""
    with pytest.raises(ValueError, match=r"check of|is not a valid|its sentence"):
        Verification.from_json(tree)
