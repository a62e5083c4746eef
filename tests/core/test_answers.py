"""Answers of the API: one frozen dataclass each, filled by name and written as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from types import SimpleNamespace
from typing import Any

import pytest

from zluda_sync.core.answers import answer_from, described, to_json_text
from zluda_sync.core.phase import Phase


@dataclass(frozen=True, kw_only=True)
class Inner:
    source: str


@dataclass(frozen=True, kw_only=True)
class Outer:
    phase: str = described("what is done")
    at_s: float | None
    waits: tuple[tuple[float, ...], ...]
    is_over: bool
    inner: Inner | None


TOLD_OF = SimpleNamespace(
    phase=Phase.DECODE, at_s=1.23456, waits=((1, 0.98765), (2, 3.0)), is_over=True, other="not told"
)


def outer(digits: int | None = None) -> Outer:
    return answer_from(Outer, TOLD_OF, digits, inner=answer_from(Inner, SimpleNamespace(source="page")))


def test_an_answer_takes_what_has_its_fields_names():
    """Choices by their value, times rounded, yes and no and whole numbers as they are."""
    assert outer(2) == Outer(
        phase="decode",
        at_s=1.23,
        waits=((1, 0.99), (2, 3.0)),
        is_over=True,
        inner=Inner(source="page"),
    )
    assert 1.23456 == outer().at_s


def test_a_field_that_the_source_lacks_is_no_answer():
    """It is found by the first test that asks, not by a client."""
    with pytest.raises(AttributeError, match="inner"):
        answer_from(Outer, TOLD_OF)


def test_an_answer_is_written_as_its_fields():
    """With answers in it, and without what a library has noted on it."""
    answer = outer(2)
    object.__setattr__(answer, "__pydantic_initialised__", True)
    assert json.loads(to_json_text({"one": answer})) == {
        "one": {
            "phase": "decode",
            "at_s": 1.23,
            "waits": [[1, 0.99], [2, 3.0]],
            "is_over": True,
            "inner": {"source": "page"},
        }
    }
    assert "\n" not in to_json_text(answer)


@pytest.mark.parametrize("tree", [float("nan"), [float("inf")], {"x": object()}, Inner])
def test_what_json_has_not_is_refused(tree: Any):
    """A number that browsers cannot read, or an object that is no answer."""
    with pytest.raises((ValueError, TypeError)):
        to_json_text(tree)


def test_a_description_stands_where_pydantic_looks_for_it():
    """Versions 1 and 2 both read it in the field's metadata."""
    assert {"phase": "what is done"} == {
        one.name: one.metadata["description"] for one in fields(Outer) if one.metadata
    }
