"""What schedulers are given and give while a loop lasts: each step is noted, and nothing else is changed."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any

from zluda_sync.pipeline.replacement import install_replacement

#: Where a class of ours keeps what it notes in.
_NEWEST = "_zluda_sync_newest"


def is_scheduler(value: Any) -> bool:
    """Whether something makes the steps of a loop; optimizers have steps too, and no timesteps."""
    kind = type(value)
    is_like_one = isinstance(getattr(kind, "step", None), FunctionType) and "timesteps" in _namespace_of(
        value
    )
    return hasattr(kind, "set_timesteps") or is_like_one


class NewestStep:
    """What the newest call of a scheduler was given and gave."""

    __slots__ = ("_told", "is_on")

    def __init__(self) -> None:
        self.is_on = True
        self._told: tuple[Any, Any, Any] | None = None

    def note(self, scheduler: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        """A scheduler has made a step; all of them are given the model's output first."""
        if self.is_on:
            self._told = scheduler, args[0] if args else kwargs.get("model_output"), output

    def take(self) -> tuple[Any, Any, Any] | None:
        told, self._told = self._told, None
        return told

    def close(self) -> None:
        self.is_on = False
        self._told = None


def install_notes(scheduler: Any, newest: NewestStep) -> Callable[[], None]:
    """Have the steps of a scheduler be noted; returns the undo.

    For as long it is of a class of its own, like its own and under the same name. Its attributes are none of
    ours: pipelines copy them in the middle of a loop, and a copy of it is of its own class.
    """
    wrapped = _namespace_of(scheduler).get("step")
    if wrapped is not None:  # somebody has replaced that of this one object
        ours = _noting(wrapped, newest, scheduler)
        return install_replacement(scheduler, "step", ours)
    kind = type(scheduler)
    hooked = _build_hooked_class(kind, newest)
    try:
        object.__setattr__(scheduler, "__class__", hooked)
    except TypeError:  # it is not made of Python alone
        return lambda: None
    return functools.partial(_give_back_class, scheduler, hooked, kind)


def _give_back_class(scheduler: Any, hooked: type, kind: Any) -> None:
    if type(scheduler) is not hooked:
        return  # somebody has done the same on top of it, and it passes through
    while (newest := vars(kind).get(_NEWEST)) is not None and not newest.is_on:
        kind = kind.__base__  # of a loop that was over before this one within it
    object.__setattr__(scheduler, "__class__", kind)


def _build_hooked_class(kind: Any, newest: NewestStep) -> type:
    """Return a class like ``kind``, under the same name, of which a copy in mid-loop is none."""
    steps = {
        name: _noting(step, newest)
        for name in dir(kind)
        if name.startswith("step") and isinstance(step := inspect.getattr_static(kind, name), FunctionType)
    }

    def reduce(self: Any, protocol: Any) -> Any:
        reduced: Any = kind.__reduce_ex__(self, protocol)
        if isinstance(reduced, str):
            return reduced
        made, arguments, *rest = reduced
        return made, tuple(kind if one is hooked else one for one in arguments), *rest

    members = {**steps, "__reduce_ex__": reduce, "__slots__": (), _NEWEST: newest}
    hooked = type(kind.__name__, (kind,), members)
    hooked.__module__, hooked.__qualname__ = kind.__module__, kind.__qualname__
    hooked.__doc__ = kind.__doc__
    return hooked


def _noting(own: Any, newest: NewestStep, scheduler: Any = None) -> Any:
    """Return a step that is noted; ``scheduler`` is whose it is where it is not told by the call."""
    if scheduler is not None:

        @functools.wraps(own)
        def bound_step(*args: Any, **kwargs: Any) -> Any:
            output = own(*args, **kwargs)
            newest.note(scheduler, args, kwargs, output)
            return output

        return bound_step

    @functools.wraps(own)  # pipelines look at its signature
    def step(self: Any, *args: Any, **kwargs: Any) -> Any:
        output = own(self, *args, **kwargs)
        newest.note(self, args, kwargs, output)
        return output

    return step


def _namespace_of(value: Any) -> dict[str, Any]:
    namespace: dict[str, Any] = getattr(value, "__dict__", {})
    return namespace
