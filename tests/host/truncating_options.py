"""Options that save as SD.Next does: on a thread of their own, what stood then, truncating the file first."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

from modules.options_handler import Options


class TruncatingOptions(Options):
    """A save can be held where it has collected what to write, and where it has written half of it.

    Attributes:
        collected, half_written: set when a save has come so far.
        may_truncate, may_finish: cleared by a test that holds saves there.
    """

    def __init__(self, data_labels: dict[str, Any]) -> None:
        super().__init__(data_labels)
        events = ("collected", "half_written", "may_truncate", "may_finish")
        self.__dict__.update({name: threading.Event() for name in events}, threads=[])
        self.may_truncate.set()
        self.may_finish.set()

    def save(self, silent: bool = False) -> None:
        thread = threading.Thread(target=self.save_atomic, args=(silent,))
        self.threads.append(thread)
        thread.start()

    def save_atomic(self, silent: bool = False) -> None:
        labels = self.data_labels
        text = json.dumps({k: v for k, v in self.data.items() if k not in labels or labels[k].default != v})
        self.collected.set()
        assert self.may_truncate.wait(20.0)
        with Path(self.filename).open("w", encoding="utf-8") as file:
            file.write(text[: len(text) // 2])
            file.flush()
            self.half_written.set()
            assert self.may_finish.wait(20.0)
            file.write(text[len(text) // 2 :])

    def wait_for_saves(self) -> None:
        """Let every save end."""
        self.may_truncate.set()
        self.may_finish.set()
        for thread in self.threads:
            thread.join(20.0)
            assert not thread.is_alive()
