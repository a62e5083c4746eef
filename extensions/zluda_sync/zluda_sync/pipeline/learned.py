"""Learning: what finished jobs took, kept in the user's data folder for the jobs to come."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from zluda_sync.core.files import JsonFile
from zluda_sync.core.progress.durations import Durations, ShapeMemory
from zluda_sync.core.progress.job import Job
from zluda_sync.core.progress.shape import JobShape


class Learning:
    """Loads what was learned when it is first needed, and saves it after each job.

    Args:
        folder: the user's data folder.
        warn: told in one sentence of a file that cannot be used.
    """

    def __init__(self, folder: Path, warn: Callable[[str], None]) -> None:
        file = folder / "zluda_sync" / "durations.json"
        self._file = JsonFile(file, "learned durations", Durations.from_json, warn)
        self._durations: Durations | None = None

    def memory_for(self, shape: JobShape | None) -> ShapeMemory | None:
        """Return what is known for jobs of this shape, None for one of no known shape."""
        return self._loaded().memory_for(shape) if shape is not None else None

    def learn(self, job: Job) -> None:
        """Keep how long the parts of a job took that ended as it should."""
        if job.passes and job.shape is not None:
            self._loaded().learn(job.shape, job.parts)
            self._file.save(self._loaded().to_json())

    def _loaded(self) -> Durations:
        if self._durations is None:
            self._durations = self._file.load() or Durations()
        return self._durations
