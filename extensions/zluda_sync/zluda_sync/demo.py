"""One job twice in the terminal: as a bar shows it that counts what is queued, and as it is.

The GPU is simulated: a list of moments. What is shown of it is not: the second bar is the one that SD.Next
and ``track`` show, with what it has learned from one job before.
"""

from __future__ import annotations

import shutil
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TextIO

from zluda_sync.core.clock import SYSTEM_CLOCK, Clock
from zluda_sync.core.learning.durations import Durations
from zluda_sync.core.phase import BASE, Phase
from zluda_sync.core.progress.job import Job
from zluda_sync.core.progress.shape import JobShape, PassShape
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.core.steps.policy import SyncMode

STEPS = 20
#: What the GPU takes, in seconds.
ENCODE_S, STEP_S, DECODE_S = 0.5, 0.4, 1.0
#: What the program takes to queue a step, in seconds.
QUEUE_S = 0.02
REDRAW_S = 0.1
FULL = 0.995
#: The job before, from which the second bar has learned, was this much faster: no two are alike.
EARLIER_SHARE = 0.9
#: Columns of a line with bars of no length: of two shares and the clock, of the times left, of the label.
_SHARE_COLUMNS, _LEFT_COLUMNS, _LABEL_COLUMNS = 20, 20, 15
#: Of a bar.
_MIN_COLUMNS, _MAX_COLUMNS = 4, 30
#: Where there is no terminal, whose lines have an end.
_ELSEWHERE_COLUMNS = 100
INTRODUCTION = (
    "One job of 20 steps on a simulated GPU. The program has queued all of it in half a second, and then "
    "waits. Left, a bar that counts what is queued; right, what the GPU has finished."
)
_SHAPE = JobShape(
    "a simulated GPU", "demo", passes=(PassShape(BASE, STEPS, 512, 512),), phases=(Phase.ENCODE, Phase.DECODE)
)


@dataclass(frozen=True)
class Seen:
    """Both bars at one moment: shares from 0 to 1, remaining times in seconds, None for none."""

    elapsed_s: float
    queued: float
    queued_left_s: float | None
    finished: float
    finished_left_s: float | None
    label: str


class DemoJob:
    """One job: at each of its moments, something is told to the followed job.

    Args:
        durations: what earlier jobs have taught; this one adds to it at its end.
        clock: seconds.
        step_s: what the GPU takes for a step.
    """

    def __init__(self, durations: Durations, clock: Clock, step_s: float = STEP_S) -> None:
        self._durations = durations
        self._step_s = step_s
        self._queued = 0
        self._ledger = Ledger()
        self._job = Job(SyncMode.RUN_AHEAD, _SHAPE, durations.memory_for(_SHAPE), clock)

    def moments(self) -> Iterator[tuple[float, Callable[[], None]]]:
        """Return what happens, each with its time in seconds after the job began, in their order."""
        moments = [(0.0, self._begin_pass)]
        moments += [(QUEUE_S * (step + 1), self._queue_step) for step in range(STEPS)]
        moments += [(QUEUE_S * (STEPS + 1), self._begin_decode)]
        moments += [(ENCODE_S + self._step_s * (step + 1), self._finish_step) for step in range(STEPS)]
        moments += [(ENCODE_S + self._step_s * STEPS + DECODE_S, self._deliver)]
        return iter(sorted(moments, key=lambda moment: moment[0]))

    def look(self) -> Seen:
        """Return both bars as they stand."""
        snapshot = self._job.snapshot()
        # SD.Next's formula, over the steps that are queued.
        share = round(min(1.0, self._queued / STEPS), 2)
        left_s = snapshot.elapsed_s / share - snapshot.elapsed_s if share else None
        return Seen(snapshot.elapsed_s, share, left_s, snapshot.fraction, snapshot.eta_s, snapshot.label)

    def _begin_pass(self) -> None:
        self._job.begin_part(Phase.ENCODE)
        self._job.leave_part()
        part, self._ledger = self._job.begin_pass()
        self._job.expect_total(part, STEPS)

    def _queue_step(self) -> None:
        self._ledger.record_launch()
        self._queued += 1

    def _finish_step(self) -> None:
        self._ledger.record_completion(self._ledger.completed)

    def _begin_decode(self) -> None:
        self._job.leave_part()
        self._job.begin_part(Phase.DECODE)

    def _deliver(self) -> None:
        self._job.deliver()
        self._durations.learn(_SHAPE, self._job.parts)


def run_demo(out: TextIO, clock: Clock = SYSTEM_CLOCK, sleep: Callable[[float], None] = time.sleep) -> int:
    """Show the job, and say in the end how far off each bar was; return 0."""
    durations = Durations()
    _run_unseen(durations)
    print(f"{_wrap(INTRODUCTION, out)}\n", file=out)
    began_s = clock()
    job = DemoJob(durations, clock)
    seen: list[Seen] = []
    line = Line(out)
    for at_s, happen in job.moments():
        while (left_s := began_s + at_s - clock()) > 0:
            sleep(min(left_s, REDRAW_S))
            seen.append(job.look())
            line.draw(seen[-1])
        happen()
    line.draw(job.look())
    line.end()
    print(f"\n{_wrap(describe(seen, clock() - began_s), out)}", file=out)
    return 0


def describe(seen: list[Seen], total_s: float) -> str:
    """Return what came of both bars, in two sentences and a hint."""
    count = max(len(seen), 1)
    off_queued = sum(abs(one.queued - one.elapsed_s / total_s) for one in seen) / count
    off_finished = sum(abs(one.finished - one.elapsed_s / total_s) for one in seen) / count
    full_s = next((one.elapsed_s for one in seen if one.queued >= FULL), total_s)
    return (
        f"Queued:   100 % after {full_s:.1f} s, and the picture came after {total_s:.1f} s; off by "
        f"{off_queued:.0%} of the job in the mean.\n"
        f"Finished: off by {off_finished:.1%}, as learned from one job before, which was faster.\n\n"
        "In a script of your own: from zluda_sync import track; with track(pipe): pipe(...)"
    )


class Line:
    """One line of a terminal that is drawn over and over; elsewhere, a line each second.

    It never wraps, or each time it is drawn would leave a line behind: in a narrow terminal the label is
    left out, then the times left.

    Args:
        out: where it is written.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._is_terminal = out.isatty()
        self._drawn_s = -1.0
        self._columns = _find_columns(out) - 1  # behind the last one some terminals wrap at once
        room = self._columns - _SHARE_COLUMNS - 2 * _MIN_COLUMNS
        self._has_left = room >= _LEFT_COLUMNS
        self._has_label = room >= _LEFT_COLUMNS + _LABEL_COLUMNS
        room -= self._has_left * _LEFT_COLUMNS + self._has_label * _LABEL_COLUMNS
        self._bar_columns = max(_MIN_COLUMNS, min(_MAX_COLUMNS, _MIN_COLUMNS + room // 2))
        self._full, self._empty = ("█", "░") if _can_write(out, "█░") else ("#", ".")

    def draw(self, seen: Seen) -> None:
        """Draw both bars, with the time left and the clock."""
        if not self._is_terminal and seen.elapsed_s < self._drawn_s + 1.0:
            return
        self._drawn_s = seen.elapsed_s
        queued = self._build(seen.queued, seen.queued_left_s)
        finished = self._build(seen.finished, seen.finished_left_s)
        label = f" {seen.label:<{_LABEL_COLUMNS - 1}}" if self._has_label else ""
        text = f"{queued} | {finished}{label} {seen.elapsed_s:4.1f} s"
        self._out.write(f"\r{text[: self._columns]}" if self._is_terminal else f"{text}\n")
        self._out.flush()

    def end(self) -> None:
        """Leave the line as it stands."""
        if self._is_terminal:
            self._out.write("\n")

    def _build(self, share: float, left_s: float | None) -> str:
        full = round(share * self._bar_columns)
        bar = f"{self._full * full}{self._empty * (self._bar_columns - full)} {share:4.0%}"
        left = "" if left_s is None else f"{left_s:.0f} s left"
        return f"{bar} {left:<9}" if self._has_left else bar


def _find_columns(out: TextIO) -> int:
    return shutil.get_terminal_size().columns if out.isatty() else _ELSEWHERE_COLUMNS


def _wrap(text: str, out: TextIO) -> str:
    """Return the text with its lines broken between words, as wide as the terminal at most."""
    columns = min(_find_columns(out), _ELSEWHERE_COLUMNS) - 1
    return "\n".join(textwrap.fill(line, columns) for line in text.splitlines())


def _can_write(out: TextIO, text: str) -> bool:
    try:
        text.encode(out.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _run_unseen(durations: Durations) -> None:
    """Run one job in no time, for the next to learn from."""
    now = [0.0]
    for at_s, happen in DemoJob(durations, lambda: now[0], EARLIER_SHARE * STEP_S).moments():
        now[0] = at_s
        happen()
