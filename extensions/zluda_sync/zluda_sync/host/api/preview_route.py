"""``GET /zluda_sync/v1/preview``: the newest preview as a file, for clients of any kind."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from enum import Enum
from typing import Annotated

from fastapi import Header, Query, Response

from zluda_sync.host.preview.previews import Previews

PATH = "/zluda_sync/v1/preview"


class Kind(str, Enum):
    """What the preview is sent as."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"


def build_preview_route(previews: Previews) -> Callable[..., Response]:
    """Return what answers the route."""

    session = secrets.token_hex(4)  # numbers begin anew with each start of the host

    def get_preview(
        kind: Annotated[
            Kind, Query(description="webp: every frame of a video, animated; it comes with the next step")
        ] = Kind.JPEG,
        if_none_match: Annotated[str | None, Header()] = None,
    ) -> Response:
        """Return the newest preview; 204 while there is none, 304 if the client has it already."""
        preview = previews.look(wants_clip=kind is Kind.WEBP)
        if preview is None:
            return Response(status_code=204)
        tag = f'"{session}-{preview.number}-{kind.value}{"-clip" if preview.clip else ""}"'
        headers = {"ETag": tag, "Cache-Control": "no-cache", "X-Preview-Step": str(preview.step)}
        if if_none_match is not None and tag in {known.strip() for known in if_none_match.split(",")}:
            return Response(status_code=304, headers=headers)
        return Response(preview.encode(kind.value), media_type=f"image/{kind.value}", headers=headers)

    return get_preview
