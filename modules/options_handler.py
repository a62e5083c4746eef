"""Stand-in for SD.Next's modules/options_handler.py: the settings and their file, config.json.

Unlike SD.Next's, `save` has finished writing when it returns, and there is no separate file for secrets.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from modules import errors
from modules.logger import log
from modules.options import OptionInfo


class Options:
    """Settings as attributes. `data` holds what was set or loaded, `data_labels` what is registered.

    Keys of `data` that nobody registered, nested dicts included, survive load and save.
    A registered key that equals its default is not written.
    """

    data_labels: dict[str, OptionInfo]
    data: dict[str, Any]
    filename: str

    def __init__(self, options_templates: dict[str, OptionInfo] | None = None, *, filename: str = "") -> None:
        own = super().__setattr__
        own("data_labels", options_templates if options_templates is not None else {})
        own("data", {})
        own("filename", filename)
        own("save_lock", threading.Lock())
        if filename:
            self.load()

    def __getattr__(self, item: str) -> Any:
        if item in ("data", "data_labels"):  # asked for before __init__ ran, as copy and pickle do
            raise AttributeError(item)
        if item in self.data:
            return self.data[item]
        if item in self.data_labels:
            return self.data_labels[item].default
        raise AttributeError(item)

    def __setattr__(self, key: str, value: Any) -> None:
        if key in self.data_labels or key in self.data:
            self.data[key] = value
        else:
            super().__setattr__(key, value)

    def get(self, item: str) -> Any:
        """The value of `item`, its default if it was never set."""
        return getattr(self, item)

    def get_default(self, key: str) -> Any:
        """The registered default, None for an unregistered key."""
        return self.data_labels[key].default if key in self.data_labels else None

    def set(self, key: str, value: Any, force: bool = False) -> bool:
        """Set a registered or loaded option and call its onchange; False if nothing changed."""
        old = self.data.get(key)
        if old is None:
            if key not in self.data_labels:
                log.warning(f"Settings: key={key} unknown")
                return False
            old = self.data_labels[key].default
        if old == value and not force:
            return False
        self.data[key] = value
        onchange = self.data_labels[key].onchange if key in self.data_labels else None
        if onchange is not None:
            try:
                onchange()
            except Exception as e:  # noqa: BLE001 - onchange belongs to an extension
                errors.display(e, f"Settings: onchange of {key}")
                self.data[key] = old
                return False
        return True

    def add_option(self, key: str, info: OptionInfo) -> None:
        """Register an option; registering it again replaces the description and keeps the value."""
        self.data_labels[key] = info

    def onchange(self, key: str, func: Callable[[], Any], call: bool = True) -> None:
        """Have `func` called whenever `key` changes, and at once unless `call` is False."""
        self.data_labels[key].onchange = func
        if call:
            func()

    def list(self) -> list[str]:
        """Keys that the settings page shows."""
        return [key for key, info in self.data_labels.items() if info.visible]

    def load(self) -> None:
        """Read the file. A file that is not JSON is set aside as `<name>.broken`, never overwritten."""
        try:
            loaded = dict(json.loads(Path(self.filename).read_text(encoding="utf-8")))
        except FileNotFoundError:
            loaded = {}
        except (OSError, ValueError, TypeError) as e:
            log.error(f'Settings: cannot read "{self.filename}" ({e}); using defaults')
            if Path(self.filename).is_file():
                shutil.copyfile(self.filename, f"{self.filename}.broken")
            loaded = {}
        super().__setattr__("data", loaded)

    def save_atomic(self) -> bool:
        """Write the file whole or not at all; a failure is one log line, and the values stay in memory."""
        labels = self.data_labels
        changed = {k: v for k, v in self.data.items() if k not in labels or labels[k].default != v}
        temporary = None
        try:
            text = json.dumps(changed, indent=2)
            with self.save_lock:
                folder = Path(self.filename).resolve().parent
                with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=folder, delete=False) as file:
                    temporary = Path(file.name)
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(self.filename)
            return True
        except (OSError, TypeError, ValueError) as e:
            log.error(f'Settings: cannot write "{self.filename}" ({e}); changes last until the host stops')
            if temporary is not None:
                temporary.unlink(missing_ok=True)
            return False

    def save(self, silent: bool = False) -> None:
        """Write the file if there is one; see `save_atomic`."""
        if self.filename:
            self.save_atomic()
