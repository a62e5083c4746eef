"""Exit points: blocks of a model at which a stopped job leaves it, so that the rest is never queued."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch

from zluda_sync.core.wishes.control import Control
from zluda_sync.device.steps.accelerator import Accelerator

#: How deep in a component its lists of blocks lie: ``text_encoder.text_model.encoder.layers``.
_DEPTH_OF_LISTS = 3


def _is_cuda_capturing() -> bool:
    return Accelerator(torch.cuda).is_capturing


class ExitPoints:
    """Hooks before the blocks of a model, which look at one flag.

    Blocks, not leaves: a hook costs a microsecond or two, and a model has thousands of leaves. A component
    that is compiled, traced or scripted gets none, for a hook would become a part of its graph.

    Args:
        control: what the user wants.
        may_leave: whether the calling thread runs the job, and is where leaving is caught; a preview may use
            the same model on another.
        is_capturing: whether the job's device records a graph, which an exception would spoil.
    """

    def __init__(
        self,
        control: Control,
        may_leave: Callable[[], bool],
        is_capturing: Callable[[], bool] = _is_cuda_capturing,
    ) -> None:
        self._control = control
        self._may_leave = may_leave
        self._is_capturing = is_capturing
        self._handles: list[Any] = []
        self._is_closed = False
        # Weak: the host may let a model go to make room for the next one, in the middle of a job.
        self._components: tuple[weakref.ref[torch.nn.Module], ...] = ()

    def install(self, components: Iterable[torch.nn.Module]) -> None:
        """Put hooks on these components and on no others; does nothing where they are there already."""
        if self._is_closed:  # by a settings page, while the job went on
            return
        wanted = tuple(components)
        if len(wanted) == len(self._components) and all(map(_is, wanted, self._components)):
            return
        self.remove()
        self._components = tuple(map(weakref.ref, wanted))
        control, leave = self._control, self._leave

        def look(_module: torch.nn.Module, _args: Any) -> None:
            if control.must_leave:
                leave()

        for component in wanted:
            if not has_graph(component):
                self._handles += [block.register_forward_pre_hook(look) for block in blocks_of(component)]

    def close(self) -> None:
        """Leave every model as it was, for good."""
        self._is_closed = True
        self.remove()

    def remove(self) -> None:
        """Leave every model as it was."""
        for handle in self._handles:
            handle.remove()
        self._handles = []
        self._components = ()

    def _leave(self) -> None:
        if self._may_leave() and not self._is_capturing() and self._control.take_leave():
            raise self._control.leave_signal


def blocks_of(component: torch.nn.Module) -> list[torch.nn.Module]:
    """Return the component itself and the elements of its outermost lists of modules."""
    return [component, *_elements(component, _DEPTH_OF_LISTS)]


def _elements(module: torch.nn.Module, depth: int) -> Iterator[torch.nn.Module]:
    for child in module.children():
        if isinstance(child, torch.nn.ModuleList):
            yield from child.children()  # a list may hold None where a model has no such block
        elif depth > 1:
            yield from _elements(child, depth - 1)


def has_graph(component: torch.nn.Module) -> bool:
    """Whether any part of it runs from a graph that was recorded before."""
    return any(
        isinstance(module, torch.jit.ScriptModule)
        or getattr(module, "_compiled_call_impl", None) is not None
        or "_orig_mod" in module._modules
        for module in component.modules()
    )


def _is(component: object, reference: weakref.ref[torch.nn.Module]) -> bool:
    return component is reference()
