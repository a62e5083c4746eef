"""Profiles: each names a set of overrides over the user's settings; and which of them a job gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from zluda_sync.core.settings.conditions import JobTraits
from zluda_sync.core.settings.fields import plain, shorten, suggest
from zluda_sync.core.settings.rules import BUILTIN_RULES, ProfileRule, parse_rules
from zluda_sync.core.settings.settings import (
    DEFAULTS,
    FIELDS,
    NAME_WANTED,
    PROFILE_FIELDS,
    ModeChoice,
    RungChoice,
    SettingProblem,
    Settings,
    parse_profile_name,
)

#: The entry of config.json.
ENTRY = "zluda_sync"
PROFILES, RULES = "profiles", "rules"
#: More than these are left out, so that no page and no message grows without end.
MOST_PROFILES, MOST_RULES = 100, 100
#: Stands for the rules where a profile is chosen.
AUTO = "auto"
#: Names that are read, but not given any more: in an address they are steps, and whoever asks takes them out.
STEPS_OF_ADDRESS = (".", "..")


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
            "Follows your settings. By default the GPU always has its next step ready, where the self-test "
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


@dataclass(frozen=True)
class ChosenProfile:
    """The profile that applies to a job, and the settings that follow from it.

    Attributes:
        name: of the profile, ``auto`` before the rules can be asked.
        reason: why this one, in half a sentence.
        settings: with the profile's overrides.
        problems: what in the choice cannot be used.
    """

    name: str
    reason: str
    settings: Settings
    problems: tuple[SettingProblem, ...] = ()


@dataclass(frozen=True)
class ProfileBook:
    """All profiles and rules.

    Attributes:
        profiles: by name, the built-in ones first.
        rules: in the order in which they are asked.
        problems: what in config.json cannot be used.
    """

    profiles: Mapping[str, Profile] = field(default_factory=lambda: dict(BUILTIN))
    rules: tuple[ProfileRule, ...] = BUILTIN_RULES
    problems: tuple[SettingProblem, ...] = ()

    def choose(
        self, settings: Settings, traits: JobTraits | None = None, overrides: Mapping[str, Any] | None = None
    ) -> ChosenProfile:
        """Choose the profile for a job.

        Args:
            settings: the user's, which name the profile.
            traits: of the job, None if there is none yet: then no rule matches.
            overrides: values by field that the job's own request sets, which beat the profile's.
        """
        problems: list[SettingProblem] = []
        if settings.profile == AUTO and traits is None:
            profile, reason = replace(DEFAULT, name=AUTO), "rules are asked when a job begins"
        elif settings.profile == AUTO and traits is not None:
            profile, reason = self._by_rules(traits)
        elif settings.profile in self.profiles:
            profile, reason = self.profiles[settings.profile], "chosen in Settings"
        else:
            profile, reason = DEFAULT, f"there is no profile {shorten(settings.profile)}"
            hint = suggest(settings.profile, {**self.profiles, AUTO: None})
            what = f"is {shorten(settings.profile)}, which does not exist; using {DEFAULT.name!r}; {hint}"
            problems.append(SettingProblem.at(FIELDS.profile.option, what, "Choose one in Settings."))
        chosen = replace(profile.apply(settings), **(overrides or {}))
        if chosen.conflict:
            what = f"is {profile.name!r}, but {chosen.conflict}; using the self-test's choice"
            problems.append(SettingProblem.at(FIELDS.profile.option, what, "Choose another way or mode."))
            chosen = replace(chosen, rung=RungChoice.AUTO)
        return ChosenProfile(profile.name, reason, chosen, tuple(problems))

    def _by_rules(self, traits: JobTraits) -> tuple[Profile, str]:
        for rule in self.rules:
            if rule.matches(traits):
                return self.profiles[rule.profile], rule.explanation
        return DEFAULT, "no rule matches"


def parse_book(tree: Any, config_file: str) -> ProfileBook:
    """Read the profiles and rules out of config.json; never raises, and changes nothing of it.

    Args:
        tree: what stands at the entry, None if nothing does.
        config_file: name of the file, for messages.
    """
    if tree is None:
        return ProfileBook()
    where = f"{config_file}: {ENTRY}"
    remedy = f"Change it on the ZLUDA Sync tab or in {config_file}."
    problems: list[SettingProblem] = []

    def tell(entry: str, text: str) -> None:
        problems.append(SettingProblem.at(entry, text, remedy))

    if not isinstance(tree, Mapping):
        tell(where, f"is {shorten(tree)}, must be a set with {PROFILES} and {RULES}; built-in profiles only")
        return ProfileBook(problems=tuple(problems))
    for key in tree:
        if key not in (PROFILES, RULES):
            hint = suggest(key, {PROFILES: None, RULES: None})
            tell(f"{where}.{key}"[:200], f"is not known and is left out; {hint}")
    profiles, own = dict(BUILTIN), tree.get(PROFILES, {})
    if isinstance(own, Mapping):
        if len(own) > MOST_PROFILES:
            tell(f"{where}.{PROFILES}", f"has {len(own)} profiles, the first {MOST_PROFILES} are used")
        for name in list(own)[:MOST_PROFILES]:
            entry = f"{where}.{PROFILES}.{name}"[:160]
            profile, found = parse_profile(name, own[name], entry, remedy)
            problems += found
            if profile is not None:
                profiles[profile.name] = profile
    else:
        tell(f"{where}.{PROFILES}", f"is {shorten(own)}, must be a set of profiles by name; none is used")
    rules: tuple[ProfileRule, ...] = BUILTIN_RULES
    if RULES in tree:
        written = tree[RULES]
        if isinstance(written, list) and len(written) > MOST_RULES:
            tell(f"{where}.{RULES}", f"has {len(written)} rules, the first {MOST_RULES} are used")
            written = written[:MOST_RULES]
        rules, wrong = parse_rules(written, list(profiles), f"{where}.{RULES}", remedy)
        problems += wrong
    return ProfileBook(profiles, rules, tuple(problems))


def parse_profile(
    name: Any, tree: Any, where: str, remedy: str, *, is_new: bool = False
) -> tuple[Profile | None, tuple[SettingProblem, ...]]:
    """Read one of the user's profiles; never raises.

    Args:
        name: its name.
        tree: what is written for it.
        where: file and entry, for messages.
        remedy: what to do about a problem, as a sentence.
        is_new: whether it is yet to be saved: what is wrong is not left out then, it forbids that.
    Returns:
        The profile without what cannot be used, None if nothing of it can; and what that is.
    """
    problems: list[SettingProblem] = []
    dropped = "" if is_new else "; the profile is left out"

    def tell(entry: str, text: str) -> None:
        problems.append(SettingProblem.at(entry, text, remedy))

    try:
        parse_profile_name(name)
    except ValueError:
        tell(where, f"has the name {shorten(name)}, must be {NAME_WANTED}{dropped}")
        return None, tuple(problems)
    if name in BUILTIN or name == AUTO:
        tell(where, f"has the name of a built-in profile; that one is used. Give yours another than {name!r}")
        return None, tuple(problems)
    if not isinstance(tree, Mapping):
        tell(where, f"is {shorten(tree)}, must be a set of fields and values{dropped}")
        return None, tuple(problems)
    values: dict[str, Any] = {}
    for key, value in tree.items():
        entry, one = f"{where}.{key}"[:200], PROFILE_FIELDS.get(key)
        if one is None:
            unused = "" if is_new else " and is left out"
            tell(entry, f"is no field of a profile{unused}; {suggest(key, PROFILE_FIELDS)}")
            continue
        try:
            values[key] = one.parse(value)
        except (ValueError, TypeError, OverflowError):
            unused = "" if is_new else "; the field is left out"
            tell(entry, f"is {shorten(value)}, must be {one.wanted}{unused}")
    conflict = Profile(name, values).apply(DEFAULTS).conflict
    if conflict:
        del values["rung"]
        tell(f"{where}.rung", f"{'does not go with the mode' if is_new else 'is left out'}: {conflict}")
    return Profile(name, values), tuple(problems)
