"""Golden traces: what the host and the device tell a followed job, in order and with times, as JSON.

Recorded from a real run; replayed in the tests under a virtual clock, where a job takes milliseconds.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import inspect
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zluda_sync.core.phase import Phase
from zluda_sync.core.progress.job import Job
from zluda_sync.core.progress.part import Part
from zluda_sync.core.progress.shape import JobShape, PassShape
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.core.steps.policy import SyncMode

FORMAT = 1
JOB_METHODS = (
    "begin_part",
    "begin_pass",
    "expect_total",
    "correct_size",
    "leave_part",
    "end_parts",
    "deliver",
)
#: Of a job's shape, what goes without saying where it is as it is here.
UNSAID = ("phases", "settings", "guidance", "source", "strength", "scripts")

Event = tuple[float, str, tuple[Any, ...]]
"""Milliseconds since the job was asked for, what happened, and its arguments, plain values only."""


@dataclasses.dataclass(frozen=True)
class Trace:
    """One job as it was followed.

    Events: `begin_part` phase role image, `begin_pass` role image, `begin_blocks` total, `leave_part`,
    `end_parts`, `deliver`; and, with the number of the ledger first that a pass or a row of blocks has
    brought, `expect_total` ledger total, `correct_size` ledger pixels, `launch` ledger, `complete` ledger
    step.
    """

    name: str
    mode: SyncMode
    shape: JobShape
    events: tuple[Event, ...]

    @property
    def total_s(self) -> float:
        """From the request to the delivered pictures."""
        return self.events[-1][0] / 1000

    def write(self, file: Path) -> None:
        """Write it with one event a line, so that two recordings can be compared."""
        head = {
            "format": FORMAT,
            "name": self.name,
            "mode": self.mode.value,
            "shape": _shape_to_json(self.shape),
        }
        lines = ",\n".join(
            json.dumps([round(at_ms, 1), what, *arguments]) for at_ms, what, arguments in self.events
        )
        file.write_text(f'{json.dumps(head)[:-1]}, "events": [\n{lines}\n]}}\n', encoding="utf-8")

    @classmethod
    def read(cls, file: Path) -> Trace:
        """Read what `write` wrote.

        Raises:
            ValueError: it has another format.
        """
        tree = json.loads(file.read_text(encoding="utf-8"))
        if tree["format"] != FORMAT:
            raise ValueError(f"{file.name} has format {tree['format']}, not {FORMAT}")
        passes = tuple(PassShape(**one) for one in tree["shape"].pop("passes"))
        events = tuple((at_ms, what, tuple(arguments)) for at_ms, what, *arguments in tree["events"])
        return cls(tree["name"], SyncMode(tree["mode"]), JobShape(passes=passes, **tree["shape"]), events)


class TraceReplay:
    """A job that is told a trace again, event by event; its clock stands where `advance` has put it."""

    def __init__(self, trace: Trace, memory: Any = None) -> None:
        self._events = iter(trace.events)
        self._next: Event | None = next(self._events, None)
        self._newest: Part | None = None
        self._ledgers: list[tuple[Part, Ledger]] = []
        self.now_s = 0.0
        self.job = Job(trace.mode, trace.shape, memory, clock=lambda: self.now_s, began_at_s=0.0)

    def advance(self, until_s: float) -> None:
        """Tell everything that happened up to a time, each at its own time."""
        while self._next is not None and self._next[0] / 1000 <= until_s:
            at_ms, what, arguments = self._next
            self.now_s = at_ms / 1000
            self._tell(what, arguments)
            self._next = next(self._events, None)
        self.now_s = until_s

    def _tell(self, what: str, arguments: tuple[Any, ...]) -> None:
        if what == "begin_part":
            phase, role, image = arguments
            self._newest = self.job.begin_part(Phase(phase), role, image)
        elif what == "begin_pass":
            self._ledgers.append(self.job.begin_pass(*arguments))
        elif what == "begin_blocks" and self._newest is not None:
            self._newest.blocks = Ledger(arguments[0], lambda: self.now_s)
            self._ledgers.append((self._newest, self._newest.blocks))
        elif what in ("leave_part", "end_parts", "deliver"):
            getattr(self.job, what)()
        else:
            part, ledger = self._ledgers[arguments[0]]
            if what in ("expect_total", "correct_size"):
                getattr(self.job, what)(part, arguments[1])
            elif what == "launch":
                ledger.record_launch()
            elif what == "complete":
                ledger.record_completion(arguments[1])
            else:
                raise ValueError(f"unknown event {what!r}")


class TraceRecorder:
    """Notes what the one job is told that runs in the context of `recording`, on whatever thread."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._job: Any = None
        self._ledgers: list[Ledger] = []
        self._is_inside = False
        self._events: list[tuple[float, str, tuple[Any, ...]]] = []

    @contextlib.contextmanager
    def recording(self) -> Iterator[None]:
        """A context in which jobs are listened to; they behave as ever."""
        with contextlib.ExitStack() as undo:
            for method in JOB_METHODS:
                self._listen(undo, Job, method, what=method)
            self._listen(undo, Ledger, "record_launch", what="launch")
            self._listen(undo, Ledger, "record_completion", what="complete")
            yield

    def build(self, name: str) -> Trace:
        """Return what was recorded up to the delivery.

        Raises:
            ValueError: no job was followed, or it did not end.
        """
        with self._lock:
            if self._job is None or not any(what == "deliver" for _, what, _ in self._events):
                raise ValueError(f"{name}: no job was followed to its end")
            asked_s = self._job.began_at_s
            ended = next(index for index, (_, what, _) in enumerate(self._events) if what == "deliver")
            events = tuple(
                ((at_s - asked_s) * 1000, what, arguments)
                for at_s, what, arguments in self._events[: ended + 1]
            )
            return Trace(name, self._job.mode, self._job.shape, events)

    def _listen(self, undo: contextlib.ExitStack, owner: Any, method: str, what: str) -> None:
        original = getattr(owner, method)
        signature = inspect.signature(original)
        recorder = self

        @functools.wraps(original)
        def listened(told: Any, *args: Any, **kwargs: Any) -> Any:
            bound = signature.bind(told, *args, **kwargs)
            bound.apply_defaults()
            with recorder._lock:
                if recorder._is_inside:  # what a job tells itself follows from what it was told
                    return original(told, *args, **kwargs)
                recorder._is_inside = True
                try:
                    result = original(told, *args, **kwargs)
                finally:
                    recorder._is_inside = False
                recorder._note(told, what, list(bound.arguments.values())[1:], result)
                return result

        setattr(owner, method, listened)
        undo.callback(setattr, owner, method, original)

    def _note(self, told: Job | Ledger, what: str, arguments: list[Any], result: Any) -> None:
        now_s = told.clock() if isinstance(told, Job) else told.now_s()
        if what == "begin_pass":
            self._ledgers.append(result[1])
        if isinstance(told, Job):
            self._job = told
        else:
            arguments = [told, *arguments]
            if told not in self._ledgers:  # of no pass, so of the blocks of the part under way
                self._ledgers.append(told)
                self._events.append((now_s, "begin_blocks", (told.total,)))
        self._events.append((now_s, what, tuple(map(self._plain, arguments))))

    def _plain(self, value: Any) -> Any:
        if isinstance(value, Part):
            value = value.ledger
        if isinstance(value, Ledger):
            return self._ledgers.index(value)
        return value.value if isinstance(value, Phase) else value


def _shape_to_json(shape: JobShape) -> dict[str, Any]:
    """Return a job's shape; phases are those of SD.Next in every trace."""
    values, plain = dataclasses.asdict(shape), dataclasses.asdict(JobShape())
    for one in values["passes"]:
        if not one["is_from_picture"]:
            del one["is_from_picture"]
    return {
        name: value
        for name, value in values.items()
        if name not in UNSAID or (name != "phases" and value != plain[name])
    }
