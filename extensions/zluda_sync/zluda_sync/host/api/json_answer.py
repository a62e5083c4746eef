"""Answers in JSON that nobody keeps."""

from __future__ import annotations

from typing import Any

from fastapi import Response

from zluda_sync.core.files import to_json_text

#: What is told is of the moment: no browser and no proxy keeps it.
NO_STORE = {"Cache-Control": "no-store"}


def build_answer(tree: Any, file_name: str = "") -> Response:
    """Return an answer with a tree in it.

    Args:
        tree: what JSON can hold. It is not checked against the route's model once more: tests do that.
        file_name: under which a browser saves it, empty for an answer that is shown. Made by us, never by a
            request.
    """
    headers = dict(NO_STORE)
    if file_name:
        headers["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return Response(to_json_text(tree), media_type="application/json", headers=headers)
