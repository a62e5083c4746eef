"""What stands in the place of one attribute of one object, and is taken out again without harm to others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_ABSENT = object()


def install_replacement(owner: Any, name: str, replacement: Any) -> Callable[[], None]:
    """Put a replacement in an object's own namespace; returns the undo, which puts back what stood there.

    Absence included. Where somebody has put a wrapper of theirs around it meanwhile, or something else in its
    place, that stays: then the replacement lies beneath it, and has to be as good as not there by itself.
    """
    namespace: dict[str, Any] = vars(owner)
    original = namespace.get(name, _ABSENT)
    namespace[name] = replacement

    def put_back() -> None:
        if namespace.get(name, _ABSENT) is not replacement:
            return
        if original is _ABSENT:
            del namespace[name]
        else:
            namespace[name] = original

    return put_back
