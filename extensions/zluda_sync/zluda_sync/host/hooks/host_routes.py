"""Which routes of the server are the host's own: other extensions have paths that end alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any


def find_host_routes(routes: Iterable[Any], paths: Sequence[str]) -> list[tuple[str, Any]]:
    """Return the host's routes of these paths, each with its path as named here.

    The host serves an endpoint under its path, and once more below its subpath if it has one. What merely
    ends so and runs something else belongs to somebody else. A host that serves a path below its subpath only
    is taken by that ending.
    """
    known = list(routes)
    served = [(path, route) for path in paths for route in known if _path_of(route).endswith(path)]
    # Of two under one path the server takes the first.
    own = {path: _endpoint_of(route) for path, route in reversed(served) if _path_of(route) == path}
    return [pair for pair in served if own.get(pair[0], _endpoint_of(pair[1])) == _endpoint_of(pair[1])]


def _path_of(route: Any) -> str:
    return str(getattr(route, "path", ""))


def _endpoint_of(route: Any) -> Any:
    return getattr(route, "endpoint", None)
