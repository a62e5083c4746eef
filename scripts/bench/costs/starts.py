"""What it costs to import the package, and to start the extension in the embedded host."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.costs import start_worker
from bench.costs.cost import Pair, Round

START_S = 0.3


class Worker:
    """A process in which the host and its libraries are loaded; everything in it is done anew each time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(start_worker.__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "TRANSFORMERS_VERBOSITY": "error"},
        )
        while self._answer() != "ready":  # a library may say something first
            pass

    def build_round(self, work: str) -> Round:
        """Return a round of what the worker knows by this name."""

        def do_round() -> float:
            assert self._process.stdin is not None
            print(work, file=self._process.stdin, flush=True)
            return float(self._answer())

        return do_round

    def close(self) -> None:
        """End it."""
        self._process.communicate(timeout=20)

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the host in a process of its own has ended: {self._process.wait(20)}")
        return line.strip()


class Workers:
    """The one worker, which all costs of starting use; it lives until :meth:`close`."""

    def __init__(self) -> None:
        self._worker: Worker | None = None

    @contextlib.contextmanager
    def open(self, work: str) -> Iterator[Pair]:
        """A context with a round of what the worker knows by this name."""
        self._worker = self._worker or Worker()
        do_round = self._worker.build_round(work)
        do_round()  # compiles
        yield Pair(do_round, self._worker.build_round("plain"))

    def close(self) -> None:
        """End the worker."""
        if self._worker is not None:
            self._worker.close()
        self._worker = None


WORKERS = Workers()
