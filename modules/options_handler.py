"""Stand-in for SD.Next's modules/options_handler.py: the settings and their file, config.json."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
from pathlib import Path
from typing import Any

from modules import errors
from modules.errors import log
from modules.options import OptionInfo


class Options:
    """Settings as attributes. `data` holds what was set or loaded, `data_labels` what is registered.

    Keys of `data` that nobody registered, nested dicts included, survive load and save.
    A registered key that equals its default is not written.
    """

    def __init__(self, data_labels: dict[str, OptionInfo]) -> None:
        self.__dict__.update(data_labels=data_labels, data={}, filename="")

    def __getattr__(self, item: str) -> Any:
        try:
            return self.data[item] if item in self.data else self.data_labels[item].default
        except KeyError:
            raise AttributeError(item) from None

    def __setattr__(self, key: str, value: Any) -> None:
        if key in self.data_labels or key in self.data:
            self.data[key] = value
        else:
            super().__setattr__(key, value)

    def get(self, item: str) -> Any:
        """The value of `item`, its default if it was never set."""
        return getattr(self, item)

    def values(self) -> dict[str, Any]:
        """Every registered option and everything else in config.json."""
        return {k: v.default for k, v in self.data_labels.items()} | self.data

    def set(self, key: str, value: Any) -> bool:
        """Set an option and call its onchange; False if it is unknown, unchanged, or the onchange failed."""
        known = self.values()
        if key not in known:
            log.warning(f"Settings: key={key} unknown")
        if key not in known or known[key] == value:
            return False
        self.data[key] = value
        onchange = self.data_labels[key].onchange if key in self.data_labels else None
        try:
            if onchange is not None:
                onchange()
        except Exception as e:  # noqa: BLE001 - onchange belongs to an extension
            errors.display(e, f"Settings: onchange of {key}")
            self.data[key] = known[key]
            return False
        return True

    def add_option(self, key: str, info: OptionInfo) -> None:
        """Register an option; registering it again replaces the description and keeps the value."""
        self.data_labels[key] = info

    def load(self) -> None:
        """Read the file. A file that is not JSON is set aside as `<name>.broken`, never overwritten."""
        self.data.clear()
        try:
            self.data.update(json.loads(Path(self.filename).read_text(encoding="utf-8")))
        except FileNotFoundError:
            pass
        except (OSError, ValueError, TypeError) as e:
            log.error(f'Settings: cannot read "{self.filename}" ({e}); using defaults')
            if Path(self.filename).is_file():
                shutil.copyfile(self.filename, f"{self.filename}.broken")

    def save(self, silent: bool = False) -> bool:
        """Save on a thread of its own, as the real one; here it is waited for, and its outcome told."""
        outcomes: list[bool] = []

        def save_atomic() -> None:
            outcomes.append(self.save_atomic(silent))

        thread = threading.Thread(target=save_atomic)
        thread.start()
        thread.join()
        return outcomes == [True]

    def save_atomic(self, silent: bool = False) -> bool:
        """Write the file whole or not at all; a failure is one log line, and the values stay in memory.

        Here it is what its name says; the real one truncates the file first.
        """
        labels = self.data_labels
        changed = {k: v for k, v in self.data.items() if k not in labels or labels[k].default != v}
        temporary = None
        try:
            text = json.dumps(changed, indent=2)
            target = Path(self.filename).resolve()
            with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=target.parent, delete=False) as file:
                temporary = Path(file.name)
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            if target.is_file():
                shutil.copymode(target, temporary)
            temporary.replace(target)
            return True
        except (OSError, TypeError, ValueError) as e:
            log.error(f'Settings: cannot write "{self.filename}" ({e}); changes last until the host stops')
            if temporary is not None:
                temporary.unlink(missing_ok=True)
            return False
