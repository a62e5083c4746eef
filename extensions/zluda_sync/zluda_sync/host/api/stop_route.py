"""``POST /zluda_sync/v1/stop``: Stop, now or after the image that is made now."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Annotated, Any

from fastapi import Body, HTTPException
from pydantic import BaseModel, Field

from zluda_sync.core.settings.fields import shorten
from zluda_sync.core.settings.settings import SettingProblem
from zluda_sync.host.api.json_body import read_fields, refused
from zluda_sync.host.api.request_origin import OWN_PAGE_ONLY

PATH = "/zluda_sync/v1/stop"


class When(str, Enum):
    """When to stop."""

    NOW = "now"
    AFTER_IMAGE = "after-image"


_BODY = Body(
    description='{"when": "now"}: as the host\'s own Stop, also without a body. {"when": "after-image"}: '
    "when the image that is made now is whole; in a script that makes one picture out of many jobs, when "
    "its present job is.",
)


class StopAnswer(BaseModel):
    """What was done."""

    when: When
    label: str | None = Field(description="what the host is busy with, as its page shows it")


def build_stop_route(
    stop: Callable[[bool], bool], find_label: Callable[[], str | None]
) -> Callable[..., StopAnswer]:
    """Return what answers the route.

    Args:
        stop: ends what runs, after the image if True; False if nothing runs that can be ended.
        find_label: gives the label of the job that runs, None if none does.
    """

    def post_stop(body: Annotated[Any, _BODY] = None, _own: None = OWN_PAGE_ONLY) -> Any:
        """End what runs, now or after the image that is made now.

        Raises:
            HTTPException: 403, another site asks; 409, nothing runs that the extension follows; 422, the body
                cannot be used.
        """
        wanted = read_fields(body, ("when",)).get("when", When.NOW.value)
        try:
            when = When(wanted)
        except ValueError:
            must = f"is {shorten(wanted)}, must be one of {', '.join(one.value for one in When)}"
            raise refused([SettingProblem.at("when", must, "Send one of these.")]) from None
        if not stop(when is When.AFTER_IMAGE):
            raise HTTPException(
                409,
                "nothing to stop: no job runs, or the extension does not act; "
                "the host's own route is /sdapi/v1/interrupt",
            )
        return StopAnswer(when=when, label=find_label())

    return post_stop
