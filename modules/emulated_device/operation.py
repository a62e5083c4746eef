"""What an operation's schema says about how it may be queued."""

from __future__ import annotations

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
# Its schema does not say that the result lies in its argument's memory.
_SHARES_UNSAID = {"_unsafe_view"}
# Random only with a dropout, which nobody asks for who paints.
_NEVER_RANDOM = {"scaled_dot_product_attention"}


class Operation:
    """One overload of an ATen operation, analysed once.

    Attributes:
        is_conversion: ``Tensor.to`` in one of its forms, best left to its parts.
        is_draw: draws random numbers that do not depend on any tensor's value.
        is_random: draws random numbers in another way.
        is_plain: can be queued as it is: nothing of the above and below but ``written`` and ``shares``.
        shares: the results lie in the memory of the first tensor among the arguments.
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
        is_seeded = torch.Tag.nondeterministic_seeded in op.tags and base_name not in _NEVER_RANDOM
        self.is_draw = is_seeded and (
            tensor_arguments == 0 or (tensor_arguments == 1 and base_name.endswith(("_", "_like")))
        )
        self.is_random = is_seeded and not self.is_draw
        self.shares = base_name in _SHARES_UNSAID or any(
            returned.alias_info is not None and not returned.alias_info.is_write
            for returned in schema.returns
        )
        self.schema_name, self.overload = schema.name, schema.overload_name or "default"
        self.is_plain = (self.returns_tensors or self.returns_nothing) and not (
            self.is_conversion
            or self.is_copy
            or self.changes_storage
            or self.changes_metadata
            or self.is_draw
            or self.is_random
        )

    def pick_written(self, args: Any, kwargs: Any) -> Any:
        """The caller's own tensors, which an in-place operation returns."""
        picked = [args[position] if position < len(args) else kwargs[name] for position, name in self.written]
        return picked[0] if len(picked) == 1 else tuple(picked)


_operations: dict[int, Operation] = {}


def analyse(op: Any) -> Operation:
    """Return the one :class:`Operation` of an ``OpOverload``, which lives as long as torch does."""
    operation = _operations.get(id(op))
    if operation is None:
        operation = _operations[id(op)] = Operation(op)
    return operation
