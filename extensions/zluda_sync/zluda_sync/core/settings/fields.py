"""A setting, described once: settings page, profiles, rules, schema and panel are all made from this."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from typing import Any, TypeVar

#: Our options in the host's config.json begin with this.
OPTION_PREFIX = "zluda_sync_"
_DESCRIPTION = "setting"

Value = TypeVar("Value")


class Group(str, Enum):
    """Where a setting stands on the page; the value is the heading."""

    BASIC = "ZLUDA Sync"
    BY_PROFILE = "Where the profile says nothing"
    EXTRAS = "Extras of the browser"
    KEPT = "What is kept"


@dataclass(frozen=True)
class SettingField:
    """One setting.

    Attributes:
        name: in a profile or a rule.
        label: on the page.
        parse: makes a value of what is written; ValueError, TypeError or OverflowError if it is none.
        wanted: what may be written, as a message says it.
        default: of the setting, None where not being there means something of its own.
        info: what it does, in one sentence or two.
        group: heading that it stands under.
        choices: what can be chosen, None where it is no choice.
        minimum, maximum, step: limits of a number, None where it is none.
        unit: of a number, empty where it has none.
        is_in_profile: whether a profile may set it.
    """

    name: str
    label: str
    parse: Callable[[Any], Any]
    wanted: str
    default: Any = None
    info: str = ""
    group: Group = Group.BASIC
    choices: tuple[str, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    unit: str = ""
    is_in_profile: bool = False

    @property
    def option(self) -> str:
        """Name of the host's option."""
        return OPTION_PREFIX + self.name

    @property
    def plain_default(self) -> Any:
        """The default as config.json has it."""
        return plain(self.default)


def plain(value: Any) -> Any:
    """Return a value as config.json has it: a choice by its name."""
    return value.value if isinstance(value, Enum) else value


def describe(
    default: Value,
    label: str,
    info: str,
    *,
    group: Group = Group.BASIC,
    minimum: float | None = None,
    maximum: float | None = None,
    step: float = 1,
    unit: str = "",
    is_in_profile: bool = False,
    parse: Callable[[Any], Any] | None = None,
    wanted: str = "",
    choices: tuple[str, ...] | None = None,
) -> Value:
    """Return a dataclass field with its description; the kind follows from the default.

    A flag, a choice of an Enum, a number between two limits (whole if the step is), or with ``parse`` and
    ``wanted`` whatever they say.
    """
    if parse is None:
        if isinstance(default, bool):
            parse, wanted = _parse_flag, "true or false"
        elif isinstance(default, Enum):
            kind = type(default)
            choices = tuple(choice.value for choice in kind)
            parse, wanted = kind, "one of " + ", ".join(choices)
        else:
            parse, wanted = number_between(minimum, maximum, is_whole=float(step).is_integer())
    description = {
        "label": label,
        "info": info,
        "group": group,
        "choices": choices,
        "minimum": minimum,
        "maximum": maximum,
        "step": None if minimum is None else step,
        "unit": unit,
        "is_in_profile": is_in_profile,
        "parse": parse,
        "wanted": wanted + (f" ({unit})" if unit else ""),
    }
    made: Value = dataclasses.field(default=default, metadata={_DESCRIPTION: description})
    return made


class FieldRow:
    """The settings in the order of the page; each is an attribute too, under its name: ``FIELDS.depth``.

    Args:
        settings: a dataclass whose fields were made by :func:`describe`.
    """

    def __init__(self, settings: type[Any]) -> None:
        self._by_name = {
            one.name: SettingField(name=one.name, default=one.default, **one.metadata[_DESCRIPTION])
            for one in dataclasses.fields(settings)
        }

    def __iter__(self) -> Iterator[SettingField]:
        return iter(self._by_name.values())

    def __getattr__(self, name: str) -> SettingField:
        try:
            return self._by_name[name]
        except KeyError:
            raise AttributeError(f"there is no setting {name}") from None


def number_between(
    minimum: float | None, maximum: float | None, *, is_whole: bool
) -> tuple[Callable[[Any], float], str]:
    """Return what parses a number between two limits, and how a message calls it."""
    least, most = minimum if minimum is not None else -math.inf, maximum if maximum is not None else math.inf

    def parse(value: Any) -> float:
        # A slider of the page gives 1.0 for 1; True is a number in Python but not one that anybody means.
        if isinstance(value, (bool, str)) or not least <= value <= most:
            raise ValueError
        if not is_whole:
            return float(value)
        if value != int(value):
            raise ValueError
        return int(value)

    return parse, f"a {'whole ' if is_whole else ''}number from {minimum:g} to {maximum:g}"


def shorten(value: Any) -> str:
    """Return a value for a message, in one short line."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def suggest(unknown: Any, known: Mapping[str, Any]) -> str:
    """Return ``did you mean …?`` for a misspelt name, else what there is."""
    close = get_close_matches(str(unknown)[:60], list(known), n=1)
    return f"did you mean {close[0]}?" if close else "there are " + ", ".join(known)


def _parse_flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError
