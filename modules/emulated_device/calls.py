"""How one call of an operation is told to the device: a plan, told once, and what differs in each call.

What decides the results' shapes is the plan's key: with it everything is found that was worked out before,
and a call costs the host a look-up and a short row of numbers.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import torch

from modules.emulated_process.codec import Slot, encode, name_dtype, to_bytes
from modules.emulated_process.frames import Command

from .memory import Cell, Spec
from .operation import Operation

_MOST_PLANS = 20_000
_plans: dict[tuple[Any, ...], Plan] = {}
_numbers = itertools.count()


class Plan:
    """An operation on arguments of certain shapes.

    Attributes:
        announced: the results' specs, in the shape in which the operation returns them; a tuple of them if
            ``is_single`` is False.
        is_single: whether the result is one tensor.
        definition: what the device has to know.
    """

    __slots__ = ("announced", "definition", "is_single", "number")

    def __init__(
        self, operation: Operation, args: Any, kwargs: Any, announced: Any, is_known: bool = True
    ) -> None:
        self.number = next(_numbers)
        self.announced = announced
        self.is_single = isinstance(announced, Spec)
        specs = flatten(announced) if is_known and not operation.written else []
        slots = _Slots(operation)
        self.definition = (
            int(Command.DEFINE),
            self.number,
            operation.schema_name,
            operation.overload,
            operation.name,
            encode([slots.put(value) for value in args]),
            tuple((name, encode(slots.put(_on_cpu(name, value)))) for name, value in kwargs.items()),
            tuple((spec.shape, spec.stride, encode(spec.dtype)) for spec in specs),
            operation.leaves_uninitialised,
        )


class Call:
    """One call, as its arguments are now: ``key`` finds its plan, ``slots`` fill it.

    Args:
        tensor_class: of the tensors on the device.
    """

    __slots__ = ("key", "operation", "slots", "storage")

    def __init__(self, operation: Operation, args: Any, kwargs: Any, tensor_class: type) -> None:
        self.operation = operation
        self.storage: Any = None  # of the first tensor
        self.key: list[Any] = [operation]
        self.slots: list[Any] = []
        key, slots = self.key, self.slots
        for value in args:
            kind = type(value)
            if kind is tensor_class:
                cell = value.cell
                key.append(value.spec)
                slots.append(cell.handle)
                if self.storage is None:
                    self.storage = cell.storage
            elif value is None:
                key.append(None)
            else:
                self._take(value, kind, tensor_class, listed=False)
        for name, value in kwargs.items():
            key.append(name)
            value = _on_cpu(name, value)  # noqa: PLW2901
            self._take(value, type(value), tensor_class, listed=False)

    def _take(self, value: Any, kind: type, tensor_class: type, listed: bool) -> None:
        key = self.key
        if kind is list or kind is tuple:
            key.append(len(value))
            for element in value:
                self._take(element, type(element), tensor_class, listed=True)
        elif kind is tensor_class:
            key.append(value.spec)
            self.slots.append(value.cell.handle)
            if self.storage is None:
                self.storage = value.cell.storage
        elif kind is float and self.storage is not None and not listed:
            # A float beside a tensor (not one of a list of scales) decides no shape, and changes each step.
            key.append(float)
            self.slots.append(value)
        elif isinstance(value, torch.Tensor):
            if value.dim() > 0 and not self.operation.takes_host_tensors:
                raise RuntimeError(
                    f"{self.operation.name}: expected all tensors to be on the same device, "
                    f"but found emulated and a {tuple(value.shape)} tensor on {value.device}"
                )
            key.append(Spec.of(value))
            # A snapshot: the host may write to its tensor as soon as the call has returned.
            self.slots.append((name_dtype(value.dtype), tuple(value.shape), bytes(to_bytes(value))))
        else:
            key.append(kind)
            key.append(value)

    def find_plan(self, args: Any, kwargs: Any) -> Plan:
        """Return the plan; a first call asks the meta device for the results' shapes.

        Raises:
            RuntimeError: shapes do not fit.
            NotImplementedError: shapes depend on values, in one of torch's words for it.
        """
        key = tuple(self.key)
        plan = _plans.get(key)
        if plan is None:
            if len(_plans) >= _MOST_PLANS:
                _plans.clear()
            announced = map_tensors(Spec.of, self.operation.op(*_to_meta(args), **_to_meta(kwargs)))
            plan = _plans[key] = Plan(self.operation, args, kwargs, announced)
        return plan

    def build_unknown(self, args: Any, kwargs: Any) -> Plan:
        """Return a plan for results of which nothing is known before."""
        key = (*self.key, "unknown")
        plan = _plans.get(key)
        if plan is None:
            plan = _plans[key] = Plan(self.operation, args, kwargs, None, is_known=False)
        return plan


class _Slots:
    """Puts slots where a call differs from the next, in the order in which :class:`Call` fills them."""

    def __init__(self, operation: Operation) -> None:
        self._count = itertools.count()
        self._beside_tensor = False

    def put(self, value: Any, listed: bool = False) -> Any:
        if isinstance(value, (list, tuple)):
            return [self.put(element, listed=True) for element in value]
        if isinstance(getattr(value, "cell", None), Cell):
            self._beside_tensor = True
            return Slot(next(self._count), "handle")
        if isinstance(value, torch.Tensor):
            return Slot(next(self._count), "tensor")
        if type(value) is float and self._beside_tensor and not listed:
            return Slot(next(self._count), "number")
        return value


def map_tensors(fn: Callable[[Any], Any], result: Any) -> Any:
    """Return ``fn`` of every tensor or spec in an operation's result."""
    if isinstance(result, (torch.Tensor, Spec)):
        return fn(result)
    if isinstance(result, (list, tuple)):
        return [map_tensors(fn, element) for element in result]
    return result


def flatten(announced: Any) -> list[Spec]:
    """Return the specs of a result in order."""
    if isinstance(announced, Spec):
        return [announced]
    return [spec for element in announced or () for spec in flatten(element)]


def _on_cpu(name: str, value: Any) -> Any:
    return "cpu" if name == "device" else value


def _to_meta(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return Spec.of(value).empty("meta")
    if isinstance(value, (list, tuple)):
        return [_to_meta(element) for element in value]
    if isinstance(value, dict):
        return {name: "meta" if name == "device" else _to_meta(element) for name, element in value.items()}
    return None if isinstance(value, torch.Generator) else value
