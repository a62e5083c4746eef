"""Hooks on one pipeline object: its calls, callbacks and bar, the blocks of its loop. No class is changed."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import torch

from zluda_sync.pipeline.replacement import install_replacement
from zluda_sync.pipeline.ways import Way, find_inner_pipelines, find_loop_blocks, find_way

#: Where a class of ours has who is told, None once that is over.
_LISTENER = "_zluda_sync_listener"
_TENSORS = "callback_on_step_end_tensor_inputs"


class CallListener(Protocol):
    """What follows the calls of a pipeline. Nothing of it lets an error of ours out."""

    def call(self, pipe: Any, run: Callable[[], Any], arguments: dict[str, Any]) -> Any:
        """Run a call by ``run``, and return what that returns.

        Args:
            pipe: that is called.
            run: makes the call.
            arguments: of the call by name, defaults included.
        """

    def pass_step(self, index: int | None, total: int | None, latents: Any, scheduler: Any) -> None:
        """A step was queued; the arguments are those of :meth:`PipelineRun.pass_step`."""

    def leave_if_wanted(self) -> None:
        """Leave the call if the user has asked for an end of it."""

    def wrap_bar(self, pipe: Any, build: Callable[[], Any]) -> Any:
        """Return the bar of a denoising loop; ``build`` makes the pipeline's own."""


@contextmanager
def hooked(pipe: Any, listener: CallListener) -> Iterator[None]:
    """A context in which a pipeline, and those that it runs by itself, tell a listener what they do.

    Raises:
        TypeError: it is no object of a class of Python, or is hooked already.
    """
    undo: list[Callable[[], None]] = []
    try:
        for one in (pipe, *find_inner_pipelines(pipe)):
            _hook(one, listener, undo)
        yield
    finally:
        for action in reversed(undo):
            action()


class StepEnd:
    """The step-end callback that a hooked pipeline gets; the user's own runs after it, unchanged.

    Args:
        listener: told of the step.
        own: the user's callback, None without one.
        wanted: names of the tensors that the user's callback asked for.
    """

    def __init__(self, listener: CallListener, own: Any, wanted: tuple[str, ...]) -> None:
        self._listener = listener
        self._own = own
        self._wanted = wanted

    def __call__(self, pipe: Any, step: int, timestep: Any, tensors: dict[str, Any]) -> Any:
        """Tell of the step, then call the user back with what they asked for."""
        total = getattr(pipe, "num_timesteps", None) or None
        self._listener.pass_step(step, total, tensors.get("latents"), getattr(pipe, "scheduler", None))
        given = tensors
        if self._own is not None:
            given = self._own(pipe, step, timestep, {name: tensors[name] for name in self._wanted})
        self._listener.leave_if_wanted()
        return given


class LegacyCallback:
    """The legacy callback that a hooked pipeline gets, at every step; the user's own as often as they asked.

    Args:
        listener: told of the step.
        own: the user's callback, None without one.
        every: after how many steps that is called.
    """

    def __init__(self, listener: CallListener, own: Any, every: int) -> None:
        self._listener = listener
        self._own = own
        self._every = every

    def __call__(self, step: int, timestep: Any, latents: Any) -> None:
        """Tell of the step, then call the user back if it is their turn."""
        self._listener.pass_step(step, None, latents, None)
        if self._own is not None and step % self._every == 0:
            self._own(step, timestep, latents)
        self._listener.leave_if_wanted()


def _hook(pipe: Any, listener: CallListener, undo: list[Callable[[], None]]) -> None:
    kind = type(pipe)
    if getattr(kind, _LISTENER, None) is not None:
        raise TypeError(f"this {kind.__name__} is tracked already: end that block first")
    if not callable(pipe):
        raise TypeError(f"a {kind.__name__} cannot be tracked: it cannot be called")
    try:
        hooked_class = _build_hooked_class(kind, listener)
        object.__setattr__(pipe, "__class__", hooked_class)
    except (TypeError, ValueError) as error:  # the latter where a signature is not known
        raise TypeError(f"a {kind.__name__} cannot be tracked: {error}") from error
    undo.append(functools.partial(_give_back_class, pipe, hooked_class, kind))
    for block in find_loop_blocks(pipe):
        _hook_loop(block, listener, undo)


def _give_back_class(pipe: Any, hooked_class: Any, kind: type) -> None:
    setattr(hooked_class, _LISTENER, None)
    if type(pipe) is hooked_class:  # else somebody has made a class of theirs of it, and it passes through
        object.__setattr__(pipe, "__class__", kind)


def _build_hooked_class(kind: type, listener: CallListener) -> type:
    """Return a class like ``kind``, under the same name: only the one object is changed by it."""
    own_call: Any = kind.__call__
    signature, way = inspect.signature(own_call), find_way(kind)

    @functools.wraps(own_call)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if getattr(hooked_class, _LISTENER) is None:
            return own_call(self, *args, **kwargs)
        try:
            bound = signature.bind(self, *args, **kwargs)
            arguments = _name_all(bound)
            _add_callbacks(self, bound, way, listener)
        except TypeError:
            return own_call(self, *args, **kwargs)  # which says what is wrong with the call
        run = functools.partial(own_call, *bound.args, **bound.kwargs)
        return listener.call(self, run, arguments)

    # No slots: an object without a namespace gets none by this.
    members: dict[str, Any] = {"__call__": call, _LISTENER: listener, "__slots__": ()}
    own_bar: Any = getattr(kind, "progress_bar", None)
    if own_bar is not None:

        @functools.wraps(own_bar)
        def progress_bar(self: Any, *args: Any, **kwargs: Any) -> Any:
            build = functools.partial(own_bar, self, *args, **kwargs)
            return build() if getattr(hooked_class, _LISTENER) is None else listener.wrap_bar(self, build)

        members["progress_bar"] = progress_bar
    hooked_class = type(kind.__name__, (kind,), members)
    hooked_class.__module__, hooked_class.__qualname__ = kind.__module__, kind.__qualname__
    hooked_class.__doc__ = kind.__doc__
    return hooked_class


def _name_all(bound: inspect.BoundArguments) -> dict[str, Any]:
    """Return the arguments of a call by name, defaults included, and those that are taken as they come."""
    filled = inspect.BoundArguments(bound.signature, bound.arguments.copy())
    filled.apply_defaults()
    named = dict(filled.arguments)
    for name, parameter in bound.signature.parameters.items():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            named |= named.pop(name, {})
    return named


def _add_callbacks(pipe: Any, bound: inspect.BoundArguments, way: Way, listener: CallListener) -> None:
    """Put our callback in the place of the user's, in whichever form the pipeline takes one."""
    given, known = bound.arguments, bound.signature.parameters
    own = given.get("callback_on_step_end")
    if way is Way.STEP_END and not isinstance(own, StepEnd):
        asked = given.get(_TENSORS, getattr(known.get(_TENSORS), "default", None))
        wanted = tuple((own.tensor_inputs if own is not None and _tells_its_tensors(own) else asked) or ())
        given["callback_on_step_end"] = StepEnd(listener, own, wanted)
        if _TENSORS in known:
            may_tell = "latents" in getattr(pipe, "_callback_tensor_inputs", ())
            ours = ("latents",) if may_tell and "latents" not in wanted else ()
            given[_TENSORS] = [*wanted, *ours]
    elif way is Way.LEGACY:
        own = given.get("callback")
        every = given.get("callback_steps", known["callback_steps"].default)
        every = 1 if every is None and "callback_steps" not in given else every
        # A pipeline says itself what is wrong with a number. Of a sampler that evaluates twice, the callback
        # does not learn which of its steps are due: then the bar alone tells of them.
        is_due_known = every == 1 or getattr(getattr(pipe, "scheduler", None), "order", 1) == 1
        is_number = isinstance(every, int) and every > 0
        if is_number and not isinstance(own, LegacyCallback) and (own is None or is_due_known):
            given["callback"], given["callback_steps"] = LegacyCallback(listener, own, every), 1


def _tells_its_tensors(own: Any) -> bool:
    """Whether a callback is of diffusers' own kind, which says by itself what it wants to be given."""
    callbacks = sys.modules.get("diffusers.callbacks")  # whoever has made one has loaded it
    kinds = ("PipelineCallback", "MultiPipelineCallbacks")
    return callbacks is not None and isinstance(own, tuple(getattr(callbacks, kind) for kind in kinds))


def _hook_loop(block: Any, listener: CallListener, undo: list[Callable[[], None]]) -> None:
    """Hook the loop of a modular pipeline: its bar, and what it does in each step."""
    own_step, own_bar = block.loop_step, block.progress_bar

    @functools.wraps(own_step)
    def loop_step(components: Any, state: Any, *args: Any, **kwargs: Any) -> Any:
        result = own_step(components, state, *args, **kwargs)
        newest = getattr(result[-1] if isinstance(result, tuple) else state, "latents", None)
        latents = newest if isinstance(newest, torch.Tensor) else None
        listener.pass_step(kwargs.get("i"), None, latents, getattr(components, "scheduler", None))
        listener.leave_if_wanted()
        return result

    @functools.wraps(own_bar)
    def progress_bar(*args: Any, **kwargs: Any) -> Any:
        return listener.wrap_bar(block, functools.partial(own_bar, *args, **kwargs))

    undo.append(install_replacement(block, "loop_step", loop_step))
    undo.append(install_replacement(block, "progress_bar", progress_bar))
