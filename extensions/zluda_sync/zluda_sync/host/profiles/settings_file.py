"""The host's settings file: only entries of ours are changed in it, all of them or none."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from zluda_sync.core.files import replacing
from zluda_sync.host.profiles.save_turns import HostSaves, others_kept_off
from zluda_sync.host.sdnext import SdNext

#: Stands for an entry that the file is not to have.
ABSENT = object()
#: A file that is no JSON may be half written by another process: how often it is read, and with what pause.
READS, READ_PAUSE_S = 20, 0.05
#: Where a file cannot be replaced: no right to its folder, or it is mounted by itself.
_IN_PLACE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY, errno.EXDEV)


#: How often a save begins anew because somebody has changed the file who does not heed the lock.
MOST_SAVES = 20
_State = tuple[int, int, int] | None


class _ChangedMeanwhileError(Exception):
    """The file is not what was read."""


class SettingsFile:
    """Changes entries of the file.

    The rest of it stays as it is: what a running request has set for itself stands in the host's memory, and
    must not get into the file, and what another process or the user has written there must not be lost.

    Args:
        host: whose file it is.
        saves: keeps the host's own saves off.
    """

    def __init__(self, host: SdNext, saves: HostSaves) -> None:
        self._host = host
        self._saves = saves
        self._is_partial = False

    @property
    def path(self) -> Path:
        """Where it is."""
        return Path(os.path.abspath(self._host.settings_file))  # noqa: PTH100  as the host does: links stay

    def change(
        self, apply: Callable[[dict[str, Any] | None], Mapping[str, Any]], may_ask_host: bool = True
    ) -> Exception | None:
        """Change entries in the host's memory first, and then in the file.

        Args:
            apply: given what the file has, None if there is no file that can be read; changes the memory, and
                returns the entries as the file is to have them. What it raises ends the change.
            may_ask_host: whether the host's memory may be written where there is no file that can be read;
                otherwise the file has nothing but the entries then.
        Returns:
            Why the file does not have them, None if it has. It is whole either way.
        Raises:
            TimeoutError: another save does not end; nothing was changed.
        """
        with self._saves.turn(), others_kept_off(self.path):
            self._saves.wait_for_begun()
            entries = apply(self.read())
            # Saves that have begun meanwhile may know nothing of the change yet: ours must be the last.
            self._saves.wait_for_begun()
            try:
                self._save(entries, may_ask_host)
            except (OSError, ValueError, TypeError) as error:
                return error
        return None

    def read(self) -> dict[str, Any] | None:
        """Return what the file has, None if it is not there or cannot be used.

        One that is half written by somebody else is waited for.
        """
        with contextlib.suppress(OSError):
            for _ in range(READS):
                with contextlib.suppress(ValueError, RecursionError):
                    return parse(self.path.read_bytes())
                time.sleep(READ_PAUSE_S)
        return None

    def _save(self, entries: Mapping[str, Any], may_ask_host: bool) -> None:
        for _ in range(MOST_SAVES):
            with contextlib.suppress(_ChangedMeanwhileError):
                self._save_over(_state_of(self.path), entries, may_ask_host)
                return
        raise OSError(errno.EBUSY, "somebody else writes to it all the while")

    def _save_over(self, state: _State, entries: Mapping[str, Any], may_ask_host: bool) -> None:
        """Save if the file is still as it was in this state.

        Raises:
            _ChangedMeanwhileError: it is not.
        """
        stored = self.read()
        before = stored or {}
        if may_ask_host and (stored is None or self._is_partial):
            before = {**before, **self._ask_host()}
        after = {key: value for key, value in {**before, **entries}.items() if value is not ABSENT}
        text = json.dumps(after, indent=2, allow_nan=False)
        if stored is not None and text == json.dumps(stored, indent=2):
            return
        if stored is None:
            self._keep_broken()
        self._write(text, state)
        self._is_partial = not may_ask_host and (stored is None or self._is_partial)

    def _ask_host(self) -> dict[str, Any]:
        """Return what the host would write of its memory, by its own code."""
        opts = self._host.opts
        with tempfile.TemporaryDirectory(prefix="zluda_sync_") as folder:
            written = _Redirected(opts, Path(folder))
            type(opts).save_atomic(written, silent=True)
            return parse(Path(written.filename).read_bytes())

    def _keep_broken(self) -> None:
        with contextlib.suppress(OSError):
            if self.path.stat().st_size:
                shutil.copyfile(self.path, self.path.with_name(f"{self.path.name}.broken"))

    def _write(self, text: str, state: _State) -> None:
        if self.path.exists():
            with self.path.open("r+b"):  # a file that must not be written to must not be replaced either
                pass
            if _has_other_owner(self.path):
                _overwrite(self.path, text)
                return
        try:
            with replacing(self.path) as new, new.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
                if _state_of(self.path) != state:
                    raise _ChangedMeanwhileError
        except OSError as error:
            if error.errno not in _IN_PLACE or not self.path.exists():
                raise
            _overwrite(self.path, text)


class _Redirected:
    """The host's options with another file."""

    def __init__(self, opts: Any, folder: Path) -> None:
        self._opts = opts
        self.filename = str(folder / "config.json")
        self.secretsfn = str(folder / "secrets.json")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._opts, name)


def parse(content: bytes) -> dict[str, Any]:
    """Return the settings in a file.

    Raises:
        ValueError: the host could not read them.
    """
    tree = json.loads(content.decode("utf-8"), parse_constant=_refuse)
    if not isinstance(tree, dict):
        raise ValueError("is no JSON object")  # noqa: TRY004  the same for every content that cannot be used
    return tree


def check_storable(tree: Any) -> None:
    """Make sure that the host can read what is saved: one entry that it cannot costs it every setting.

    Raises:
        ValueError: it cannot.
    """
    json.dumps(tree, allow_nan=False, ensure_ascii=False).encode("utf-8")


def _state_of(path: Path) -> _State:
    """Return what tells one content of a file from another, None if it is not there."""
    with contextlib.suppress(FileNotFoundError):
        has = path.stat()
        return has.st_ino, has.st_mtime_ns, has.st_size
    return None


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _has_other_owner(path: Path) -> bool:
    """Whether a new file would be another one to somebody: of another owner, or no longer linked."""
    has = path.stat()
    owner = os.geteuid() if hasattr(os, "geteuid") else has.st_uid
    return has.st_nlink > 1 or owner not in (0, has.st_uid)


def _overwrite(path: Path, text: str) -> None:
    """Write into the file itself; where that fails in the middle, what it had is put back."""
    new = text.replace("\n", os.linesep).encode("utf-8")
    with path.open("r+b", buffering=0) as file:
        old = file.read()
        try:
            _fill(file, new)
        except OSError:
            _fill(file, old)  # it still has the room that this takes
            raise


def _fill(file: Any, content: bytes) -> None:
    file.seek(0)
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) :]
    file.truncate(len(content))
    os.fsync(file.fileno())
