"""Interleavings of two threads without threads: something else happens between two instructions of a call.

The interpreter may switch threads between any two instructions, and nowhere else; so what holds at each of
these points holds whatever the threads do. Nothing here sleeps. What takes a lock must not be interrupted by
something that takes the same lock: two threads would wait for each other, one waits for itself for ever.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def run_interrupted(
    action: Callable[[], Any],
    interrupt: Callable[[], Any],
    position: int | None = None,
    module: str = "zluda_sync",
) -> tuple[Any, int]:
    """Run ``action``, and ``interrupt`` between two instructions of the extension's code in it.

    Args:
        action: called once.
        interrupt: called before each instruction, or before one of them.
        position: which one, None for all.
        module: only its instructions are interrupted, those of what it calls are not.
    Returns:
        What the action returned, and how many instructions there were.
    """
    count = 0

    def trace(frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal count
        if not frame.f_globals.get("__name__", "").startswith(module):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            if position is None or count == position:
                interrupt()  # not traced: the interpreter does not trace within a trace function
            count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        returned = action()
    finally:
        sys.settrace(before)
    return returned, count


def run_at_each_instruction(
    prepare: Callable[[], tuple[Callable[[], Any], Callable[[], Any]]], module: str = "zluda_sync"
) -> list[Any]:
    """Run an action again and again, each time interrupted at the next of its instructions.

    Args:
        prepare: makes everything anew; returns the action and what interrupts it.
        module: as :func:`run_interrupted` takes it.
    Returns:
        What the action returned, each time.
    """
    returned: list[Any] = []
    while True:
        action, interrupt = prepare()
        result, instructions = run_interrupted(action, interrupt, len(returned), module)
        if instructions <= len(returned):  # nothing was interrupted any more
            return returned
        returned.append(result)
