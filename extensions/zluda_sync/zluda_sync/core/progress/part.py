"""A part of a job: one phase of one image, planned, under way or over."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from zluda_sync.core.phase import BASE, TEXTS, Phase
from zluda_sync.core.steps.ledger import Ledger

#: Completions nearer to each other than the watcher's shortest pause were noticed in one look.
SAME_LOOK_S = 0.002
#: What is learned is kept by this: a phase and its role, such as ("denoise", "hires").
PartKind = tuple[Phase, str]
#: A silence of the launching thread shorter than this, in seconds, is no compilation worth a name.
SHORTEST_COMPILE_S = 2.0
#: Tells whether kernels were compiled within this many last seconds.
CompileSign = Callable[[float], bool]
#: What comes before or after, and by itself makes no picture; of a pass its steps are looked at.
_AROUND_PICTURES = (Phase.PREPARE, Phase.PROMPT, Phase.LOAD, Phase.ENCODE, Phase.DENOISE, Phase.SAVE)


@dataclass(eq=False)
class Part:
    """One stretch of a job. Its owner is the job, which alone changes it.

    Attributes:
        phase: what is done.
        role: which pass or which decode of the image it belongs to.
        image: zero-based index among the images of its cell that are made one after the other.
        cell: zero-based index of the picture call that it belongs to, within the job; mostly there is one.
        pixels: of all pictures of the batch together: what the work grows with. As asked for, until the true
            size was seen, in proportion to the values that are computed.
        is_measured: whether it is a pass whose true size was seen.
        steps: planned steps of a denoising pass, None for other phases or while unknown.
        is_foreseen: whether it follows from the request; others turn up on the way.
        began_at_s: when the host began with it, None if it has not.
        left_at_s: when the host went on to the next part, None if it has not.
        ledger: launches and completions of a denoising pass, None for other phases and before it begins.
        blocks: marks within a part that has no steps, such as the blocks of a decoder; None if it has none.
        blocks_of_unit: so many of them make one of the units that the user is told: a tile, some frames of a
            film; 0 where none are told.
        has_compiled: whether kernels were compiled in it, so that its time teaches nothing.
        queued_behind: ledger of the pass before it, whose steps the device may still be busy with.
        is_cut: whether the user wants it to end: nothing more is queued in it.
    """

    phase: Phase
    role: str = BASE
    image: int = 0
    pixels: int = 1
    is_measured: bool = field(default=False, kw_only=True)
    steps: int | None = None
    is_foreseen: bool = False
    began_at_s: float | None = None
    left_at_s: float | None = None
    ledger: Ledger | None = None
    blocks: Ledger | None = None
    blocks_of_unit: int = field(default=0, kw_only=True)
    has_compiled: bool = False
    queued_behind: Ledger | None = None
    is_cut: bool = False
    cell: int = 0

    @property
    def kind(self) -> PartKind:
        """What it is learned under."""
        return self.phase, self.role

    @property
    def sort(self) -> tuple[Phase, str, int, int | None, bool]:
        """What decides what is expected of it, as long as it has not begun."""
        return self.phase, self.role, self.pixels, self.steps, self.is_foreseen

    @property
    def place(self) -> tuple[int, int, PartKind]:
        """Where in the job it belongs; a job has one part of a place, or several that came unforeseen."""
        return self.cell, self.image, (self.phase, self.role)

    @property
    def is_finished(self) -> bool:
        """Whether the host has left it and the device has done all that was queued in it."""
        return self.finished_at_s is not None

    @property
    def finished_at_s(self) -> float | None:
        """When the device was done with it, None while it is not."""
        left_at_s, ledger = self.left_at_s, self.ledger
        if left_at_s is None or (ledger is not None and not ledger.is_drained):
            return None
        drained_at_s = ledger.last_completed_at_s if ledger is not None else None
        return left_at_s if drained_at_s is None else max(left_at_s, drained_at_s)

    @property
    def device_began_at_s(self) -> float | None:
        """When the device could begin with it, None if the host has not begun."""
        if self.began_at_s is None or self.queued_behind is None:
            return self.began_at_s
        return max(self.began_at_s, self.queued_behind.last_completed_at_s or 0.0)

    @property
    def tokens(self) -> int:
        """Tokens of its text that the device has finished, 0 for a part that writes none."""
        return self.blocks.completed if self.blocks is not None and self.phase in TEXTS else 0

    @property
    def units(self) -> tuple[int, int] | None:
        """How many of its told units are done, and of how many; None where none are told, or it is one."""
        reading = self.blocks.snapshot() if self.blocks is not None and self.blocks_of_unit else None
        if reading is None or reading.total is None or reading.total <= self.blocks_of_unit:
            return None
        return reading.completed // self.blocks_of_unit, reading.total // self.blocks_of_unit

    def unit_durations_s(self) -> list[float]:
        """Return how long each unit took that is done: steps of a pass, else the part as a whole.

        The first step of a pass is left out as soon as there are others: it carries the compilation of
        kernels, and the host's preparation of the loop.
        """
        began_at_s = self.device_began_at_s
        if began_at_s is None:
            return []
        if self.ledger is None:
            return [max(0.0, self.left_at_s - began_at_s)] if self.left_at_s is not None else []
        looks = _group_by_look(self.ledger.snapshot().completed_at_s)
        if len(looks) == 1:
            ((end_s, steps),) = looks
            return [max(0.0, end_s - began_at_s) / steps]
        return [
            (end_s - before_s) / steps
            for (before_s, _), (end_s, steps) in pairwise(looks)
            for _ in range(steps)
        ]

    def lead_in_s(self) -> float | None:
        """Return how much longer the first step of a pass took than the others, None if that cannot be told.

        Encoding an input picture, or moving a model, happens before the first step and shows only there.
        """
        began_at_s = self.device_began_at_s
        if self.ledger is None or self.ledger.completed < 3 or began_at_s is None or self.has_compiled:
            return None
        first_s = self.ledger.snapshot().completed_at_s[0] - began_at_s
        return max(0.0, first_s - median(self.unit_durations_s()))


def have_worked(parts: Iterable[Part]) -> bool:
    """Whether anything was begun that makes pictures, or works on some; a pass counts from its first step."""
    return any(
        part.ledger.launched > 0 if part.ledger is not None else part.phase not in _AROUND_PICTURES
        for part in parts
        if part.began_at_s is not None
    )


def count_begun(parts: Sequence[Part]) -> int:
    """Return how many have begun, of parts in order: they come first."""
    return bisect_left(parts, True, key=lambda part: part.began_at_s is None)


def group_planned(parts: Iterable[Part]) -> list[tuple[Part, int]]:
    """Return one of each sort of those that have not begun, and how many of it there are.

    What is expected of a part follows from its sort alone, and a batch of a thousand repeats the same few.
    """
    sorts: dict[tuple[Phase, str, int, int | None, bool], tuple[Part, int]] = {}
    for part in parts:
        if part.began_at_s is None:
            example, count = sorts.get(part.sort, (part, 0))
            sorts[part.sort] = example, count + 1
    return list(sorts.values())


def find_shown_pass(passes: Sequence[Part]) -> Part | None:
    """Return the pass that the device works on, None before the first.

    Without barriers the host may queue the second pass while the device is still in the first; what is shown
    follows the device: the newest pass of which a step is finished, or its successor once it is drained.
    """
    for index in range(len(passes) - 1, -1, -1):
        ledger = passes[index].ledger
        if ledger is not None and ledger.completed:
            return passes[min(index + ledger.is_drained, len(passes) - 1)]
    return passes[0] if passes else None


class CompileWatch:
    """Tells whether kernels are being compiled in a part, which happens once and takes its time.

    Args:
        sign: tells of kernels that were compiled, None if that cannot be told.
    """

    def __init__(self, sign: CompileSign | None) -> None:
        self._sign = sign

    def has_compiled(self, silence_s: float) -> bool:
        """Whether kernels were compiled in the last ``silence_s`` seconds; never in a short silence."""
        return self._sign is not None and silence_s >= SHORTEST_COMPILE_S and bool(self._sign(silence_s))

    def is_compiling(self, part: Part, now_s: float) -> bool:
        """Whether they are now, in a part that the host is in."""
        if part.left_at_s is not None or part.began_at_s is None:
            return False
        launched_at_s = part.ledger.last_launched_at_s if part.ledger is not None else None
        silence_s = now_s - (part.began_at_s if launched_at_s is None else launched_at_s)
        return self.has_compiled(min(silence_s, 2 * SHORTEST_COMPILE_S))


def _group_by_look(completed_at_s: Sequence[float]) -> list[tuple[float, int]]:
    """Return the moments at which completions were noticed, and how many steps at each.

    Steps that the watcher found finished in one look share the time since the look before.
    """
    looks: list[tuple[float, int]] = []
    for at_s in completed_at_s:
        if looks and at_s - looks[-1][0] < SAME_LOOK_S:
            looks[-1] = (looks[-1][0], looks[-1][1] + 1)
        else:
            looks.append((at_s, 1))
    return looks
