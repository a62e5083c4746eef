"""Runs the lane: each part in a process with a time limit, and a summary that is right at any moment.

Standard library only: this must work where nothing else does.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.lane.parts import PARTS, Part
from bench.lane.report import LOG, TABLES, finish_tables, read_records

ROOT = Path(__file__).resolve().parents[3]
CHILD = Path(__file__).with_name("child.py")
LIMIT_S = 480.0
#: Of the limit, kept for ending a part that hangs and for the summary, in seconds.
RESERVE_S = 6.0
#: How soon before a part is ended it should end itself, in seconds.
NOTICE_S = 3.0
_LOOK_S = 0.1
_END_S = 5.0


@dataclass
class Outcome:
    """What became of a part.

    Attributes:
        part: which one.
        word: done, done in part, failed, timed out, left out.
        took_s: how long it ran.
        what: cases that failed, or why it was left out.
    """

    part: Part
    word: str
    took_s: float = 0.0
    what: str = ""

    @property
    def is_good(self) -> bool:
        """Whether nothing of it is missing."""
        return self.word == "done"


class Lane:
    """One run of the lane.

    Args:
        out: folder for everything that is found; made if it is not there.
        limit_s: the longest that all may take.
        is_quick: whether fewer and shorter cases are wanted.
        is_emulated: whether the emulated device is taken though there may be a card.
        parts: to run, in order.
    """

    def __init__(
        self,
        out: Path,
        limit_s: float = LIMIT_S,
        is_quick: bool = False,
        is_emulated: bool = False,
        parts: Sequence[Part] = PARTS,
    ) -> None:
        self.out, self._is_quick, self._is_emulated = out.absolute(), is_quick, is_emulated
        self._parts = parts
        self._end_s = time.monotonic() + limit_s - RESERVE_S
        self.outcomes: list[Outcome] = []

    def run(self) -> bool:
        """Run all parts, and return whether all were done. Never raises for what a part does."""
        self.out.mkdir(parents=True, exist_ok=True)
        self._write_summary()
        with tempfile.TemporaryDirectory(prefix="zluda_sync_lane_", ignore_cleanup_errors=True) as scratch:
            site = unpack_wheels(ROOT / "wheels", Path(scratch, "site"))
            for part in self._parts:
                left_s = self._end_s - time.monotonic()
                if left_s < part.least_s:
                    outcome = Outcome(part, "left out", 0.0, f"{max(0.0, left_s):.0f} s were left")
                else:
                    print(f"\n=== {part.name}: {part.title}", flush=True)
                    outcome = self._run_part(part, min(part.limit_s, left_s), Path(scratch), site)
                    print(f"=== {part.name}: {outcome.word} in {outcome.took_s:.0f} s", flush=True)
                self.outcomes.append(outcome)
                self._write_summary()
        return all(outcome.is_good for outcome in self.outcomes)

    def _run_part(self, part: Part, limit_s: float, scratch: Path, site: Path | None) -> Outcome:
        began_s = time.monotonic()
        command = [
            sys.executable, str(CHILD), part.module, part.function, "--part", part.name,
            "--out", str(self.out), "--limit-s", str(max(1.0, limit_s - NOTICE_S)),
        ]  # fmt: skip
        command += ["--site", str(site)] if site is not None else []
        command += ["--quick"] if self._is_quick else []
        with (self.out / LOG).open("ab") as log:
            log.write(f"\n=== {part.name}\n".encode())
            log.flush()
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,  # its end tells the part that the runner is gone
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=scratch,
                env=self._build_environment(scratch),
                start_new_session=os.name == "posix",
            )
            shown = self._size_of_tables()
            try:
                while process.poll() is None and time.monotonic() - began_s < limit_s:
                    time.sleep(_LOOK_S)
                    shown = self._show_tables(shown)
            finally:
                was_killed = process.poll() is None
                _kill(process)
                finish_tables(self.out, part.name)
            self._show_tables(shown)
        return self._judge(part, process.returncode, was_killed, time.monotonic() - began_s)

    def _judge(self, part: Part, code: int | None, was_killed: bool, took_s: float) -> Outcome:
        records = read_records(self.out, part.name)
        has_ended = any(record.get("ended") for record in records)
        failed = ", ".join(
            str(record["failed"]) for record in records if isinstance(record.get("failed"), str)
        )
        if has_ended and not failed:
            return Outcome(part, "done", took_s)
        if has_ended:
            return Outcome(part, "failed" if failed == "the part" else "done in part", took_s, failed)
        if was_killed:
            return Outcome(part, "timed out", took_s, failed)
        return Outcome(part, "failed", took_s, f"its process ended with {code}")

    def _build_environment(self, scratch: Path) -> dict[str, str]:
        """Return the environment of a part: no net, and nothing left behind outside of ``scratch``."""
        environment = {
            **os.environ,
            "TMPDIR": str(scratch), "TEMP": str(scratch), "TMP": str(scratch),
            "TRITON_CACHE_DIR": str(scratch / "triton"),
            "TORCHINDUCTOR_CACHE_DIR": str(scratch / "inductor"),
            "XDG_CACHE_HOME": str(scratch / "cache"), "HF_HOME": str(scratch / "hf"),
            "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "DO_NOT_TRACK": "1",
            "TRANSFORMERS_VERBOSITY": "error", "TQDM_DISABLE": "1", "GRADIO_ANALYTICS_ENABLED": "False",
            "PYTHONUNBUFFERED": "1", "PYTHONFAULTHANDLER": "1",
            # Compiled once for all parts, also where the machine's own packages are not, and not beside them.
            "PYTHONPYCACHEPREFIX": str(scratch / "compiled"),
        }  # fmt: skip
        if self._is_emulated:
            environment["CUDA_VISIBLE_DEVICES"] = ""
        return environment

    def _size_of_tables(self) -> int:
        tables = self.out / TABLES
        return tables.stat().st_size if tables.exists() else 0

    def _show_tables(self, shown: int) -> int:
        """Print what parts have added to the tables, and return how far it is printed now."""
        if self._size_of_tables() <= shown:
            return shown
        with (self.out / TABLES).open("rb") as tables:
            tables.seek(shown)
            added = tables.read()
        print(added.decode("utf-8", "replace"), end="", flush=True)
        return shown + len(added)

    def _write_summary(self) -> None:
        machine: dict[str, Any] = {}
        for record in read_records(self.out, "environment"):
            machine.update(record.get("machine") or {})
        (self.out / "summary.md").write_text(build_summary(machine, self.outcomes), encoding="utf-8")


def build_summary(machine: dict[str, Any], outcomes: Sequence[Outcome]) -> str:
    """Return the summary as Markdown."""
    lines = ["# The lane for a real GPU", ""]
    lines += [f"- {name}: {value}" for name, value in machine.items()]
    lines += ["", "| part | what | outcome | seconds | |", "|---|---|---|---|---|"]
    lines += [
        f"| {one.part.name} | {one.part.title} | {one.word} | {one.took_s:.0f} | {one.what} |"
        for one in outcomes
    ]
    done = sum(one.is_good for one in outcomes)
    return "\n".join([*lines, "", f"{done} of {len(outcomes)} parts were done.", ""])


def unpack_wheels(wheels: Path, site: Path) -> Path | None:
    """Unpack the packages that have travelled, and return where they are; None if none have.

    A wheel is an archive of what an installer would put there; nothing of the machine is touched.
    """
    found = sorted(wheels.glob("*.whl"))
    if not found:
        return None
    for wheel in found:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site)
    return site


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a part with all that it has started; one that has ended may have left some behind."""
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    elif process.poll() is None:
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], check=False, capture_output=True)
    if process.stdin is not None:
        process.stdin.close()
    with contextlib.suppress(subprocess.TimeoutExpired):  # one that a driver holds is left to the system
        process.wait(_END_S)


def empty(out: Path) -> None:
    """Remove what an earlier run has left in the folder."""
    for name in (TABLES, LOG, "records.jsonl", "failures.txt", "summary.md"):
        (out / name).unlink(missing_ok=True)
    shutil.rmtree(out / "book", ignore_errors=True)


def choose(names: Sequence[str]) -> tuple[Part, ...]:
    """Return the parts of these names, in their own order; all if none is named.

    Raises:
        ValueError: there is no such part.
    """
    unknown = set(names) - {part.name for part in PARTS}
    if unknown:
        raise ValueError(f"no such part: {', '.join(sorted(unknown))}")
    return tuple(part for part in PARTS if not names or part.name in names)


def read_leads(out: Path) -> int:
    """Return how often anything was reported before it was finished, over all tables."""
    rows = [row for record in read_records(out) for row in record.get("rows", ())]
    return sum(int(row.get("leads") or 0) for row in rows)


def find_added_syncs(out: Path) -> list[str]:
    """Return what `observe` was found to wait for."""
    return [str(record["added"]) for record in read_records(out) if record.get("added")]
