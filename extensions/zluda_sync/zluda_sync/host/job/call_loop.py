"""Whether the code that makes a picture call may make another: what the loops around it tell.

Most scripts say how many pictures they will make. Of the others this tells those that make one from those
that make many, before the first is made.
"""

from __future__ import annotations

import dis
from bisect import bisect_right
from collections.abc import Callable, Collection
from types import CodeType, FrameType

#: Instructions after which the next one is not run.
_ENDS = frozenset({"RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE"})
#: Jumps that are always taken.
_ALWAYS = frozenset(
    {
        "JUMP_FORWARD",
        "JUMP_BACKWARD",
        "JUMP_BACKWARD_NO_INTERRUPT",
        "JUMP_ABSOLUTE",
        "JUMP",
        "JUMP_NO_INTERRUPT",
    }
)
#: What finds a function by its name.
_NAMES = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_ATTR", "LOAD_METHOD", "LOAD_FAST", "LOAD_DEREF")
_JUMPS = frozenset((*dis.hasjrel, *dis.hasjabs))
#: Places of calls that were looked at are remembered, up to this many.
_MAX_KNOWN = 512
_known: dict[tuple[CodeType, int, str], bool] = {}


def may_come_again(
    frame: FrameType | None, callee: str, is_beyond: Callable[[FrameType], bool], last: Collection[CodeType]
) -> bool:
    """Return whether a function may be called again by any of the frames that lead to its call.

    Args:
        frame: that calls it.
        callee: its name.
        is_beyond: tells a frame that has nothing to do with the request any more, and ends the search.
        last: the frame that runs one of these is the last one to look at.
    """
    while frame is not None and not is_beyond(frame):
        if _may_repeat(frame.f_code, frame.f_lasti, callee):
            return True
        if frame.f_code in last:
            return False
        callee, frame = frame.f_code.co_name, frame.f_back
    return False


def _may_repeat(code: CodeType, at: int, callee: str) -> bool:
    """Return whether from an instruction on the same call, or one of the same name, can be reached."""
    key = code, at, callee
    known = _known.get(key)
    if known is None:
        if len(_known) >= _MAX_KNOWN:
            _known.clear()
        known = _known[key] = _is_reached_again(code, at, callee)
    return known


def _is_reached_again(code: CodeType, at: int, callee: str) -> bool:
    """Follow the instructions after the call. What handles errors is not followed: a call mostly has none."""
    instructions = list(dis.get_instructions(code))
    index_of = {one.offset: index for index, one in enumerate(instructions)}
    # Some versions point into what the interpreter keeps behind an instruction.
    start = bisect_right([one.offset for one in instructions], at) - 1
    seen: set[int] = set()
    ahead = [start + 1]
    while ahead:
        index = ahead.pop()
        if index >= len(instructions) or index in seen:
            continue
        seen.add(index)
        one = instructions[index]
        if index == start or (one.opname.startswith(_NAMES) and one.argval == callee):
            return True
        if one.opcode in _JUMPS and isinstance(one.argval, int) and one.argval in index_of:
            ahead.append(index_of[one.argval])
        if one.opname not in _ENDS and one.opname not in _ALWAYS:
            ahead.append(index + 1)
    return False
