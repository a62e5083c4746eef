"""The host's API routes that make pictures: a call is known from its arrival, though it waits in line.

Wraps what the server runs for a route, around everything that the host does for a call.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextlib import ExitStack
from typing import Any

from zluda_sync.core.guard import Guard
from zluda_sync.host.hooks.host_routes import find_host_routes
from zluda_sync.host.hooks.patch_table import Patch, Switch
from zluda_sync.host.job.arrivals import Arrivals

PATHS = ("/sdapi/v1/txt2img", "/sdapi/v1/img2img", "/sdapi/v1/control")
#: By which a caller may name its request.
NAME_HEADER = b"x-request-id"
_NAME = re.compile(rb"[\x21-\x7e]{1,100}")

_App = Callable[[MutableMapping[str, Any], Any, Any], Awaitable[None]]


class ArrivalRoutes:
    """Builds the patches of these routes.

    Args:
        arrivals: told of each call.
        guard: keeps errors of ours from the host.
    """

    def __init__(self, arrivals: Arrivals, guard: Guard) -> None:
        self._arrivals = arrivals
        self._guard = guard

    def patches(self, routes: Iterable[Any]) -> list[Patch]:
        """Return one patch for each of the routes, below a subpath too."""
        found = [route for _, route in find_host_routes(routes, PATHS) if hasattr(route, "dependant")]
        return [Patch(route, "app", self._wrap, "know the calls that wait in line") for route in found]

    def _wrap(self, original: _App, switch: Switch) -> _App:
        async def answer(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
            with ExitStack() as around:
                if switch.is_on:
                    with self._guard.watching("noting a call of the API"):
                        around.enter_context(self._arrivals.answering(name_of(scope)))
                await original(scope, receive, send)

        return answer


def name_of(scope: MutableMapping[str, Any]) -> str:
    """Return what the caller calls its request, empty if it does not say or if that is no name."""
    given = next((value for key, value in scope.get("headers", ()) if key.lower() == NAME_HEADER), b"")
    return given.decode("ascii") if _NAME.fullmatch(given) else ""
