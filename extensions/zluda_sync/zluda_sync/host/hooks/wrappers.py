"""Whether a wrapper of somebody else's still calls what it has replaced."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

#: How many wrappers one around the other are looked through, with what each keeps the next one in.
_MOST_DEPTH = 8


def leads_to(wrapper: Any, target: Any) -> bool:
    """Whether a wrapper can be seen to hold what it is to call.

    Looks at what wrappers are made of: closures, partials, properties, fields of a descriptor, and the
    globals that its own code names, as where a module keeps the original. One that keeps it elsewhere is not
    seen through: the answer is no.
    """
    seen: set[int] = set()
    level = [wrapper]
    for _ in range(_MOST_DEPTH):
        if any(one is target for one in level):
            return True
        seen.update(id(one) for one in level)
        level = [part for one in level for part in _parts(one) if id(part) not in seen]
    return False


def _parts(one: Any) -> Iterator[Any]:
    if isinstance(one, FunctionType):
        yield from _held_by_function(one)
    elif isinstance(one, MethodType):
        yield from (one.__func__, one.__self__)
    elif isinstance(one, functools.partial):
        yield from (one.func, *one.args, *one.keywords.values())
    elif isinstance(one, property):
        yield from (one.fget, one.fset)
    elif isinstance(one, (staticmethod, classmethod)):
        yield one.__func__
    elif _is_made_for_wrapping(one):
        yield from vars(one).values()


def _is_made_for_wrapping(one: Any) -> bool:
    """Whether this is an object that is called, or stands for a field, in the place of another."""
    if isinstance(one, (type, ModuleType)) or not hasattr(one, "__dict__"):
        return False
    return any("__call__" in vars(kind) or "__get__" in vars(kind) for kind in type(one).__mro__)


def _held_by_function(function: FunctionType) -> Iterator[Any]:
    for cell in function.__closure__ or ():
        with contextlib.suppress(ValueError):  # not filled yet
            yield cell.cell_contents
    yield from function.__defaults__ or ()
    yield from (function.__kwdefaults__ or {}).values()
    if "__wrapped__" in vars(function):
        yield vars(function)["__wrapped__"]
    code: CodeType = function.__code__
    for name in code.co_names:
        held = function.__globals__.get(name)
        if isinstance(held, (type, ModuleType)):
            # What its own code asks of it, and no more: a module leads everywhere.
            yield from (vars(held)[part] for part in code.co_names if part in vars(held))
        elif held is not None:
            yield held
