"""``POST /zluda_sync/v1/stop``: Stop, now or after the image that is made now."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import Enum
from typing import Annotated, Any

from fastapi import HTTPException
from pydantic import BaseModel, BeforeValidator, Field

PATH = "/zluda_sync/v1/stop"


def _quotable(body: Any) -> Any:
    """Return the body, or a word in its place that is refused as well and can be quoted.

    FastAPI quotes what it refuses, and fails with 500 on NaN, lone surrogates and bytes that are no text.
    """
    try:
        json.dumps(body, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError):
        return "unreadable"
    return body


class When(str, Enum):
    """When to stop."""

    NOW = "now"
    AFTER_IMAGE = "after-image"


class StopOrder(BaseModel):
    """What is asked for."""

    when: When = Field(
        default=When.NOW,
        description="now: as the host's own Stop. after-image: when the image that is made now is whole; "
        "in a script that makes one picture out of many jobs, when its present job is.",
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

    def post_stop(order: Annotated[StopOrder | None, BeforeValidator(_quotable)] = None) -> Any:
        """End what runs, now or after the image that is made now.

        Raises:
            HTTPException: 409, nothing runs that the extension follows.
        """
        when = order.when if order is not None else When.NOW
        if not stop(when is When.AFTER_IMAGE):
            raise HTTPException(
                409,
                "nothing to stop: no job runs, or the extension does not act; "
                "the host's own route is /sdapi/v1/interrupt",
            )
        return StopAnswer(when=when, label=find_label())

    return post_stop
