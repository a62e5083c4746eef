"""Calls of operations as they were announced once, with the places that each call fills."""

from __future__ import annotations

from typing import Any

import torch

from modules.emulated_process.codec import Slot, decode, from_bytes
from modules.emulated_process.memory import NEVER_WRITTEN, Failed, FaultInherited, conform, fill_poison

Values = dict[int, Any]


class Plan:
    """One operation with constants in its arguments, the places of the others, and the results' shapes.

    A call is a tuple: the plan's number, the handles of the results, then what fills the slots.
    """

    def __init__(self, definition: tuple[Any, ...]) -> None:
        _command, _number, name, overload, self.title, args, kwargs, results, self._poisons = definition
        namespace, _, base_name = name.partition("::")
        self._op = getattr(getattr(getattr(torch.ops, namespace), base_name), overload)
        self._results = [(tuple(s), tuple(t), decode(dtype)) for s, t, dtype in results]
        self._first_slot = 1 + len(results)
        self._args: list[Any] = decode(args)
        self._kwargs = {key: decode(value) for key, value in kwargs}
        self._handles = [
            (place, value.index + self._first_slot)
            for place, value in enumerate(self._args)
            if isinstance(value, Slot) and value.kind == "handle"
        ]
        plain = {place for place, _ in self._handles}
        self._others = [
            place for place, value in enumerate(self._args) if place not in plain and _has_slot(value)
        ]
        self._named = [key for key, value in self._kwargs.items() if _has_slot(value)]

    def run(self, call: tuple[Any, ...], values: Values) -> None:
        """Compute, then publish the results. A failure marks them, so that reading them raises."""
        try:
            result = self.compute(call, values)
            if len(self._results) == 1 and isinstance(result, torch.Tensor):
                values[call[1]] = conform(result, *self._results[0])
            elif self._results:
                for handle, announced, value in zip(call[1:], self._results, flatten(result), strict=False):
                    values[handle] = conform(value, *announced)
        except Exception as error:
            message = str(error) if isinstance(error, FaultInherited) else self._explain(error)
            for handle in call[1 : self._first_slot]:
                values[handle] = Failed(message)
            raise

    def replay(self, call: tuple[Any, ...], values: Values) -> None:
        """As :meth:`run`, but into the memory of the results before: who looks there sees the new ones."""
        before = [values.get(handle) for handle in call[1 : self._first_slot]]
        self.run(call, values)
        for handle, old in zip(call[1 : self._first_slot], before, strict=True):
            new = values[handle]
            if isinstance(old, torch.Tensor) and old.shape == new.shape:
                if old.data_ptr() != new.data_ptr():
                    old.copy_(new)
                values[handle] = old

    def compute(self, call: tuple[Any, ...], values: Values) -> Any:
        """Return what the operation gives.

        Raises:
            FaultInherited: an argument was never written, for another operation failed.
        """
        args = self._args.copy()
        kwargs = self._kwargs
        try:
            for place, index in self._handles:
                args[place] = values[call[index]]
            for place in self._others:
                args[place] = self._fill(self._args[place], call, values)
            if self._named:
                kwargs = kwargs | {key: self._fill(kwargs[key], call, values) for key in self._named}
        except KeyError:
            raise RuntimeError(NEVER_WRITTEN) from None
        try:
            result = self._op(*args, **kwargs)
        except Exception:
            for value in [*args, *kwargs.values()]:
                for one in value if isinstance(value, list) else [value]:
                    if type(one) is Failed:
                        raise FaultInherited(one.message) from None
            raise
        return fill_poison(result) if self._poisons else result

    def _explain(self, error: Exception) -> str:
        return f"{self.title} failed on the device: {error}"

    def _fill(self, value: Any, call: tuple[Any, ...], values: Values) -> Any:
        if type(value) is Slot:
            given = call[self._first_slot + value.index]
            if value.kind == "handle":
                return values[given]
            return given if value.kind == "number" else from_bytes(*given)
        return [self._fill(element, call, values) for element in value] if type(value) is list else value


def _has_slot(value: Any) -> bool:
    return type(value) is Slot or (type(value) is list and any(map(_has_slot, value)))


def flatten(result: Any) -> list[torch.Tensor]:
    """Return the tensors of an operation's result in order."""
    if isinstance(result, torch.Tensor):
        return [result]
    return [tensor for element in result or () for tensor in flatten(element)]
