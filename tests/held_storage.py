"""What tensors something holds: the storages that can be reached from it, and their bytes."""

from __future__ import annotations

import gc
import threading
from types import FrameType, FunctionType, ModuleType
from typing import Any

import torch

#: Beyond these lies everything there is.
_ENDS = (type, ModuleType, FrameType, threading.Thread)


def find_held_bytes(root: Any, of_others: tuple[Any, ...] = ()) -> int:
    """Return the bytes of all tensors that are alive because of ``root``; a view counts with what it views.

    Args:
        root: where to begin.
        of_others: objects that are not looked into, and tensors that somebody else holds anyway.
    """
    foreign = {one.untyped_storage().data_ptr() for one in of_others if isinstance(one, torch.Tensor)}
    seen = {id(one) for one in of_others}
    held: dict[int, int] = {}
    waiting = [root]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, _ENDS):
            continue
        seen.add(id(one))
        if isinstance(one, torch.Tensor):
            storage = one.untyped_storage()
            held[storage.data_ptr()] = storage.nbytes()
        elif isinstance(one, FunctionType):  # not its globals
            waiting += [one.__closure__, one.__defaults__, one.__dict__]
        else:
            waiting += gc.get_referents(one)
    return sum(nbytes for pointer, nbytes in held.items() if pointer not in foreign)
