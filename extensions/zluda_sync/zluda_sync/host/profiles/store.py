"""The user's profiles and rules in the host's config.json: read when used, written only when asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from zluda_sync.core.files import reason_of
from zluda_sync.core.settings.profiles import (
    AUTO,
    ENTRY,
    PROFILES,
    RULES,
    STEPS_OF_ADDRESS,
    ProfileBook,
    parse_book,
    parse_profile,
)
from zluda_sync.core.settings.rules import parse_rules
from zluda_sync.core.settings.settings import FIELDS, SettingProblem
from zluda_sync.host.profiles.option_saver import OptionSaver
from zluda_sync.host.profiles.settings_file import ABSENT, check_storable
from zluda_sync.host.sdnext import SdNext


class ProfileRefusedError(Exception):
    """What was to be saved cannot be used, or would overwrite what the user has written.

    Args:
        problems: why, one for each entry.
    """

    def __init__(self, *problems: SettingProblem) -> None:
        super().__init__(" ".join(problem.text for problem in problems))
        self.problems = problems


#: What to do about what cannot be saved: one thing that is wrong forbids the whole save.
CORRECT = "Nothing was saved: correct it and save again."
#: Changes a part of the entry; an error that it raises ends the whole change.
PartChange = Callable[[Any], Any]
_KINDS: Mapping[str, tuple[type[Any], Any]] = {PROFILES: (Mapping, {}), RULES: (list, [])}
_UNCHANGED = object()


class ProfileStore:
    """Reads and writes the entry. Everything else in the file, and what is broken in it, is left alone.

    A change takes effect at once and is in the file when the call returns, also while a request runs. Where
    the file cannot be written to, it lasts until the host ends, and the saver says so.

    Args:
        host: holds the file's content.
        saver: changes the host's options and their file; if None, one that knows of no requests.
    """

    def __init__(self, host: SdNext, saver: OptionSaver | None = None) -> None:
        self._host = host
        self.saver = saver or OptionSaver(host)
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
        """Keep a profile of the user's, in place of an older one of that name.

        What cannot be used of the older one stays beside it: it is for the user to correct.

        Raises:
            ProfileRefusedError: a value cannot be used, or the file cannot be written to.
        """
        if name in STEPS_OF_ADDRESS:
            what = f"is {name!r}, which no address can carry"
            raise ProfileRefusedError(SettingProblem.at("name", what, "Give the profile another name."))
        where = f"{PROFILES}.{name}"
        profile, problems = parse_profile(name, values, where, CORRECT, is_new=True)
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

        self._change({PROFILES: keep_what_is_broken})

    def delete_profile(self, name: str) -> None:
        """Drop a profile of the user's.

        Raises:
            KeyError: there is none of that name.
            ProfileRefusedError: a rule or the settings still choose it, or the file cannot be written to.
        """
        if name not in self._own(PROFILES):
            raise KeyError(name)
        users = [rule.explanation for rule in self.book.rules if rule.profile == name]
        if self._host.opts.data.get(FIELDS.profile.option) == name:
            users.append("Settings")
        if users:
            what = f"is chosen by {', '.join(users)}"
            raise ProfileRefusedError(SettingProblem.at(f"{PROFILES}.{name}", what, "Change that first."))
        self._change({PROFILES: lambda own: {key: own[key] for key in own if key != name}})

    def save(self, chosen: Any = _UNCHANGED, rules: Any = _UNCHANGED) -> None:
        """Choose a profile, or keep the user's rules, or both; in one save, and neither if one is refused.

        Rules that cannot be used stay behind the new ones: they are for the user to correct.

        Raises:
            ProfileRefusedError: one of them cannot be used, or must not be changed.
        """
        parts: dict[str, PartChange] = {}
        if rules is not _UNCHANGED:
            self._check_rules(rules)
            parts[RULES] = lambda own: [*rules, *self._unusable(own)]
        if chosen is not _UNCHANGED:
            self._check_choice(chosen)
        self._change(parts, chosen)

    def _check_choice(self, name: Any) -> None:
        """Find out whether a profile can be chosen.

        Raises:
            ProfileRefusedError: there is none of that name.
        """
        names = (*self.book.profiles, AUTO)
        if name not in names:
            what = f"is {name!r:.60}, must be one of {', '.join(names)}"
            raise ProfileRefusedError(SettingProblem.at("chosen", what, "Choose one of these."))

    def _check_rules(self, rules: Any) -> None:
        """Find out whether rules can be saved.

        Raises:
            ProfileRefusedError: one of them cannot be used.
        """
        names = list(self.book.profiles)
        _rules, problems = parse_rules(rules, names, RULES, CORRECT, is_new=True)
        if problems:
            raise ProfileRefusedError(*problems)

    def _own(self, part: str) -> Any:
        kind, empty = _KINDS[part]
        tree = self._host.opts.data.get(ENTRY)
        own = tree.get(part, empty) if isinstance(tree, Mapping) else empty
        return own if isinstance(own, kind) else empty

    def _unusable(self, rules: list[Any]) -> list[Any]:
        used, _problems = parse_rules(rules, list(self.book.profiles), RULES, "")
        kept = {rule.index for rule in used}
        return [rule for index, rule in enumerate(rules) if index not in kept]

    def _change(self, parts: Mapping[str, PartChange], chosen: Any = _UNCHANGED) -> None:
        """Change parts of the entry, and the profile that is chosen, in one save."""
        if self._host.are_settings_frozen:
            what = "cannot be changed: SD.Next was started with --freeze"
            raise ProfileRefusedError(SettingProblem.at(self.file_name, what, "Start it without."))

        def build(find_newest: Callable[[str], Any]) -> dict[str, Any]:
            values = {}
            if parts:
                values[ENTRY] = self._changed_entry(find_newest(ENTRY), parts)
            if chosen is not _UNCHANGED:
                values[FIELDS.profile.option] = chosen
            return values

        try:
            self.saver.save(build)
        except TimeoutError as error:
            what = f"is being written to: {error}"
            raise ProfileRefusedError(SettingProblem.at(self.file_name, what, "Try again.")) from error

    def _changed_entry(self, tree: Any, parts: Mapping[str, PartChange]) -> dict[str, Any]:
        tree = {} if tree is ABSENT else tree
        changed = dict(tree) if isinstance(tree, Mapping) else {}
        for part, change in parts.items():
            kind, empty = _KINDS[part]
            own = tree.get(part, empty) if isinstance(tree, Mapping) else None
            if not isinstance(own, kind):
                broken = f"{self.file_name}: {ENTRY}" + (f".{part}" if isinstance(tree, Mapping) else "")
                what = "is not what it should be, and saving would overwrite it"
                raise ProfileRefusedError(SettingProblem.at(broken, what, "Repair it in the file."))
            changed[part] = change(own)
        try:
            check_storable(changed)
        except ValueError as error:
            what = f"cannot be kept as JSON: {reason_of(error)}"
            raise ProfileRefusedError(SettingProblem.at(ENTRY, what, CORRECT)) from error
        return changed
