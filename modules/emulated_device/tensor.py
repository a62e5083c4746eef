"""Tensors on the emulated device, and how an operation on them becomes a command on its queue.

The host learns shapes at once, from the meta device; they are cached, so the second pass over a network is
cheap. The operation itself runs later, in the device's process. A read is a copy to the host: queued behind
everything else and waited for, as on a CUDA stream.
"""

from __future__ import annotations

import itertools
from typing import Any

import torch
from torch._subclasses.fake_tensor import DataDependentOutputException, DynamicOutputShapeException

from modules.emulated_process.codec import from_bytes, name_dtype, to_bytes
from modules.emulated_process.frames import Command
from modules.emulated_process.memory import fill_poison

from .calls import Call, map_tensors
from .memory import MEMORY, Cell, Spec
from .operation import Operation, analyse
from .queue import QUEUE

DEVICE_TYPE = "emulated"
_SHAPE_DEPENDS_ON_VALUES = (NotImplementedError, DataDependentOutputException, DynamicOutputShapeException)
_handles = itertools.count(1)
_next_handle = _handles.__next__
_wrap = torch.Tensor._make_wrapper_subclass
#: Empty until the backend has its name in torch.
DEVICES: list[torch.device] = []


class EmulatedTensor(torch.Tensor):
    """A tensor whose shape is known at once and whose value comes when the device gets there."""

    __slots__ = ("cell", "spec")
    __torch_function__ = torch._C._disabled_torch_function_impl
    cell: Cell
    spec: Spec

    @classmethod
    def __torch_dispatch__(cls, op: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return launch(op, *args, **kwargs) if kwargs else launch(op, *args)

    def tolist(self) -> Any:
        return self.cpu().tolist()

    def numpy(self, *, force: bool = False) -> Any:
        """As on CUDA, only ``force=True`` copies to the host."""
        if not force:
            raise TypeError(f"can't convert {self.device} tensor to numpy. Use Tensor.cpu() first.")
        return self.detach().cpu().numpy()

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        return f"{self.detach().cpu()!r} on {self.device}"


def make_tensor(spec: Spec, cell: Cell) -> EmulatedTensor:
    """Return a tensor that names a value on the device."""
    tensor: EmulatedTensor = _wrap(
        EmulatedTensor, spec.shape, strides=spec.stride, dtype=spec.dtype, device=DEVICES[0]
    )
    tensor.cell = cell
    tensor.spec = spec
    return tensor


def peek(tensor: torch.Tensor) -> torch.Tensor:
    """Return what device memory holds now, whatever is queued: poison where nothing was computed yet."""
    assert isinstance(tensor, EmulatedTensor)
    head, data = QUEUE.peek(tensor.cell.handle)
    return fill_poison(tensor.spec.empty("cpu")) if head is None else from_bytes(*head, data)


def launch(op: Any, *args: Any, **kwargs: Any) -> Any:
    """Queue ``op`` and return its results, whose values come later. Only reads wait.

    Raises:
        RuntimeError: shapes or devices do not fit (at once); a read finds that earlier work failed.
        torch.OutOfMemoryError: the device's memory is full.
        NotImplementedError: the operation would give a tensor other memory in place.
    """
    operation = analyse(op)
    if not operation.is_plain or "device" in kwargs:
        return _launch_oddly(operation, args, kwargs)
    call = Call(operation, args, kwargs, EmulatedTensor)
    try:
        plan = call.find_plan(args, kwargs)
    except _SHAPE_DEPENDS_ON_VALUES:
        return _ask(call, args, kwargs)
    return _queue_call(call, plan, args, kwargs)


def _queue_call(call: Call, plan: Any, args: Any, kwargs: Any) -> Any:
    operation = call.operation
    result: Any = None
    if operation.written or operation.returns_nothing:
        QUEUE.enqueue((plan.number, *call.slots), plan.definition)
        if operation.written:
            result = operation.pick_written(args, kwargs)
    elif plan.is_single:
        spec = plan.announced
        cell = Cell(
            _next_handle(),
            call.storage if operation.shares and call.storage else MEMORY.take(spec.size_bytes),
        )
        result = make_tensor(spec, cell)
        QUEUE.enqueue((plan.number, cell.handle, *call.slots), plan.definition)
    else:
        handles: list[int] = []

        def add(spec: Spec) -> EmulatedTensor:
            shared = call.storage if operation.shares else None
            cell = Cell(_next_handle(), shared or MEMORY.take(spec.size_bytes))
            handles.append(cell.handle)
            return make_tensor(spec, cell)

        result = map_tensors(add, plan.announced)
        QUEUE.enqueue((plan.number, *handles, *call.slots), plan.definition)
    if QUEUE.recording is not None:
        QUEUE.recording.hold(args, kwargs, result)
    return result


def _launch_oddly(operation: Operation, args: Any, kwargs: Any) -> Any:
    """Queue what needs more than a plan, or give it to whom it belongs."""
    if operation.is_conversion:
        return operation.op.decompose(*args, **kwargs)
    if operation.changes_storage:
        raise NotImplementedError(f"{operation.name}: the emulated device cannot change a tensor's memory")
    if operation.changes_metadata:
        return _change_metadata(operation, args, kwargs)
    if operation.is_copy and not all(isinstance(value, EmulatedTensor) for value in args[:2]):
        return _copy_across(*args, **kwargs)
    if operation.is_draw:
        return _draw(operation, args, kwargs)
    if operation.is_random:
        return _compute_on_host(operation, args, kwargs)
    call = Call(operation, args, kwargs, EmulatedTensor)
    if not operation.returns_tensors and not operation.returns_nothing:
        return _ask(call, args, kwargs)
    return _launch_elsewhere(call, args, kwargs)


def _launch_elsewhere(call: Call, args: Any, kwargs: Any) -> Any:
    """Queue what names the device that its results are to be on."""
    device = torch.device(kwargs.get("device") or DEVICE_TYPE).type
    if device == "meta":
        return call.operation.op(*_stand_in(args, "meta"), **_stand_in(kwargs, "meta"))
    try:
        plan = call.find_plan(args, kwargs)
    except _SHAPE_DEPENDS_ON_VALUES:
        return _ask(call, args, kwargs)
    if device != DEVICE_TYPE:
        target = fill_poison(plan.announced.empty("cpu"))
        command = (int(Command.FETCH), (plan.number, 0, *call.slots))
        return _copy_to_host(command, plan.definition, target, kwargs.get("non_blocking", False))
    return _queue_call(call, plan, args, kwargs)


def _ask(call: Call, args: Any, kwargs: Any) -> Any:
    """Wait for results that the host cannot know without the values, as of ``nonzero`` or ``item``."""
    QUEUE.refuse_in_graph("reading a value")
    plan = call.build_unknown(args, kwargs)
    answers: list[Any] = []

    def take_answer(answer: Any, _data: bytearray) -> None:
        answers.extend(answer)

    command = (int(Command.ASK), (plan.number, *call.slots))
    QUEUE.wait(QUEUE.enqueue(command, plan.definition, told=take_answer))
    return _understand(answers[0])


def _understand(answer: Any) -> Any:
    if isinstance(answer, tuple):
        _, handle, (shape, stride, dtype) = answer
        spec = Spec.named(shape, stride, getattr(torch, dtype))
        return make_tensor(spec, Cell(handle, MEMORY.take(spec.size_bytes)))
    return [_understand(element) for element in answer] if isinstance(answer, list) else answer


def _copy_across(target: torch.Tensor, source: torch.Tensor, non_blocking: bool = False) -> torch.Tensor:
    if isinstance(target, EmulatedTensor):
        return _copy_to_device(target, source)
    assert isinstance(source, EmulatedTensor)
    return _copy_to_host((int(Command.READ), source.cell.handle), None, target, non_blocking)


def _copy_to_host(command: Any, definition: Any, target: torch.Tensor, non_blocking: bool) -> torch.Tensor:
    QUEUE.refuse_in_graph("a copy to the host")

    def take_copy(head: Any, data: bytearray) -> None:
        target.copy_(from_bytes(*head, data))

    ticket = QUEUE.enqueue(command, definition, told=take_copy)
    if not non_blocking:
        QUEUE.wait(ticket)
    return target


def _copy_to_device(target: EmulatedTensor, source: torch.Tensor) -> EmulatedTensor:
    QUEUE.refuse_in_graph("a copy from the host")
    command = (int(Command.WRITE), target.cell.handle, name_dtype(source.dtype), tuple(source.shape))
    QUEUE.enqueue(command, payload=to_bytes(source))
    return target


def _change_metadata(operation: Operation, args: Any, kwargs: Any) -> EmulatedTensor:
    """``squeeze_`` and its like, on an alias: other tensors may share the device's tensor, unchanged."""
    target: EmulatedTensor = args[0]
    alias = launch(torch.ops.aten.alias.default, target)
    args = (alias, *args[1:])
    call = Call(operation, args, kwargs, EmulatedTensor)
    plan = call.find_plan(args, kwargs)
    QUEUE.enqueue((plan.number, *call.slots), plan.definition)
    target.data = make_tensor(plan.announced, alias.cell)
    target.cell, target.spec = alias.cell, plan.announced
    return target


def _draw(operation: Operation, args: Any, kwargs: Any) -> Any:
    """Draw on the host now, from its generator: same numbers, in the same order, as a run on the CPU."""
    on_cpu = {**kwargs, **({"device": "cpu"} if "device" in kwargs else {})}
    drawn = operation.op(*_stand_in(args, "cpu"), **on_cpu)
    return _copy_to_device(args[0], drawn) if operation.written else _store(drawn)


def _store(value: torch.Tensor) -> EmulatedTensor:
    """Return a new tensor on the device with the values of one on the host."""
    QUEUE.refuse_in_graph("a copy from the host")
    spec = Spec.of(value)
    cell = Cell(_next_handle(), MEMORY.take(spec.size_bytes))
    command = (int(Command.STORE), cell.handle, name_dtype(spec.dtype), spec.shape, spec.stride)
    QUEUE.enqueue(command, payload=to_bytes(value))
    return make_tensor(spec, cell)


def _compute_on_host(operation: Operation, args: Any, kwargs: Any) -> Any:
    """Draw what depends on values on the host, too: it reads them, and sends what its generator gave."""

    def read(value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return [read(element) for element in value]
        return value.detach().cpu() if isinstance(value, EmulatedTensor) else value

    host_args = read(args)
    result = operation.op(*host_args, **{name: read(value) for name, value in kwargs.items()})
    for position, name in operation.written:
        place, given = (host_args, args) if position < len(args) else (kwargs, kwargs)
        key: Any = position if position < len(args) else name
        _copy_to_device(given[key], place[key])
    return operation.pick_written(args, kwargs) if operation.written else map_tensors(_store, result)


def _stand_in(value: Any, device: str) -> Any:
    """Arguments with other tensors in the place of those on the device."""
    if isinstance(value, EmulatedTensor):
        return value.spec.empty(device)
    if isinstance(value, (list, tuple)):
        return [_stand_in(element, device) for element in value]
    if isinstance(value, dict):
        return {name: _stand_in(element, device) for name, element in value.items()}
    return value
