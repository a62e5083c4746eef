"""The last jobs, kept over restarts of the host in a journal: a line for each job that begins and that ends.

Lines are appended by a thread of its own. A kill at any moment leaves at most one torn line, which is not
read; from time to time the journal is written anew, whole. A job that began and has no end was lost.
"""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path

from zluda_sync.core.files import FileLock, reason_of, replacing
from zluda_sync.core.guard import Guard
from zluda_sync.core.records.job_record import JobRecord, Outcome
from zluda_sync.core.records.kept_form import read_record, write_record

FORMAT_VERSION = 1
#: Jobs that are kept.
MOST_KEPT = 200
#: After so many more jobs the journal is written anew. With the bound of one record: 5 MB at most, on disk
#: and in memory; a job of 20 steps takes 3 kB, so that 200 of them take 0.6 MB.
MOST_APPENDED = 100
#: Hosts that run at the same time and share a data folder have a journal each.
MOST_SLOTS = 4
#: What is still to be written is waited for so long when the host ends, in seconds.
END_LIMIT_S = 2.0
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class KeptJobs:
    """Keeps records of jobs. Who runs a job only puts its record into a queue.

    Args:
        file: the journal. Others that run at the same time have one beside it, with a number in its name.
        is_wanted: whether the user wants jobs kept. If not, nothing is read and nothing written; what is
            there stays as it is.
        warn: told in one sentence of what cannot be read or written.
    """

    def __init__(self, file: Path, is_wanted: Callable[[], bool], warn: Callable[[str], None]) -> None:
        self._file = file
        self._is_wanted = is_wanted
        self._warn = warn
        self._lines: dict[str, _Line] = {}  # by id, replaced whole
        self._lines_of_others: dict[str, _Line] = {}
        self._guard = Guard.saying(warn)
        self._journal: _Journal | None = None
        self._numbers, self._unkept_numbers = count(1), count(1)
        self._prefix = ""
        self._unkept_prefix = _base36(time.time_ns() // 10_000_000)
        self._queue: queue.SimpleQueue[JobRecord | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._is_closed = False
        if any(journal.exists for journal in self._all_journals()) and is_wanted():
            self._open()

    def new_id(self) -> str:
        """Return an id that no job of this data folder has.

        They count up over restarts, which the journal knows. Without one they begin with the time.
        """
        if self._is_wanted() and self._open():
            return f"{self._prefix}{next(self._numbers)}"
        return f"{self._unkept_prefix}-{next(self._unkept_numbers)}"

    def put(self, record: JobRecord) -> None:
        """Keep a job that begins or has ended; returns at once."""
        if self._is_closed or not self._is_wanted():
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="zluda_sync-records", daemon=True)
            self._thread.start()
        self._queue.put(record)

    def find(self, job_id: str) -> JobRecord | None:
        """Return the job of this id that has ended, None if it is not kept."""
        line = self._lines.get(job_id) or self._lines_of_others.get(job_id)
        record = line.record if line is not None else None
        return record if record is not None and record.outcome is not Outcome.RUNNING else None

    @property
    def newest_first(self) -> tuple[JobRecord, ...]:
        """All jobs that are kept and have ended."""
        lines = (*self._lines.values(), *self._lines_of_others.values())
        records = (line.record for line in lines)
        ended = [one for one in records if one is not None and one.outcome is not Outcome.RUNNING]
        return tuple(sorted(ended, key=lambda one: one.began_at_s, reverse=True))

    def close(self) -> None:
        """Write what is still to be written, for a limited time, and let the journal go."""
        thread = self._thread
        if thread is not None:
            self._queue.put(None)
            thread.join(END_LIMIT_S)
        with self._lock:
            self._is_closed = True
            journal, self._journal = self._journal, None
        if journal is not None:
            journal.close()

    def _all_journals(self) -> list[_Journal]:
        return [_Journal(self._file, slot, self._warn) for slot in range(1, MOST_SLOTS + 1)]

    def _run(self) -> None:
        while (record := self._queue.get()) is not None:
            with self._guard.watching("a job cannot be kept"):
                self._write(record)

    def _write(self, record: JobRecord) -> None:
        if not self._open():
            return
        line = _Line(write_record(record), record.id)
        others = {job_id: one for job_id, one in self._lines.items() if job_id != record.id}
        self._lines = _newest({**others, record.id: line})
        journal = self._journal
        if journal is None:
            return  # closed meanwhile
        try:
            journal.append(line.text, self._own_texts)
        except OSError as error:
            # The same words each time: what has been said is not said again after each job.
            why = reason_of(error)
            self._warn(
                f"records of jobs cannot be saved to {self._file} ({why}); they last until SD.Next ends"
            )

    def _own_texts(self) -> list[str]:
        return [line.text for line in self._lines.values()]

    def _open(self) -> bool:
        """Take a journal that nobody else has, and read all that there are; once. False if none is left."""
        with self._lock:
            if self._journal is not None or self._is_closed:
                return self._journal is not None
            journals = self._all_journals()
            own = next((one for one in journals if one.take()), None)
            if own is None:
                folder = self._file.parent
                self._warn(f"records of jobs are not kept: {MOST_SLOTS} hosts use {folder} already")
                return False
            self._lines = _newest(own.load(is_own=True))
            for other in journals:
                if other is not own:
                    self._lines_of_others.update(_newest(other.load(is_own=False)))
            numbers = (job_id.removeprefix(own.prefix).partition(".")[0] for job_id in self._lines)
            self._numbers = count(1 + max((int(one) for one in numbers if one.isdecimal()), default=0))
            self._prefix, self._journal = own.prefix, own
            return True


class _Line:
    """One job as it stands in a journal; its record is made when it is asked for."""

    def __init__(self, text: str, job_id: str) -> None:
        self.text = text
        self.id = job_id
        self._record: JobRecord | None = None

    @property
    def record(self) -> JobRecord | None:
        """The record, None if this version cannot read it."""
        if self._record is None:
            with suppress(ValueError, RecursionError):
                self._record = read_record(json.loads(self.text))
        return self._record


class _Journal:
    """One file, for the host that has taken it.

    Args:
        file: of the first host.
        slot: which of the files that lie beside each other.
        warn: told in one sentence of what cannot be read.

    Attributes:
        prefix: of the ids in it, so that they differ from those of the other hosts.
    """

    def __init__(self, file: Path, slot: int, warn: Callable[[str], None]) -> None:
        self._path = file if slot == 1 else file.with_stem(f"{file.stem}-{slot}")
        self._lock = FileLock(self._path.with_suffix(".lock"))
        self._warn = warn
        self._appended = 0
        self._is_to_be_written_anew = True
        self.prefix = "" if slot == 1 else f"{slot}-"

    @property
    def exists(self) -> bool:
        """Whether there is anything in it."""
        return self._path.exists()

    def take(self) -> bool:
        """Take the file, until :meth:`close` or the end of the process; False if another process has it."""
        return self._lock.take()

    def close(self) -> None:
        """Let it go."""
        self._lock.let_go()

    def load(self, is_own: bool) -> dict[str, _Line]:
        """Return its lines by the ids of their jobs; those of a job that never ended say that it is lost.

        Args:
            is_own: whether the file is taken: then what cannot be read is set aside, and no job in it runs.
        """
        try:
            header, *texts = self._path.read_bytes().decode("utf-8", "replace").splitlines()
            self._check(header)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            if is_own:
                self._set_aside(error)
            return {}
        lines: dict[str, _Line] = {}
        for text in texts:
            with suppress(ValueError, RecursionError, TypeError, KeyError):  # torn, or of no form at all
                tree = json.loads(text)
                job_id = str(tree["id"])
                lines.pop(job_id, None)
                if tree["outcome"] != Outcome.RUNNING.value:
                    lines[job_id] = _Line(text, job_id)
                elif is_own:
                    lost = replace(read_record(tree), outcome=Outcome.LOST, duration_s=None)
                    lines[job_id] = _Line(write_record(lost), job_id)
        return lines

    def append(self, text: str, find_all: Callable[[], list[str]]) -> None:
        """Append a line; or write all lines anew, with this one among them, where that is due.

        Raises:
            OSError: it cannot be written; the file is as it was, or has a torn line at its end.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._is_to_be_written_anew or not self._path.exists():
            with replacing(self._path) as new:
                new.write_text("\n".join([_HEADER, *find_all(), ""]), encoding="utf-8")
            self._appended, self._is_to_be_written_anew = 0, False
            return
        self._appended += 1
        self._is_to_be_written_anew = self._appended >= 2 * MOST_APPENDED  # each job has two lines
        try:
            with self._path.open("ab") as file:
                file.write(f"{text}\n".encode())
        except OSError:
            self._is_to_be_written_anew = True
            raise

    @staticmethod
    def _check(header: str) -> None:
        tree = json.loads(header)
        version = tree.get("version") if isinstance(tree, dict) else None
        if version != FORMAT_VERSION:
            raise ValueError(f"version {version} is not {FORMAT_VERSION}")

    def _set_aside(self, error: Exception) -> None:
        aside = self._path.with_suffix(f".broken{self._path.suffix}")
        try:
            self._path.replace(aside)
            where = f"kept as {aside}"
        except OSError:
            where = "left where it is"
        self._warn(f"records of jobs in {self._path} cannot be used ({error}); {where}, beginning anew")


_HEADER = json.dumps({"version": FORMAT_VERSION})


def _newest(lines: dict[str, _Line]) -> dict[str, _Line]:
    return dict(list(lines.items())[-MOST_KEPT:])


def _base36(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return text
