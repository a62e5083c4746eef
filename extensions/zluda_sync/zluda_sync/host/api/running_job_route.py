"""The job that runs, for clients of any kind: its newest preview as a file, and Stop."""

from __future__ import annotations

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
from zluda_sync.host.job.queue import Found
from zluda_sync.host.preview.previews import MOST_TOLD, Previews

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
    label: str | None = described("what the host is busy with, as its page shows it; null for one that waits")
    was: Found | None = described("running or queued, for a request that was named")


_FORMAT = Query(description="webp: every frame of a video, animated; it comes with the next step")
_ID = Query(description="of a preview that status or an event has told; the newest without it")
_STOP_BODY = Body(
    description='{"when": "now"}: as the host\'s own Stop, also without a body. {"when": "after-image"}: '
    "when the image that is made now is whole; in a script that makes one picture out of many jobs, when "
    'its present job is. {"id": "…"}: that request and no other, whether it runs or waits.',
)


class PreviewRoute:
    """Answers ``GET /zluda_sync/v1/preview``.

    Args:
        previews: of the session.
    """

    def __init__(self, previews: Previews) -> None:
        self._previews = previews

    def get_preview(
        self,
        kind: Annotated[PreviewFormat, _FORMAT] = PreviewFormat.JPEG,
        id: Annotated[str | None, _ID] = None,  # noqa: A002
        if_none_match: Annotated[str | None, Header()] = None,
    ) -> Response:
        """Return the newest preview, or the one of an id that the status has told.

        204 while there is none, 304 if the client has it already.

        Raises:
            HTTPException: 404, there never was one of this id; 410, it is kept no more.
        """
        wants_clip = kind is PreviewFormat.WEBP
        if id is None:
            preview = self._previews.look(wants_clip)
        else:
            preview = self._previews.find(id, wants_clip)
            if preview is None and self._previews.was_told(id):
                raise HTTPException(
                    410, f"this preview is gone: the last {MOST_TOLD} of the job that runs are kept"
                )
            if preview is None:
                raise HTTPException(404, "there is no preview of this id; GET status tells the newest")
        if preview is None:
            return Response(status_code=204)
        tag = f'"{self._previews.id_of(preview.number)}-{kind.value}{"-clip" if preview.clip else ""}"'
        headers = {"ETag": tag, "Cache-Control": "no-cache", "X-Preview-Step": str(preview.step)}
        if if_none_match is not None and tag in {known.strip() for known in if_none_match.split(",")}:
            return Response(status_code=304, headers=headers)
        return Response(preview.encode(kind.value), media_type=f"image/{kind.value}", headers=headers)


class StopRoute:
    """Answers ``POST /zluda_sync/v1/stop``.

    Args:
        stop: ends what runs, after the image if True; False if nothing runs that can be ended.
        stop_by_name: ends the request of this name alone, after the image if True; None if the extension
            does not act.
        tell_label: gives the label of the job that runs to who has stopped it, None if none does.
    """

    def __init__(
        self,
        stop: Callable[[bool], bool],
        stop_by_name: Callable[[str, bool], Found | None],
        tell_label: Callable[[], str | None],
    ) -> None:
        self._stop = stop
        self._stop_by_name = stop_by_name
        self._tell_label = tell_label

    def post_stop(self, body: Annotated[Any, _STOP_BODY] = None, _own: None = OWN_PAGE_ONLY) -> Response:
        """End what runs, or the request that is named; now, or after the image that is made now.

        Raises:
            HTTPException: 403, another site asks; 404, nothing has this name; 409, nothing runs that the
                extension follows, or what was named is over; 422, the body cannot be used.
        """
        fields = read_fields(body, ("when", "id"))
        wanted = fields.get("when", StopTime.NOW.value)
        try:
            when = StopTime(wanted)
        except ValueError:
            must = f"is {shorten(wanted)}, must be one of {', '.join(one.value for one in StopTime)}"
            raise refuse([SettingProblem.at("when", must, "Send one of these.")]) from None
        was = self._stop_named(fields["id"], when) if "id" in fields else None
        if was is None and not self._stop(when is StopTime.AFTER_IMAGE):
            raise HTTPException(409, _NOTHING_TO_STOP)
        label = None if was is Found.QUEUED else self._tell_label()
        return build_answer(StopAnswer(when=when, label=label, was=was))

    def _stop_named(self, name: Any, when: StopTime) -> Found:
        if not isinstance(name, str) or not 0 < len(name) <= MOST_NAME:
            must = f"is {shorten(name)}, must be a text of 1 to {MOST_NAME} characters"
            raise refuse([SettingProblem.at("id", must, "Send an id that GET status tells.")])
        found = self._stop_by_name(name, when is StopTime.AFTER_IMAGE)
        if found is None:
            raise HTTPException(409, _NOTHING_TO_STOP)
        if found in _REFUSALS:
            raise HTTPException(*_REFUSALS[found])
        return found


#: What a request may be called.
MOST_NAME = 200
_NOTHING_TO_STOP = (
    "nothing to stop: no job runs, or the extension does not act; the host's own route is /sdapi/v1/interrupt"
)
_UNKNOWN = (
    "no request of this id runs or waits, and none did of late; nothing was stopped. GET status tells "
    "the ids of the job that runs and of those that wait"
)
_REFUSALS = {
    Found.UNKNOWN: (404, _UNKNOWN),
    Found.OVER: (409, "this request is over already; nothing was stopped"),
    Found.AMBIGUOUS: (
        409,
        "several requests are called that; nothing was stopped. GET status tells an id for each of them",
    ),
}
