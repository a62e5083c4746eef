"""Which kinds of jobs were seen to run ahead of the GPU in use, though a self-test shows that it holds back.

A captured graph, or a compiled model, is one launch where there were a thousand: what holds the host back
after so many launches never does so then.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from zluda_sync.core.files import JsonFile
from zluda_sync.core.learning.late_saver import LateSaver

FORMAT_VERSION = 1
#: Kinds of jobs that are remembered, the newest.
MOST_KEPT = 60
#: No job has more steps.
MOST_STEPS = 100_000


class Sightings:
    """Remembers how many steps ahead the host was seen, by kind of job. Any thread may ask and tell.

    Args:
        folder: the user's data folder.
        warn: told in one sentence of a file that cannot be used.
        saver: writes the file.
    """

    def __init__(self, folder: Path, warn: Callable[[str], None], saver: LateSaver) -> None:
        self._file = JsonFile(folder / "zluda_sync" / "seen_ahead.json", "what was seen ahead", _parse, warn)
        self._saver = saver
        self._steps: dict[str, int] | None = None
        self._lock = threading.Lock()

    @property
    def is_empty(self) -> bool:
        """Whether the host was never seen ahead."""
        with self._lock:
            return not self._loaded()

    def find(self, kind: str) -> int | None:
        """Return how many steps ahead the host was seen in jobs of this kind, None if it was not.

        Args:
            kind: digest of the device and of what makes its jobs fast.
        """
        with self._lock:
            return self._loaded().get(kind)

    def keep(self, kind: str, steps: int) -> None:
        """The host was seen so many steps ahead in a job of this kind; waits for no disk."""
        with self._lock:
            others = {one: known for one, known in self._loaded().items() if one != kind}
            self._steps = dict([*others.items(), (kind, steps)][-MOST_KEPT:])
        self._saver.save(self._file, self._to_json)

    def _to_json(self) -> dict[str, Any]:
        with self._lock:
            return {"version": FORMAT_VERSION, "steps": dict(self._loaded())}

    def _loaded(self) -> dict[str, int]:
        if self._steps is None:
            self._steps = self._file.load() or {}
        return self._steps


def _parse(tree: Any) -> dict[str, int]:
    try:
        if tree["version"] != FORMAT_VERSION:
            raise ValueError(f"version {tree['version']} is not {FORMAT_VERSION}")
        steps = {str(kind): int(count) for kind, count in list(tree["steps"].items())[-MOST_KEPT:]}
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"not of the expected form: {error!r}") from error
    if not all(0 < count <= MOST_STEPS for count in steps.values()):
        raise ValueError("a number of steps is out of range")
    return steps
