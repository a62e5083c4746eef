"""Saves options of ours: in the host's memory and in its file at once, and for good."""

from __future__ import annotations

import contextlib
import copy
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from zluda_sync.core.files import reason_of
from zluda_sync.core.settings.settings import SettingProblem
from zluda_sync.host.profiles.save_turns import HostSaves
from zluda_sync.host.profiles.settings_file import ABSENT, SettingsFile
from zluda_sync.host.sdnext import SdNext

#: How often a thread that waits for a request to end looks whether it should still wait, and how long the
#: end of that thread is waited for, in seconds.
LOOK_S, CLOSE_LIMIT_S = 0.1, 2.0
#: Given a function that finds the newest value of an option, returns the new values by name.
Build = Callable[[Callable[[str], Any]], Mapping[str, Any]]


class OptionSaver:
    """Changes options of ours in memory first, and then saves them once.

    Only they are changed in the file. While a request runs, what it has set for itself stands in the host's
    memory: none of that gets into the file. When the request ends, the host puts back what stood there before
    it, and so undoes what the user has changed of the same options meanwhile; that is set again.

    Args:
        host: holds the options.
        find_queue: returns the lock that the host holds while a request runs, None if there is none.
        warn: called with one sentence about a change that is not in the file.
    """

    def __init__(
        self,
        host: SdNext,
        find_queue: Callable[[], Any] = lambda: None,
        warn: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._host = host
        self._warn = warn
        self.host_saves = HostSaves(host)
        self._file = SettingsFile(host, self.host_saves)
        self._late = LateChanges(find_queue, self._settle)
        #: Options as the file had them last, as far as is known from here.
        self._seen: dict[str, Any] = {}
        #: Options of the last change that are not in the file, and why.
        self._unsaved: tuple[dict[str, Any], SettingProblem] | None = None
        self._lock = threading.Lock()

    @property
    def not_saved(self) -> SettingProblem | None:
        """Why the file does not have the last change, None if it has."""
        unsaved = self._unsaved
        if unsaved is None:
            return None
        stored = self._file.read() or {}
        if all(stored.get(name, ABSENT) == value for name, value in unsaved[0].items()):
            self._unsaved = None  # the host has saved meanwhile
            return None
        return unsaved[1]

    def note_change_by_hand(self) -> None:
        """The user has changed settings of ours on the host's own page."""
        self._late.forget_if_changed(self._host.opts.data)

    def close(self) -> None:
        """Wait for no request any longer. The file has everything already."""
        self._late.close()

    def save(self, build: Build) -> None:
        """Change options, and save them whole or not at all; :attr:`not_saved` tells which.

        Args:
            build: makes the new values; an error that it raises ends the change.
        Raises:
            TimeoutError: another save does not end; nothing was changed.
        """
        is_request_running = self._late.is_request_running
        changes: dict[str, LateChange] = {}
        entries: dict[str, Any] = {}

        def apply(stored: dict[str, Any] | None) -> dict[str, Any]:
            values = build(lambda name: self._find_newest(name, stored, is_request_running))
            if is_request_running:
                changes.update(self._late_changes_of(values, stored))
            entries.update(self._still_unsaved(is_request_running))
            entries.update({name: self._put(name, value) for name, value in values.items()})
            return entries

        with self._lock:
            failure = self._file.change(apply, may_ask_host=not is_request_running)
            self._note_outcome(entries, failure)
        if changes:
            self._late.remember(changes)

    def _find_newest(self, name: str, stored: dict[str, Any] | None, is_request_running: bool) -> Any:
        """Return what an option was set to last, wherever that was; ABSENT if it never was.

        Another process, or the user, may have written to the file; a request may have set the memory.
        """
        in_memory = self._host.opts.data.get(name, ABSENT)
        if stored is None or self._unsaved is not None:
            return in_memory
        in_file = stored.get(name, ABSENT)
        is_file_as_seen = name in self._seen and in_file == self._seen[name]
        return in_memory if is_file_as_seen and not is_request_running else in_file

    def _late_changes_of(
        self, values: Mapping[str, Any], stored: dict[str, Any] | None
    ) -> dict[str, LateChange]:
        """Return those of the values that the host will undo when the request that is running has ended."""
        changes = {}
        for name, value in values.items():
            earlier, default = self._late.find(name), self._default_of(name)
            in_memory, in_file = self._host.opts.data.get(name, default), (stored or {}).get(name, default)
            # Where they differ, the request has set the option for itself.
            if earlier is not None or stored is None or in_memory != in_file:
                before = earlier.before if earlier is not None else ()
                changes[name] = LateChange(value, (*before, in_memory, in_file))
        return changes

    def _settle(self, changes: Mapping[str, LateChange]) -> None:
        """A request has ended, and the host has undone these: set them again, in memory and file."""
        entries: dict[str, Any] = {}

        def apply(_stored: dict[str, Any] | None) -> dict[str, Any]:
            for name, change in changes.items():
                value = self._host.opts.data.get(name, self._default_of(name))
                if value == change.value or change.is_undone(value):
                    entries[name] = self._put(name, change.value)
            return entries

        with self._lock, contextlib.suppress(TimeoutError):
            self._note_outcome(entries, self._file.change(apply))

    def _put(self, name: str, value: Any) -> Any:
        """Set an option in the host's memory, and return what its file is to have for it."""
        opts = self._host.opts
        if name in opts.data_labels:
            opts.set(name, value)
        else:
            # A new object: the host saves on a thread of its own, and readers hold the old one.
            opts.data[name] = value
        return self._for_file(name)

    def _default_of(self, name: str) -> Any:
        """Return the default of an option, which the host does not write; what is no option has none."""
        return getattr(self._host.opts.data_labels.get(name), "default", ABSENT)

    def _still_unsaved(self, is_request_running: bool) -> dict[str, Any]:
        """Return what earlier changes would have the file have, as it stands now."""
        entries = self._unsaved[0] if self._unsaved is not None else {}
        return entries if is_request_running else {name: self._for_file(name) for name in entries}

    def _for_file(self, name: str) -> Any:
        default = self._default_of(name)
        value = self._host.opts.data.get(name, default)
        return ABSENT if value == default else value

    def _note_outcome(self, entries: dict[str, Any], failure: Exception | None) -> None:
        if failure is None:
            self._unsaved = None
            self._seen.update(copy.deepcopy(entries))
            return
        what = f"cannot be written to ({reason_of(failure)}) and is as it was"
        where = self._host.settings_file.name
        problem = SettingProblem.at(where, what, "The change lasts until SD.Next ends.")
        self._unsaved = entries, problem
        self._warn(problem.text)


@dataclass(frozen=True)
class LateChange:
    """What the user has chosen for an option that the running request has set for itself.

    Attributes:
        value: the choice.
        before: what stood in memory and in the file: the host puts one of these back.
    """

    value: Any
    before: tuple[Any, ...]

    def is_undone(self, value: Any) -> bool:
        """Whether the host has put an old value back, and not the user another one."""
        return value != self.value and value in self.before


class LateChanges:
    """Keeps such changes until the running request has ended and the host has undone them.

    Args:
        find_queue: returns the lock that the host holds while a request runs, None if there is none.
        settle: called with all changes while no request runs, on a thread of its own.
    """

    def __init__(
        self, find_queue: Callable[[], Any], settle: Callable[[Mapping[str, LateChange]], None]
    ) -> None:
        self._find_queue = find_queue
        self._settle = settle
        self._changes: dict[str, LateChange] = {}
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._lock = threading.Lock()

    @property
    def is_request_running(self) -> bool:
        """Whether the host's options may be a request's own right now."""
        queue = self._find_queue()
        return queue is not None and queue.locked()

    def find(self, name: str) -> LateChange | None:
        """Return what was chosen for an option during the request that is running, None if nothing was."""
        return self._changes.get(name)

    def remember(self, changes: Mapping[str, LateChange]) -> None:
        """Have these set again when the request that is running has ended."""
        with self._lock:
            self._changes.update(changes)
            if self._thread is None:
                self._closing.clear()
                self._thread = threading.Thread(
                    target=self._wait, name="zluda_sync-late-changes", daemon=True
                )
                self._thread.start()

    def forget_if_changed(self, values: Mapping[str, Any]) -> None:
        """The user has changed options by hand: what differs from a change kept here is newer than it."""
        with self._lock:
            changes = self._changes.items()
            self._changes = {
                name: change for name, change in changes if values.get(name, change.value) == change.value
            }

    def close(self) -> None:
        """Wait no longer; the file has every change already."""
        self._closing.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(CLOSE_LIMIT_S)

    def _wait(self) -> None:
        queue = self._find_queue()
        while not queue.acquire(timeout=LOOK_S):
            if self._closing.is_set():
                with self._lock:
                    self._thread = None
                return
        try:
            with self._lock:
                changes, self._changes, self._thread = self._changes, {}, None
            if changes:
                self._settle(changes)
        finally:
            queue.release()
