"""What a report on a card tells of a self-test's reasons: each has a word of its own there."""

from __future__ import annotations

import ast

from tests.markdown_page import DROP_IN
from zluda_sync.core.errors import RungLiedError, RungSilentError
from zluda_sync.core.records.card_forms import OTHER, Meaning
from zluda_sync.core.records.card_shape import RUNG_REASONS, UNFINISHED_REASONS
from zluda_sync.device.steps.accelerator import NO_MEMORY
from zluda_sync.device.steps.rung_trial import _FAILS, _SILENT, NOT_JUDGED
from zluda_sync.device.steps.waits import A_JOB_BEGAN


def texts_given_to(names: tuple[str, ...], *files: str) -> list[str]:
    """Return the texts that the code of the device gives to these, with … where it puts something in."""
    texts = []
    for file in files:
        source = (DROP_IN / "zluda_sync" / "device" / "steps" / file).read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in names:
                for one in node.args:
                    parts = one.values if isinstance(one, ast.JoinedStr) else [one]
                    found = [part.value if isinstance(part, ast.Constant) else "…" for part in parts]
                    texts.append("".join(map(str, found)))
    return [text for text in texts if len(text.strip("… ")) > 5]


def test_the_meaning_of_each_reason_that_the_self_test_gives_is_known():
    """A new one has to get a word of its own."""
    reasons = texts_given_to(("RungVerdict", "_lie"), "rung_trial.py")
    unfinished = texts_given_to(("CalledOff", "TimeoutError"), "rung_trial.py", "waits.py", "sentinel.py")
    assert len(reasons) >= 3 and len(unfinished) >= 4
    reasons.append("says too early that work is done: 7 ms were left")
    reasons += [NOT_JUDGED, f"{_FAILS}: …", *_SILENT, f"in use: {RungLiedError('read-back', 1.0)}"]
    reasons.append(f"in use: {RungSilentError('read-back', 1, is_certain=True)}")
    unfinished += [A_JOB_BEGAN, "the machine was too busy", NO_MEMORY, "another program has the GPU"]
    assert [] == [text for text in reasons if Meaning(RUNG_REASONS)(text) == OTHER]
    assert [] == [text for text in unfinished if Meaning(UNFINISHED_REASONS)(text) == OTHER]
