"""What a check of a card can say: fixed sentences with few figures in them, by which each is known again."""

from __future__ import annotations

import re

from zluda_sync.core.records.self_test_report import EVENT_RUNGS, SYNCHRONIZE_RUNGS

#: Stands for a rung where none is left.
SOME_WAY = "the way that is used"
EVERY_STEP_HELPS = "Run the self-test again; if it stays so, choose the mode every-step, and report your card"
NO_MODE_HELPS = "Run the self-test again; if it stays so, choose the mode off, and send the report"

NOTHING_APART = "no way to tell steps apart is truthful on this card, so there is a wait after each step"
NO_SAVING = "run-ahead takes as long as a full wait after each step"
COSTS = "run-ahead costs {share} against a full wait after each step: choose the mode every-step"
SAVES = "run-ahead saves {share} against a full wait after each step"

IS_TRUE = "Your bar is true to {steps}; {saving}."
IS_EARLY = "Your bar is not true: {rung} tells of steps that are not finished. {advice}."
IS_LATE = "Your bar is not true: it is up to {steps} late by {rung}. {advice}."
IS_TORN = (
    "Your previews are not true: some do not show the step that they name. Choose host as the method of "
    "previews, and report your card."
)
IS_LOST = (
    "Your bar cannot be followed: no way to learn when this card has finished a step has worked. {advice}."
)
HOLDS_BACK = "This card holds SD.Next back by itself: nothing to gain, and nothing needed."
HOLDS_BACK_LATER = (
    "This card holds SD.Next back by itself after {launches}: nothing to gain, and nothing needed."
)
IS_UNSURE = "Not certain: the machine was busy. Close other programs, and press again."
IS_UNTOLD = (
    "What is true could not be learned on this card: no two ways to learn it agree, or too little was seen "
    "of its jobs; please send the report."
)
_SAVINGS = (NOTHING_APART, NO_SAVING, COSTS, SAVES)
_SENTENCES = (
    IS_TRUE,
    IS_EARLY,
    IS_LATE,
    IS_TORN,
    IS_LOST,
    HOLDS_BACK,
    HOLDS_BACK_LATER,
    IS_UNSURE,
    IS_UNTOLD,
)


def tell_steps(count: int) -> str:
    """Return a distance of so many steps in words."""
    return "the step" if count == 0 else "1 step" if count == 1 else f"{count} steps"


def tell_share(share: float) -> str:
    """Return a share of the time: whole per cent, tenths of less than one."""
    return f"{100 * share:.0f} %" if share >= 0.0095 else f"{100 * share:.1f} %"


def tell_launches(count: int) -> str:
    """Return so many operations in words."""
    return "1 operation" if count == 1 else f"{count} operations"


def is_check_sentence(text: str) -> bool:
    """Whether a text is one of these sentences, word for word but for its figures."""
    return _KNOWN.fullmatch(text) is not None


def _pattern_of(template: str) -> str:
    pieces = re.split(r"\{(\w+)\}", template)
    return "".join(_PARTS[piece] if at % 2 else re.escape(piece) for at, piece in enumerate(pieces))


def _any_of(patterns: list[str]) -> str:
    return f"(?:{'|'.join(patterns)})"


#: What can stand in a place of a sentence; the more digits, the more could be told by them.
_PARTS = {
    "steps": r"(?:the step|1 step|[1-9][0-9]? steps)",
    "share": r"(?:[1-9][0-9]{0,2}|0\.[0-9]) %",
    "launches": r"(?:1 operation|[1-9][0-9]{0,4} operations)",
    "rung": _any_of([re.escape(name) for name in (*EVENT_RUNGS, *SYNCHRONIZE_RUNGS, SOME_WAY)]),
    "advice": _any_of([re.escape(one) for one in (EVERY_STEP_HELPS, NO_MODE_HELPS)]),
}
_PARTS["saving"] = _any_of([_pattern_of(one) for one in _SAVINGS])
_KNOWN = re.compile(_any_of([_pattern_of(one) for one in _SENTENCES]))
