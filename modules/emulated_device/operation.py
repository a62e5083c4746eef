"""What an operation's schema says about how it may be queued."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch

# Where CUDA, too, accepts host tensors of any size beside device tensors.
_TAKES_HOST_TENSORS = {
    "copy_",
    "index",
    "index_put",
    "index_put_",
    "_index_put_impl_",
    "_unsafe_index",
    "tensor_split",
}
_LEAVES_UNINITIALISED = {
    "empty",
    "empty_like",
    "empty_permuted",
    "empty_strided",
    "new_empty",
    "new_empty_strided",
}
_CHANGES_STORAGE = {"resize_", "set_"}


class Operation:
    """One overload of an ATen operation, analysed once.

    Attributes:
        is_conversion: ``Tensor.to`` in one of its forms, best left to its parts.
        is_draw: draws random numbers that do not depend on any tensor's value.
        changes_metadata: changes an existing tensor's shape or strides, but not its memory.
        changes_storage: gives an existing tensor other memory.
        written: places, by position and name, of the arguments that it returns after writing them.
    """

    def __init__(self, op: Any) -> None:
        schema = op._schema
        base_name = schema.name.split("::")[1]
        self.op = op
        self.name = str(op)
        self.is_copy = base_name == "copy_"
        self.is_conversion = base_name == "to"
        self.takes_host_tensors = base_name in _TAKES_HOST_TENSORS
        self.leaves_uninitialised = base_name in _LEAVES_UNINITIALISED
        self.changes_storage = base_name in _CHANGES_STORAGE
        self.changes_metadata = torch.Tag.inplace_view in op.tags and not self.changes_storage
        self.written = [
            (position, argument.name)
            for returned in schema.returns
            for position, argument in enumerate(schema.arguments)
            if returned.alias_info is not None
            and returned.alias_info.is_write
            and argument.alias_info is not None
            and argument.alias_info.before_set == returned.alias_info.before_set
        ]
        self.returns_tensors = any("Tensor" in str(returned.type) for returned in schema.returns)
        self.returns_nothing = not schema.returns
        tensor_arguments = sum("Tensor" in str(argument.type) for argument in schema.arguments)
        self.is_draw = torch.Tag.nondeterministic_seeded in op.tags and (
            tensor_arguments == 0 or (tensor_arguments == 1 and base_name.endswith(("_", "_like")))
        )

    def pick_written(self, args: Any, kwargs: Any) -> Any:
        """The caller's own tensors, which an in-place operation returns."""
        picked = [args[position] if position < len(args) else kwargs[name] for position, name in self.written]
        return picked[0] if len(picked) == 1 else tuple(picked)


@cache
def analyse(op: Any) -> Operation:
    """The one :class:`Operation` of an ``OpOverload``."""
    return Operation(op)
