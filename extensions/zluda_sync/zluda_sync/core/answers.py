"""Answers of the API: frozen dataclasses, from which their JSON and its description both follow.

FastAPI describes a plain dataclass with every version of pydantic, so an answer is written down once.
"""

from __future__ import annotations

import json
from dataclasses import field, fields, is_dataclass
from enum import Enum
from typing import Any, TypeVar

Answer = TypeVar("Answer")


def described(text: str) -> Any:
    """Return a dataclass field whose description in the API's schema is ``text``."""
    return field(metadata={"description": text})


def answer_from(kind: type[Answer], source: object, digits: int | None = None, /, **given: Any) -> Answer:
    """Return an answer whose fields are those of ``source`` with the same names, unless they are given.

    Args:
        kind: the answer, a dataclass.
        source: what is told of; an Enum is told by its value.
        digits: decimals that floating-point numbers are rounded to, None for all that they have.
        given: fields that are taken as they are.
    """
    names = [one.name for one in fields(kind) if one.name not in given]  # type: ignore[arg-type]
    return kind(**given, **{name: _plain(getattr(source, name), digits) for name in names})


def to_json_text(tree: Any) -> str:
    """Return an answer, or a tree with answers in it, as JSON on one line, in ASCII.

    Raises:
        ValueError: it has a number that JSON has not.
        TypeError: it has an object that is no answer.
    """
    return json.dumps(tree, allow_nan=False, separators=(",", ":"), default=_fields_of)


def _plain(value: Any, digits: int | None) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float) and digits is not None:
        return round(value, digits)
    if isinstance(value, tuple):
        return tuple(_plain(one, digits) for one in value)
    return value


def _fields_of(answer: Any) -> dict[str, Any]:
    if isinstance(answer, type) or not is_dataclass(answer):
        raise TypeError(f"{type(answer).__name__} is no answer")
    # Not its namespace: some versions of pydantic leave notes of their own in it.
    return {one.name: getattr(answer, one.name) for one in fields(answer)}
