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

import torch

_RELAXED = 2
#: As Python names it.
SYSTEM = os.name


def leave_captures_alone() -> None:
    """Declare it for the calling thread, once, before its first call of the driver. Never raises."""
    for library, name in _find_calls():
        with contextlib.suppress(OSError, AttributeError):
            exchange = getattr(ctypes.CDLL(library), name)
            exchange(ctypes.byref(ctypes.c_int(_RELAXED)))
            return


def _find_calls() -> list[tuple[str, str]]:
    """Return where the call may be, by library and name; empty where torch was built for neither."""
    cuda, hip = torch.version.cuda, getattr(torch.version, "hip", None)
    if bool(cuda) is bool(hip):  # both: a set-up for ZLUDA, whose driver may not know the call
        return []
    major, _, minor = str(cuda or hip).partition(".")
    if cuda:
        names = [f"cudart64_{major}.dll", f"cudart64_{major}{minor}.dll"]
        names = names if SYSTEM == "nt" else [f"libcudart.so.{major}"]
        return [(name, "cudaThreadExchangeStreamCaptureMode") for name in names]
    names = [f"amdhip64_{major}.dll", "amdhip64.dll"] if SYSTEM == "nt" else ["libamdhip64.so"]
    return [(name, "hipThreadExchangeStreamCaptureMode") for name in names]
