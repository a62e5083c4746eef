"""A profile: a name for a set of overrides over the user's settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from zluda_sync.core.settings.fields import plain, shorten, suggest
from zluda_sync.core.settings.settings import (
    DEFAULTS,
    NAME_WANTED,
    PROFILE_FIELDS,
    ModeChoice,
    SettingProblem,
    Settings,
    parse_profile_name,
)

#: Stands for the rules where a profile is chosen.
AUTO = "auto"


@dataclass(frozen=True)
class Profile:
    """A set of overrides.

    Attributes:
        name: that it is chosen by.
        values: what it sets, by field; what it leaves out stays as the settings have it.
        explanation: what it is for, in one sentence; empty for the user's own.
    """

    name: str
    values: Mapping[str, Any] = field(default_factory=dict)
    explanation: str = ""

    @property
    def is_builtin(self) -> bool:
        """Whether it came with the extension, and cannot be changed."""
        return self.name in BUILTIN

    def apply(self, settings: Settings) -> Settings:
        """Return the settings with what it sets."""
        return replace(settings, **self.values)

    def to_json(self) -> dict[str, Any]:
        """Return what it sets, as config.json has it."""
        return {name: plain(value) for name, value in self.values.items()}


BUILTIN: Mapping[str, Profile] = {
    made.name: made
    for made in (
        Profile(
            "precise",
            {"mode": ModeChoice.EVERY_STEP},
            "Waits for the GPU after each step: for certainty, or to look for a fault.",
        ),
        Profile(
            "balanced",
            {},
            "As your settings say. As they come: the GPU always has its next step ready, where the self-test "
            "has proved that this is safe.",
        ),
        Profile(
            "throughput",
            {"mode": ModeChoice.OBSERVE},
            "Never waits: for long batches. Stop takes as long as what is queued.",
        ),
        Profile("off", {"mode": ModeChoice.OFF}, "SD.Next as it came, to compare."),
    )
}
DEFAULT = BUILTIN["balanced"]


def parse_profile(
    name: Any, tree: Any, where: str, remedy: str
) -> tuple[Profile | None, tuple[SettingProblem, ...]]:
    """Read one of the user's profiles; never raises.

    Args:
        name: its name.
        tree: what is written for it.
        where: file and entry, for messages.
        remedy: what to do about a problem, as a sentence.
    Returns:
        The profile without what cannot be used, None if nothing of it can; and what that is.
    """
    problems: list[SettingProblem] = []

    def tell(entry: str, text: str) -> None:
        problems.append(SettingProblem.at(entry, text, remedy))

    try:
        parse_profile_name(name)
    except ValueError:
        tell(where, f"has the name {shorten(name)}, must be {NAME_WANTED}; the profile is left out")
        return None, tuple(problems)
    if name in BUILTIN or name == AUTO:
        tell(where, f"has the name of a built-in profile; that one is used. Give yours another than {name!r}")
        return None, tuple(problems)
    if not isinstance(tree, Mapping):
        tell(where, f"is {shorten(tree)}, must be a set of fields and values; the profile is left out")
        return None, tuple(problems)
    values: dict[str, Any] = {}
    for key, value in tree.items():
        entry, one = f"{where}.{key}"[:200], PROFILE_FIELDS.get(key)
        if one is None:
            tell(entry, f"is no field of a profile and is left out; {suggest(key, PROFILE_FIELDS)}")
            continue
        try:
            values[key] = one.parse(value)
        except (ValueError, TypeError, OverflowError):
            tell(entry, f"is {shorten(value)}, must be {one.wanted}; the field is left out")
    conflict = Profile(name, values).apply(DEFAULTS).conflict
    if conflict:
        del values["rung"]
        tell(f"{where}.rung", f"is left out: {conflict}")
    return Profile(name, values), tuple(problems)
