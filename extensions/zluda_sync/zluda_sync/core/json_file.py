"""A small JSON file of ours in the user's data folder: written whole or not at all, never trusted blindly."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

from zluda_sync.core.whole_file import reason_of, replacing

Content = TypeVar("Content")


class JsonFile(Generic[Content]):
    """Loads and saves one object.

    Args:
        path: the file; its folder is made when something is saved.
        what: is kept in it, for messages.
        parse: makes the object of the JSON tree; ValueError if that is not one.
        warn: told in one sentence what is wrong and what was done about it.
    """

    def __init__(
        self, path: Path, what: str, parse: Callable[[Any], Content], warn: Callable[[str], None]
    ) -> None:
        self._path = path
        self._what = what
        self._parse = parse
        self._warn = warn

    def load(self) -> Content | None:
        """Return what is kept, None if nothing is. A file that cannot be read is set aside."""
        try:
            return self._parse(json.loads(self._path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            aside = self._path.with_suffix(".broken.json")
            try:
                self._path.replace(aside)
                where = f"kept as {aside}"
            except OSError:
                where = "left where it is"
            self._warn(f"{self._what} in {self._path} cannot be used ({error}); {where}, beginning anew")
            return None

    def save(self, tree: Any) -> None:
        """Write a JSON tree; a reader finds the old file or the new one, never half of one."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(self._path) as new:
                new.write_text(json.dumps(tree, indent=1), encoding="utf-8")
        except OSError as error:
            # The same words each time: what has been said is not said again after each job.
            self._warn(
                f"{self._what} cannot be saved to {self._path} ({reason_of(error)}); lasts until SD.Next ends"
            )
