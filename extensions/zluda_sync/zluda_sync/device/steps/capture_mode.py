"""Keeps our threads from spoiling a graph that the host captures.

While any thread captures a graph with torch's default, CUDA and HIP forbid other threads certain calls, the
query of an event among them: the call fails, and the capture with it. A thread may declare that none of its
calls has to do with captures; those are then let through, and no capture takes notice.
Source: CUDA Runtime API, cudaThreadExchangeStreamCaptureMode; HIP has the same under its own name.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from typing import Any

import torch

_RELAXED = 2
#: As Python names it.
SYSTEM = os.name


def leave_captures_alone() -> None:
    """Declare it for the calling thread, once, before its first call of the driver. Never raises."""
    for library, name in _find_calls():
        with contextlib.suppress(OSError, AttributeError):
            exchange = getattr(_loaded(library), name)
            exchange(ctypes.byref(ctypes.c_int(_RELAXED)))
            return


def _loaded(library: str) -> ctypes.CDLL:
    """Return a library that torch has loaded; loads none itself, which could be another version.

    Raises:
        OSError: it is not loaded.
    """
    if SYSTEM != "nt":
        return ctypes.CDLL(library, mode=getattr(os, "RTLD_NOLOAD", 0) | getattr(os, "RTLD_LAZY", 1))
    kernel: Any = vars(ctypes)["WinDLL"]("kernel32")
    kernel.GetModuleHandleW.restype = ctypes.c_void_p
    handle = kernel.GetModuleHandleW(library)
    if not handle:
        raise OSError(f"{library} is not loaded")
    return ctypes.CDLL(library, handle=handle)


def _find_calls() -> list[tuple[str, str]]:
    """Return where the call may be, by library and name; empty where torch was built for neither."""
    cuda, hip = torch.version.cuda, getattr(torch.version, "hip", None)
    if bool(cuda) is bool(hip):  # both: a set-up for ZLUDA, whose driver may not know the call
        return []
    major = str(cuda or hip).partition(".")[0]
    if cuda:
        # Those of CUDA 11 have the minor version of its first release.
        names = {"nt": [f"cudart64_{major}.dll", f"cudart64_{major}0.dll"]}
        names["posix"] = [f"libcudart.so.{major}", f"libcudart.so.{major}.0"]
        call = "cudaThreadExchangeStreamCaptureMode"
    else:
        names = {"nt": [f"amdhip64_{major}.dll", "amdhip64.dll"]}
        names["posix"] = [f"libamdhip64.so.{major}", "libamdhip64.so"]
        call = "hipThreadExchangeStreamCaptureMode"
    return [(name, call) for name in names.get(SYSTEM, [])]
