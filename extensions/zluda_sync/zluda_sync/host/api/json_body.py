"""Bodies of requests: taken as any JSON, and refused here in words of ours.

FastAPI quotes what it refuses, and fails with 500 on NaN, lone surrogates and bytes that are no text. Hosts
have pydantic 1 or 2, which have no way in common around that.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastapi import HTTPException

from zluda_sync.core.settings.fields import shorten, suggest
from zluda_sync.core.settings.settings import SettingProblem

_REMEDY = "See /docs."


def refused(problems: Iterable[SettingProblem]) -> HTTPException:
    """Return the refusal of a request: 422, with what is wrong at which entry."""
    return HTTPException(422, [{"where": _plain(one.where), "text": _plain(one.text)} for one in problems])


def read_fields(body: Any, known: tuple[str, ...]) -> dict[str, Any]:
    """Return the fields of a body; none at all are no fields.

    Args:
        body: as FastAPI gives it: JSON, None, or bytes if it was sent as something else.
        known: names of the fields that there are.
    Raises:
        HTTPException: 422, it is no JSON object or has a field that does not exist.
    """
    if body is None:
        return {}
    if not isinstance(body, dict):
        raise refused([SettingProblem.at("body", "must be a JSON object, sent as application/json", _REMEDY)])
    names = dict.fromkeys(known)
    unknown = [name for name in body if name not in names]
    if unknown:
        raise refused(
            SettingProblem.at(shorten(name), f"does not exist; {suggest(name, names)}", _REMEDY)
            for name in unknown[:5]
        )
    return body


def _plain(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
