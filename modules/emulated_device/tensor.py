"""Tensors on the emulated device, and how an operation on them becomes an item on its queue.

The host learns shapes at once, from the meta device; they are cached, so the second pass over a
network is cheap. The operation itself runs later, on the CPU, on the queue's worker. A read is a
copy to the host: queued behind everything else and waited for, as on a CUDA stream.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch._subclasses.fake_tensor import DataDependentOutputException, DynamicOutputShapeException

from .memory import Cell, Spec, fill_poison
from .operation import Operation, analyse
from .queue import QUEUE, DeviceFault

DEVICE_TYPE = "emulated"
_SHAPE_DEPENDS_ON_VALUES = (NotImplementedError, DataDependentOutputException, DynamicOutputShapeException)
_announced: dict[tuple[Any, ...], Any] = {}
_ANNOUNCED_MAX = 20_000


class EmulatedTensor(torch.Tensor):
    """A tensor whose shape is known at once and whose value comes when the device gets there."""

    __slots__ = ("cell", "spec")
    __torch_function__ = torch._C._disabled_torch_function_impl
    cell: Cell
    spec: Spec

    @staticmethod
    def __new__(cls, spec: Spec, cell: Cell) -> EmulatedTensor:
        tensor = torch.Tensor._make_wrapper_subclass(
            cls, spec.shape, strides=spec.stride, dtype=spec.dtype, device=torch.device(DEVICE_TYPE, 0)
        )
        tensor.cell = cell
        tensor.spec = spec
        return tensor

    @classmethod
    def __torch_dispatch__(cls, op: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return launch(op, *args, **(kwargs or {}))

    def tolist(self) -> Any:
        return self.cpu().tolist()

    def numpy(self, *, force: bool = False) -> Any:
        """As on CUDA, only ``force=True`` copies to the host."""
        if not force:
            raise TypeError(f"can't convert {self.device} tensor to numpy. Use Tensor.cpu() first.")
        return self.detach().cpu().numpy()

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        return f"{self.detach().cpu()!r} on {self.device}"


def peek(tensor: torch.Tensor) -> torch.Tensor:
    """What device memory holds at this moment, without any wait: poison where nothing was computed yet."""
    assert isinstance(tensor, EmulatedTensor)
    value = tensor.cell.value
    return fill_poison(tensor.spec.empty("cpu")) if value is None else value.clone()


def launch(op: Any, *args: Any, **kwargs: Any) -> Any:
    """Queue ``op`` and return its results, whose values come later. Only reads wait.

    Raises:
        RuntimeError: shapes or devices do not fit (at once); a read finds that earlier work failed.
        NotImplementedError: the operation would give a tensor other memory in place.
    """
    operation = analyse(op)
    if operation.is_conversion:
        return op.decompose(*args, **kwargs)
    if operation.changes_storage:
        raise NotImplementedError(f"{operation.name}: the emulated device cannot change a tensor's memory")
    if operation.changes_metadata:
        return _change_metadata(operation, args, kwargs)
    if operation.is_copy and not isinstance(args[0], EmulatedTensor):
        non_blocking = args[2] if len(args) > 2 else kwargs.get("non_blocking", False)
        return _copy_to_host(args[1].cell.read, args[0], operation.name, non_blocking)
    device = torch.device(kwargs.get("device") or DEVICE_TYPE).type
    if device == "meta":
        return op(*_to_meta(args), **_to_meta(kwargs))
    if operation.is_draw:
        return _draw(operation, args, kwargs)
    call = _Call(operation, args, kwargs)
    if not operation.returns_tensors and not operation.returns_nothing:
        return call.run_and_wait()
    try:
        announced = _announce(call, args, kwargs)
    except _SHAPE_DEPENDS_ON_VALUES:
        return call.run_and_wait()
    if device != DEVICE_TYPE:
        target = fill_poison(announced.empty("cpu"))
        return _copy_to_host(call.compute, target, operation.name, kwargs.get("non_blocking", False))
    if operation.written or operation.returns_nothing:
        QUEUE.enqueue(call, operation.name)
        return operation.pick_written(args, kwargs) if operation.written else None
    result = _map(call.add_result, announced)
    QUEUE.enqueue(call, operation.name)
    return result


class _Call:
    """One operation with its arguments as they were when it was queued; called by the worker."""

    __slots__ = ("args", "beside_tensor", "key", "kwargs", "operation", "results")

    def __init__(self, operation: Operation, args: Any, kwargs: Any) -> None:
        self.operation = operation
        self.results: list[tuple[Cell, Spec]] = []
        self.key: list[Any] = [operation]  # what decides the results' shapes
        self.beside_tensor = False
        self.args = [self._take(value) for value in args]
        self.kwargs = {}
        for name, value in kwargs.items():
            self.key.append(name)
            self.kwargs[name] = self._take("cpu" if name == "device" else value)

    def _take(self, value: Any, listed: bool = False) -> Any:
        kind = type(value)
        if kind is EmulatedTensor:
            self.beside_tensor = True
            self.key.append(value.spec)
            return value.cell
        if kind is list or kind is tuple:
            self.key.append(len(value))
            return [self._take(element, listed=True) for element in value]
        if isinstance(value, torch.Tensor):
            if value.dim() > 0 and not self.operation.takes_host_tensors:
                raise RuntimeError(
                    f"{self.operation.name}: expected all tensors to be on the same device, "
                    f"but found {DEVICE_TYPE} and a {tuple(value.shape)} tensor on {value.device}"
                )
            self.key.append(Spec.of(value))
            # A snapshot: the host may write to its tensor as soon as the call has returned.
            return value.detach().clone()
        # A float beside a tensor (not one of a list of scales) decides no shape, and changes at every step.
        decides = kind is not float or listed or not self.beside_tensor
        self.key.append((kind, value if decides else None))
        return value

    def add_result(self, spec: Spec) -> EmulatedTensor:
        cell = Cell()
        self.results.append((cell, spec))
        return EmulatedTensor(spec, cell)

    def __call__(self) -> None:
        """On the worker: compute, then publish. A failure marks the results, so that reading them raises."""
        try:
            values = _flat(self.compute())
            for (cell, spec), value in zip(self.results, values, strict=False):  # in-place: no results
                cell.value = spec.conform(value)
        except DeviceFault as inherited:  # reported already, by the operation that caused it
            self.fail(inherited)
        except Exception as error:
            fault = DeviceFault(f"{self.operation.name} failed on the device: {error}")
            self.fail(fault)
            raise fault from error

    def fail(self, fault: DeviceFault) -> None:
        for cell, _ in self.results:
            cell.fault = fault

    def compute(self) -> Any:
        kwargs = {name: _read(value) for name, value in self.kwargs.items()}
        result = self.operation.op(*_read(self.args), **kwargs)
        return fill_poison(result) if self.operation.leaves_uninitialised else result

    def run_and_wait(self) -> Any:
        """For results that the host cannot know without the values, as ``nonzero`` or ``item``."""
        results: list[Any] = []
        QUEUE.wait(QUEUE.enqueue(lambda: results.append(self.compute()), self.operation.name))
        return _map(lambda value: EmulatedTensor(Spec.of(value), Cell(value)), results[0])


def _announce(call: _Call, args: Any, kwargs: Any) -> Any:
    """The results' specs, in the shape in which the operation returns them."""
    key = tuple(call.key)
    announced = _announced.get(key)
    if announced is None:
        if len(_announced) >= _ANNOUNCED_MAX:
            _announced.clear()
        announced = _announced[key] = _map(Spec.of, call.operation.op(*_to_meta(args), **_to_meta(kwargs)))
    return announced


def _copy_to_host(
    source: Callable[[], torch.Tensor], target: torch.Tensor, name: str, non_blocking: bool
) -> torch.Tensor:
    ticket = QUEUE.enqueue(lambda: target.copy_(source()), name)
    if not non_blocking:
        QUEUE.wait(ticket)
    return target


def _change_metadata(operation: Operation, args: Any, kwargs: Any) -> EmulatedTensor:
    """``squeeze_`` and its like, on an alias: other tensors may share the worker's tensor, unchanged."""
    target: EmulatedTensor = args[0]
    alias = launch(torch.ops.aten.alias.default, target)
    call = _Call(operation, (alias, *args[1:]), kwargs)
    spec = _announce(call, args, kwargs)
    QUEUE.enqueue(call, operation.name)
    target.data = EmulatedTensor(spec, alias.cell)
    target.cell, target.spec = alias.cell, spec
    return target


def _draw(operation: Operation, args: Any, kwargs: Any) -> Any:
    """Draw on the host now, from its generator: same numbers, in the same order, as a run on the CPU."""
    stand_ins = [value.spec.empty("cpu") if isinstance(value, EmulatedTensor) else value for value in args]
    drawn = operation.op(*stand_ins, **{**kwargs, **({"device": "cpu"} if "device" in kwargs else {})})
    if operation.written:
        cell = args[0].cell
        QUEUE.enqueue(lambda: cell.read().copy_(drawn), operation.name)
        return args[0]
    cell = Cell()
    QUEUE.enqueue(lambda: setattr(cell, "value", drawn), operation.name)
    return EmulatedTensor(Spec.of(drawn), cell)


def _map(fn: Callable[[Any], Any], result: Any) -> Any:
    """``fn`` of every tensor or spec in an operation's result."""
    if isinstance(result, (torch.Tensor, Spec)):
        return fn(result)
    if isinstance(result, (list, tuple)):
        return [_map(fn, element) for element in result]
    return result


def _flat(result: Any) -> list[torch.Tensor]:
    if isinstance(result, torch.Tensor):
        return [result]
    return [tensor for element in result or () for tensor in _flat(element)]


def _read(value: Any) -> Any:
    if type(value) is Cell:
        return value.read()
    return [_read(element) for element in value] if type(value) is list else value


def _to_meta(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return Spec.of(value).empty("meta")
    if isinstance(value, (list, tuple)):
        return [_to_meta(element) for element in value]
    if isinstance(value, dict):
        return {name: "meta" if name == "device" else _to_meta(element) for name, element in value.items()}
    return None if isinstance(value, torch.Generator) else value
