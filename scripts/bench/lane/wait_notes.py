"""Notes where a thread waits for the device: by name, and, on CUDA, where torch itself sees it.

torch's own check (`torch.cuda.set_sync_debug_mode`) sees copies that wait, values that are read and
`Stream.synchronize`. It sees neither `torch.cuda.synchronize` nor `Event.synchronize`, and it is the whole
process's: here it warns, and a warning is told of the thread that it comes from.
Source: torch, c10/cuda/CUDAFunctions.h and CUDAEvent.h.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import torch

import zluda_sync
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.device.steps.waits import BlockingCall

#: In the words of torch's warning, for CUDA and for HIP.
_WARNING = "called a synchronizing"
_EXTENSION = Path(zluda_sync.__file__).parent


@dataclass(frozen=True)
class Wait:
    """A wait of the watched thread.

    Attributes:
        name: which one.
        place: file, line and function of the extension that waits, None if it is not the extension's.
    """

    name: str
    place: str | None

    def __str__(self) -> str:
        return f"{self.name}, at {self.place}" if self.place else self.name


@contextlib.contextmanager
def note_waits(module: Any, is_cuda: bool) -> Iterator[list[Wait]]:
    """A context in which every wait of the calling thread is noted, and still done.

    What other threads wait for is not noted, but for what they are asked to while this one waits for them,
    which is how the extension waits. Whoever got hold of a function before the context is not seen.

    Args:
        module: torch's module of the device.
        is_cuda: whether torch's own check can be asked.
    """
    thread, found = threading.get_ident(), list[Wait]()

    def note(name: str) -> None:
        if threading.get_ident() == thread:
            found.append(Wait(name, _find_place()))

    with contextlib.ExitStack() as undo:
        for owner, name, told in find_waits(module, is_cuda):
            undo.enter_context(mock.patch.object(owner, name, _noted(getattr(owner, name), note, told)))
        if is_cuda:
            undo.enter_context(_note_warnings(note))
        yield found


def find_waits(module: Any, is_cuda: bool) -> list[tuple[Any, str, str]]:
    """Return what waits: whose attribute it is, which one, and how it is told.

    Methods are replaced in their class, so that streams and events that are there already are seen too.
    """
    found = [(module, "synchronize", "synchronize of the device")]
    found += [(getattr(module, kind), "synchronize", f"{kind}.synchronize") for kind in ("Stream", "Event")]
    if hasattr(torch, "accelerator"):  # goes past the module: torch 2.6 and later
        found.append((torch.accelerator, "synchronize", "torch.accelerator.synchronize"))
    if not is_cuda:  # every wait for the emulated device ends here, that for a value too
        from modules.emulated_device import QUEUE

        found.append((QUEUE, "wait", "a wait for the emulated device"))
    ours = "a wait for the extension's "
    return [*found, (BlockingCall, "wait", f"{ours}threads"), (Ledger, "wait_completed", f"{ours}ledger")]


def _find_place() -> str | None:
    """Return where in the extension the calling thread is, innermost."""
    for frame, line in traceback.walk_stack(None):  # innermost first
        file = Path(frame.f_code.co_filename)
        if file.is_relative_to(_EXTENSION):
            return f"{file.relative_to(_EXTENSION.parent)}:{line} {frame.f_code.co_name}"
    return None


def _noted(wait: Any, note: Any, told: str) -> Any:
    @functools.wraps(wait)
    def noted(*args: Any, **kwargs: Any) -> Any:  # a function: in a class it is a method
        note(told)
        return wait(*args, **kwargs)

    return noted


@contextlib.contextmanager
def _note_warnings(note: Any) -> Iterator[None]:
    def show(message: Warning | str, *_args: Any, **_kwargs: Any) -> None:  # in the thread that warns
        if _WARNING in str(message):
            note(str(message).splitlines()[0])

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = show
        torch.cuda.set_sync_debug_mode("warn")
        try:
            yield
        finally:
            torch.cuda.set_sync_debug_mode("default")
