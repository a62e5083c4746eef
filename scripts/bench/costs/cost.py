"""A cost: one piece of work, held against another of the same run, so that a bar means the same anywhere."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from statistics import median

#: Does a round of work and returns what a piece of it took, in seconds.
Round = Callable[[], float]
PLAIN_PYTHON = "plain Python"
_WORDS = ("launched", "completed", "total", "queued", "waited", "phase", "image", "step")


@dataclass(frozen=True)
class Pair:
    """Work, and what it is held against.

    Attributes:
        work: what is judged.
        other: what it is held against.
    """

    work: Round
    other: Round


@dataclass(frozen=True)
class Cost:
    """One thing that costs time.

    Attributes:
        what: it is, as the table calls it.
        open: gives a context with the work, ready to be done.
        bar: how often as long as the other work it may take.
        against: what that other work is.
        rounds: of each of the two, in turn.
        target: that the median must not pass, None without one; of other machines, so no test goes by it.
        unit: of figure and target: seconds are multiplied for it.
    """

    what: str
    open: Callable[[], AbstractContextManager[Pair]]
    bar: float
    against: str = PLAIN_PYTHON
    rounds: int = 60
    target: float | None = None
    unit: str = "µs"


#: The time of the calling thread, and of all threads: what other programs do meanwhile does not count. On
#: Windows these clocks are too coarse.
_IS_COARSE = time.get_clock_info("thread_time").resolution > 1e-6
THREAD_CLOCK: Callable[[], float] = time.perf_counter if _IS_COARSE else time.thread_time
PROCESS_CLOCK: Callable[[], float] = time.perf_counter if _IS_COARSE else time.process_time
#: What a second is in a unit; a share is a number already.
UNITS = {"µs": 1e6, "ms": 1e3, "s": 1.0, "ns": 1e9, "%": 100.0}


@dataclass
class Rounds:
    """The rounds of one cost, each right behind one of what it is held against.

    Whatever else the machine does meets both alike, and the fastest round of each was disturbed least.
    """

    pair: Pair
    work_s: list[float] = field(default_factory=list)
    other_s: list[float] = field(default_factory=list)

    def do_other(self) -> None:
        """Do a round of the other work."""
        self.other_s.append(self.pair.other())

    def do_work(self) -> None:
        """Do a round of the work."""
        self.work_s.append(self.pair.work())

    @property
    def median_s(self) -> float:
        """What a piece usually takes."""
        return median(self.work_s)

    @property
    def ratio(self) -> float:
        """How often as long it takes as a piece of the other."""
        return min(self.work_s) / min(self.other_s)


def measure(cost: Cost, rounds: int | None = None) -> Rounds:
    """Do the rounds of a cost, or so many of them."""
    with cost.open() as pair, steady():
        done = Rounds(pair)
        for _ in range(rounds or cost.rounds):
            done.do_other()
            done.do_work()
        return done


class steady:  # noqa: N801  a context, written as one
    """A context without collections: they come at any time, and belong to nobody."""

    def __enter__(self) -> None:
        self._was_on = gc.isenabled()
        gc.collect()
        gc.disable()

    def __exit__(self, *_raised: object) -> None:
        if self._was_on:
            gc.enable()


def repeated(call: Callable[[], object], times: int = 1, pieces: int = 1) -> Round:
    """Return a round of so many calls, each of so many pieces, none of which waits."""

    def do_round() -> float:
        began_s = THREAD_CLOCK()
        for _ in range(times):
            call()
        return (THREAD_CLOCK() - began_s) / (times * pieces)

    return do_round


def run_plain_python() -> int:
    """Do a fixed piece of plain Python, about 50 µs: what most costs are held against."""
    counts: dict[str, int] = {}
    total = 0
    for index in range(400):
        word = _WORDS[index & 7]
        counts[word] = counts.get(word, 0) + 1
        total = _add(total, len(word) * index)
    return total + len(sorted(counts.items()))


def _add(one: int, other: int) -> int:
    return one + other


plain_python = repeated(run_plain_python, 3)
