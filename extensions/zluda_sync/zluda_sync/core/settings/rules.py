"""Rules: each names the profile for jobs that meet its conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from zluda_sync.core.settings.conditions import CONDITIONS, Bound, JobTraits
from zluda_sync.core.settings.fields import plain, shorten, suggest
from zluda_sync.core.settings.settings import SettingProblem

_PROFILE = "profile"
#: Ends what is wrong with a rule that is not used; the page goes by it.
_LEFT_OUT = "; the rule is left out"


@dataclass(frozen=True)
class ProfileRule:
    """One rule.

    Attributes:
        profile: name of the profile that it chooses.
        wanted: what each of its conditions asks for, by name; without any it matches every job.
        number: its place among the rules that are used, from 1, as the page's editor shows them.
        index: its place among all rules as they are written, from 0.
    """

    profile: str
    wanted: Mapping[str, Any] = field(default_factory=dict)
    number: int = 1
    index: int = 0

    def matches(self, traits: JobTraits) -> bool:
        """Whether a job meets all conditions."""
        return all(CONDITIONS[name].holds(value, traits) for name, value in self.wanted.items())

    def covers(self, other: ProfileRule) -> bool:
        """Whether it matches every job that ``other`` matches."""
        return all(
            name in other.wanted and CONDITIONS[name].implies(other.wanted[name], value)
            for name, value in self.wanted.items()
        )

    def find_contradictions(self) -> dict[str, str]:
        """Return why it can match no job at all: half a sentence by each condition that asks for too much."""
        found: dict[str, str] = {}
        for name, least in self.wanted.items():
            condition = CONDITIONS[name]
            if not isinstance(condition, Bound) or not name.endswith("_min"):
                continue
            other = f"{condition.quantity}_max"
            most = self.wanted.get(other)
            if most is not None and least > most:
                found[name] = f"is {least:g}, and {other} {most:g}: it can never match"
        return found

    @property
    def explanation(self) -> str:
        """The rule in words: ``rule 2: batch count 4 or more``."""
        asked = ", ".join(CONDITIONS[name].say(value) for name, value in self.wanted.items())
        return f"rule {self.number}: {asked or 'any job'}"


#: What ``auto`` uses while the user has no rules.
BUILTIN_RULES = (ProfileRule("throughput", {"images_min": 4}, 1),)


def parse_rules(
    tree: Any, profiles: Sequence[str], where: str, remedy: str, *, is_new: bool = False
) -> tuple[tuple[ProfileRule, ...], tuple[SettingProblem, ...]]:
    """Read the user's rules; never raises.

    Args:
        tree: what is written.
        profiles: names that a rule may choose.
        where: file and entry, for messages.
        remedy: what to do about a problem, as a sentence.
        is_new: whether they are yet to be saved: one that is wrong is not left out then, it forbids that, and
            each is numbered as it was sent.
    Returns:
        The rules that can be used, and what is wrong with the others.
    """
    dropped = "" if is_new else _LEFT_OUT
    problems: list[SettingProblem] = []

    def tell(entry: str, text: str) -> None:
        problems.append(SettingProblem.at(entry, text, remedy))

    if not isinstance(tree, list):
        tell(where, f"is {shorten(tree)}, must be a list of rules{'' if is_new else '; none is used'}")
        return (), tuple(problems)
    rules: list[ProfileRule] = []
    for index, item in enumerate(tree):
        entry = f"{where}[{index}]"
        before = len(problems)
        rule = _parse_rule(item, profiles, entry, dropped, tell)
        if rule is None or len(problems) > before:
            continue
        rule = replace(rule, number=index + 1 if is_new else len(rules) + 1, index=index)
        earlier = next((other for other in rules if other.covers(rule)), None)
        contradictions = rule.find_contradictions()
        for name, reason in contradictions.items():
            tell(f"{entry}.{name}", f"{reason}{dropped}")
        if contradictions:
            continue
        if earlier is not None:
            tell(entry, f"can never match: rule {earlier.number} takes every such job; move it further up")
        rules.append(rule)
    return tuple(rules), tuple(problems)


def rule_to_json(rule: ProfileRule) -> dict[str, Any]:
    """Return a rule as config.json has it."""
    written: dict[str, Any] = {_PROFILE: rule.profile}
    for name, value in rule.wanted.items():
        if isinstance(value, tuple):
            texts = [str(plain(one)).replace("[[]", "[") for one in value]
            written[name] = texts[0] if len(texts) == 1 else texts
        else:
            written[name] = value
    return written


def _parse_rule(
    item: Any, profiles: Sequence[str], entry: str, dropped: str, tell: Any
) -> ProfileRule | None:
    if not isinstance(item, Mapping):
        tell(entry, f"is {shorten(item)}, must be a set of conditions and a profile{dropped}")
        return None
    profile = item.get(_PROFILE, "")
    if profile not in profiles:
        named = f"is {shorten(profile)}, which is no profile" if _PROFILE in item else "is missing"
        hint = suggest(profile, dict.fromkeys(profiles))
        tell(f"{entry}.{_PROFILE}", f"{named}{dropped}; {hint}")
        return None
    wanted: dict[str, Any] = {}
    for key, value in item.items():
        if key == _PROFILE:
            continue
        condition = CONDITIONS.get(key)
        if condition is None:
            tell(f"{entry}.{key}"[:200], f"is no condition{dropped}; {suggest(key, CONDITIONS)}")
            continue
        try:
            wanted[key] = condition.field.parse(value)
        except (ValueError, TypeError, OverflowError):
            must = condition.field.wanted
            tell(f"{entry}.{key}", f"is {shorten(value)}, must be {must}{dropped}")
    return ProfileRule(profile, wanted)
