"""Bodies in JSON: answers that nobody keeps, and requests that are refused in our own words.

FastAPI quotes what it refuses, and fails with 500 on NaN, lone surrogates and bytes that are no text. Hosts
have pydantic 1 or 2, which have no way in common around that: so a body is taken as any JSON, and checked
here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastapi import HTTPException, Response

from zluda_sync.core.answers import to_json_text
from zluda_sync.core.settings.fields import shorten, suggest
from zluda_sync.core.settings.settings import SettingProblem

#: Answers tell of a moment: no browser and no proxy keeps them.
NO_STORE = {"Cache-Control": "no-store"}
_REMEDY = "See /docs."


def build_answer(answer: Any, file_name: str = "") -> Response:
    """Return an answer as JSON.

    Args:
        answer: a dataclass of answers, or whatever JSON can hold.
        file_name: under which a browser saves it, empty for an answer that is shown. Made by us, never by a
            request.
    """
    headers = dict(NO_STORE)
    if file_name:
        headers["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return Response(to_json_text(answer), media_type="application/json", headers=headers)


def refuse(problems: Iterable[SettingProblem]) -> HTTPException:
    """Return the refusal of a request: 422, with what is wrong at which entry."""
    return HTTPException(
        422, [{"where": _encodable(one.where), "text": _encodable(one.text)} for one in problems]
    )


def read_fields(body: Any, known: tuple[str, ...]) -> dict[str, Any]:
    """Return the fields of a request's body; no body has no fields.

    Args:
        body: as FastAPI gives it: JSON, None, or bytes if it was sent as something else.
        known: names of the fields that exist.
    Raises:
        HTTPException: 422, it is no JSON object or has a field that does not exist.
    """
    if body is None:
        return {}
    if not isinstance(body, dict):
        raise refuse([SettingProblem.at("body", "must be a JSON object, sent as application/json", _REMEDY)])
    names = dict.fromkeys(known)
    unknown = [name for name in body if name not in names]
    if unknown:
        raise refuse(
            SettingProblem.at(shorten(name), f"does not exist; {suggest(name, names)}", _REMEDY)
            for name in unknown[:5]
        )
    return body


def _encodable(text: str) -> str:
    """Return a text without lone surrogates, which no answer can carry."""
    return text.encode("utf-8", "replace").decode()
