"""The user's profiles and rules in the host's config.json: read at use time, written only where asked."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from zluda_sync.core.profile import AUTO, parse_profile
from zluda_sync.core.profile_book import ENTRY, PROFILES, RULES, ProfileBook, parse_book
from zluda_sync.core.profile_rule import parse_rules
from zluda_sync.core.settings import PROFILE, SettingProblem
from zluda_sync.host.sdnext import SdNext


class ProfileRefusedError(Exception):
    """What was to be saved cannot be used, or would overwrite what the user has written.

    Args:
        problems: why, one for each entry.
    """

    def __init__(self, *problems: SettingProblem) -> None:
        super().__init__(" ".join(problem.text for problem in problems))
        self.problems = problems


class ProfileStore:
    """Reads and writes the entry. Everything else in the file, and what is broken in it, is left alone.

    Args:
        host: holds the file's content, and saves it.
    """

    def __init__(self, host: SdNext) -> None:
        self._host = host
        self._lock = threading.Lock()
        self._read: tuple[Any, ProfileBook] | None = None

    @property
    def book(self) -> ProfileBook:
        """All profiles and rules as the file has them now."""
        tree = self._host.opts.data.get(ENTRY)
        read = self._read
        # Whoever changes the entry replaces it, so the same object is the same text.
        if read is None or read[0] is not tree:
            read = self._read = tree, parse_book(tree, self.file_name)
        return read[1]

    @property
    def file_name(self) -> str:
        """Name of the settings' file, without its folder."""
        return self._host.settings_file.name

    def save_profile(self, name: str, values: Any) -> None:
        """Keep a profile of the user's, in the place of an older one of that name.

        What cannot be used of the older one stays beside it: it is for the user to correct.

        Raises:
            ProfileRefusedError: a value cannot be used, or the file cannot be written to.
        """
        where = f"{PROFILES}.{name}"
        profile, problems = parse_profile(name, values, where, "Correct it and save again.")
        if problems or profile is None:
            raise ProfileRefusedError(*problems)
        written = profile.to_json()

        def keep_what_is_broken(own: Mapping[str, Any]) -> dict[str, Any]:
            before = own.get(name)
            if not isinstance(before, Mapping):
                return {**own, name: written}
            usable = parse_profile(name, before, "", "")[0]
            broken = {key: before[key] for key in before if usable is None or key not in usable.values}
            return {**own, name: {**broken, **written}}

        self._change(PROFILES, keep_what_is_broken, Mapping, {})

    def delete_profile(self, name: str) -> None:
        """Drop a profile of the user's.

        Raises:
            KeyError: there is none of that name.
            ProfileRefusedError: a rule or the settings still choose it, or the file cannot be written to.
        """
        if name not in self._own(PROFILES, Mapping, {}):
            raise KeyError(name)
        users = [rule.explanation for rule in self.book.rules if rule.profile == name]
        if self._host.opts.data.get(PROFILE) == name:
            users.append("Settings")
        if users:
            what = f"is chosen by {', '.join(users)}"
            raise ProfileRefusedError(SettingProblem.at(f"{PROFILES}.{name}", what, "Change that first."))
        self._change(PROFILES, lambda own: {key: own[key] for key in own if key != name}, Mapping, {})

    def save_rules(self, rules: Any) -> None:
        """Keep the user's rules, in the place of all older ones that can be used.

        Those that cannot stay behind them: they are for the user to correct.

        Raises:
            ProfileRefusedError: one of them cannot be used, or the file cannot be written to.
        """
        self.check_rules(rules)

        def keep_what_is_broken(own: list[Any]) -> list[Any]:
            used, _problems = parse_rules(own, list(self.book.profiles), RULES, "")
            kept = {rule.number - 1 for rule in used}
            return [*rules, *(rule for index, rule in enumerate(own) if index not in kept)]

        self._change(RULES, keep_what_is_broken, list, [])

    def check_rules(self, rules: Any) -> None:
        """Find out whether rules can be saved.

        Raises:
            ProfileRefusedError: one of them cannot be used.
        """
        names = list(self.book.profiles)
        _rules, problems = parse_rules(rules, names, RULES, "Correct it and save again.")
        if problems:
            raise ProfileRefusedError(*problems)

    def choose(self, name: Any) -> None:
        """Choose a profile, as the settings page does.

        Raises:
            ProfileRefusedError: there is none of that name.
        """
        names = (*self.book.profiles, AUTO)
        if name not in names:
            what = f"is {name!r:.60}, must be one of {', '.join(names)}"
            raise ProfileRefusedError(SettingProblem.at("chosen", what, "Choose one of these."))
        self._refuse_if_frozen()
        self._host.opts.set(PROFILE, name)
        self._host.opts.save()

    def _own(self, part: str, kind: type[Any], empty: Any) -> Any:
        tree = self._host.opts.data.get(ENTRY)
        own = tree.get(part, empty) if isinstance(tree, Mapping) else empty
        return own if isinstance(own, kind) else empty

    def _change(self, part: str, change: Any, kind: type[Any], empty: Any) -> None:
        self._refuse_if_frozen()
        with self._lock:
            data = self._host.opts.data
            tree = data.get(ENTRY, {})
            own = tree.get(part, empty) if isinstance(tree, Mapping) else None
            if not isinstance(own, kind):
                broken = f"{self.file_name}: {ENTRY}" + (f".{part}" if isinstance(tree, Mapping) else "")
                what = "is not what it should be, and saving would overwrite it"
                raise ProfileRefusedError(SettingProblem.at(broken, what, "Repair it in the file."))
            # A new object: the host saves on a thread of its own, and readers hold the old one.
            data[ENTRY] = {**tree, part: change(own)}
            self._host.opts.save()

    def _refuse_if_frozen(self) -> None:
        if self._host.are_settings_frozen:
            what = "cannot be changed: SD.Next was started with --freeze"
            raise ProfileRefusedError(SettingProblem.at(self.file_name, what, "Start it without."))
