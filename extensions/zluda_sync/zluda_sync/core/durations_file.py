"""The file that keeps what was learned: written whole or not at all, and never trusted blindly."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path

from zluda_sync.core.durations import Durations


class DurationsFile:
    """Loads and saves learned durations.

    Args:
        path: the file; its folder is made when something is saved.
        warn: told in one sentence what is wrong and what was done about it.
    """

    def __init__(self, path: Path, warn: Callable[[str], None]) -> None:
        self._path = path
        self._warn = warn

    def load(self) -> Durations:
        """Return what is kept. A file that cannot be read is set aside, and nothing is known."""
        try:
            return Durations.from_json(json.loads(self._path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return Durations()
        except (OSError, ValueError, RecursionError) as error:
            aside = self._path.with_suffix(".broken.json")
            try:
                self._path.replace(aside)
                where = f"kept as {aside}"
            except OSError:
                where = "left where it is"
            self._warn(f"learned durations in {self._path} cannot be used ({error}); {where}, learning anew")
            return Durations()

    def save(self, durations: Durations) -> None:
        """Write everything; a reader finds the old file or the new one, never half of one."""
        temporary = self._path.with_suffix(f".{os.getpid()}.tmp")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(durations.to_json(), indent=1), encoding="utf-8")
            temporary.replace(self._path)
        except OSError as error:
            with contextlib.suppress(OSError):
                temporary.unlink()
            self._warn(
                f"learned durations cannot be saved to {self._path} ({error}); they last until SD.Next ends"
            )
