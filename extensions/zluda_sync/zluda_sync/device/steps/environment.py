"""Whose fault an error is: that of the call that raised it, or of the moment it was made in."""

from __future__ import annotations

NO_MEMORY = "the GPU is out of memory"
#: In the words of CUDA, HIP, their libraries, torch and Windows; compared in lower case.
_OF_MEMORY = (
    "out of memory",
    "outofmemory",
    "memoryallocation",
    "alloc_failed",
    "not enough memory",
    "cannot allocate memory",
)
_BUSY = ("busy or unavailable", "devicesunavailable", "device is busy", "device busy", "deviceinuse")
_LOST = (
    "device lost",
    "device_lost",
    "device removed",
    "device_removed",
    "device hung",
    "device not responding",
    "launch failure",
    "launch timed out",
    "illegal memory access",
    "context is destroyed",
    "uncorrectable ecc",
    "device-side assert",
)


def explain_environment(error: BaseException) -> str:
    """Return in some words what was wrong with the device when ``error`` was raised, empty if nothing was.

    Out of memory, in use by another program, lost: whoever called it then is not to blame.
    """
    if isinstance(error, MemoryError) or any("OutOfMemory" in kind.__name__ for kind in type(error).__mro__):
        return NO_MEMORY
    text = str(error).lower()
    for words, meaning in (
        (_OF_MEMORY, NO_MEMORY),
        (_BUSY, "another program has the GPU"),
        (_LOST, "the GPU was lost"),
    ):
        if any(word in text for word in words):
            return meaning
    return ""
