"""The job that runs, for clients of any kind: its newest preview as a file, and Stop."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any

from fastapi import Body, Header, HTTPException, Query, Response

from zluda_sync.core.answers import described
from zluda_sync.core.settings.fields import shorten
from zluda_sync.core.settings.settings import SettingProblem
from zluda_sync.host.api.access import OWN_PAGE_ONLY
from zluda_sync.host.api.json_bodies import build_answer, read_fields, refuse
from zluda_sync.host.preview.previews import Previews

PREVIEW_PATH = "/zluda_sync/v1/preview"
STOP_PATH = "/zluda_sync/v1/stop"


class PreviewFormat(str, Enum):
    """What the preview is sent as."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"


class StopTime(str, Enum):
    """When to stop."""

    NOW = "now"
    AFTER_IMAGE = "after-image"


@dataclass(frozen=True, kw_only=True)
class StopAnswer:
    """What was done."""

    when: StopTime
    label: str | None = described("what the host is busy with, as its page shows it")


_FORMAT = Query(description="webp: every frame of a video, animated; it comes with the next step")
_STOP_BODY = Body(
    description='{"when": "now"}: as the host\'s own Stop, also without a body. {"when": "after-image"}: '
    "when the image that is made now is whole; in a script that makes one picture out of many jobs, when "
    "its present job is.",
)


class PreviewRoute:
    """Answers ``GET /zluda_sync/v1/preview``.

    Args:
        previews: of the session.
    """

    def __init__(self, previews: Previews) -> None:
        self._previews = previews
        self._session = secrets.token_hex(4)  # numbers begin anew with each start of the host

    def get_preview(
        self,
        kind: Annotated[PreviewFormat, _FORMAT] = PreviewFormat.JPEG,
        if_none_match: Annotated[str | None, Header()] = None,
    ) -> Response:
        """Return the newest preview; 204 while there is none, 304 if the client has it already."""
        preview = self._previews.look(wants_clip=kind is PreviewFormat.WEBP)
        if preview is None:
            return Response(status_code=204)
        tag = f'"{self._session}-{preview.number}-{kind.value}{"-clip" if preview.clip else ""}"'
        headers = {"ETag": tag, "Cache-Control": "no-cache", "X-Preview-Step": str(preview.step)}
        if if_none_match is not None and tag in {known.strip() for known in if_none_match.split(",")}:
            return Response(status_code=304, headers=headers)
        return Response(preview.encode(kind.value), media_type=f"image/{kind.value}", headers=headers)


class StopRoute:
    """Answers ``POST /zluda_sync/v1/stop``.

    Args:
        stop: ends what runs, after the image if True; False if nothing runs that can be ended.
        tell_label: gives the label of the job that runs to who has stopped it, None if none does.
    """

    def __init__(self, stop: Callable[[bool], bool], tell_label: Callable[[], str | None]) -> None:
        self._stop = stop
        self._tell_label = tell_label

    def post_stop(self, body: Annotated[Any, _STOP_BODY] = None, _own: None = OWN_PAGE_ONLY) -> Response:
        """End what runs, now or after the image that is made now.

        Raises:
            HTTPException: 403, another site asks; 409, nothing runs that the extension follows; 422, the body
                cannot be used.
        """
        wanted = read_fields(body, ("when",)).get("when", StopTime.NOW.value)
        try:
            when = StopTime(wanted)
        except ValueError:
            must = f"is {shorten(wanted)}, must be one of {', '.join(one.value for one in StopTime)}"
            raise refuse([SettingProblem.at("when", must, "Send one of these.")]) from None
        if not self._stop(when is StopTime.AFTER_IMAGE):
            raise HTTPException(
                409,
                "nothing to stop: no job runs, or the extension does not act; "
                "the host's own route is /sdapi/v1/interrupt",
            )
        return build_answer(StopAnswer(when=when, label=self._tell_label()))
