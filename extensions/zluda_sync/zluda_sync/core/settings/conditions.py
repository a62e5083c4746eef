"""What a rule can ask of a job before it chooses a profile for it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from typing import Any

from zluda_sync.core.settings.fields import SettingField, number_between

_LONGEST_PATTERN = 80
_MOST_PATTERNS = 20


class Asker(str, Enum):
    """Who asks for a job."""

    PAGE = "page"
    API = "api"
    SCRIPT = "script"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class JobTraits:
    """What is known of a job when it begins: what rules go by, and its record tells.

    What decides how long it takes is its :class:`~zluda_sync.core.progress.shape.JobShape`.

    Attributes:
        images: batches that are made one after the other, None if unknown.
        batch_size: pictures of one batch, None if unknown.
        width, height: of a picture in its first pass, in pixels, None if unknown.
        steps: of the first pass, None if unknown.
        model_type: the host's word for the kind of model, such as ``sdxl``; empty if unknown.
        model: name of the checkpoint, empty if unknown.
        device: name of the accelerator, as its driver tells it.
        asked_by: who asked for it.
    """

    images: int | None = None
    batch_size: int | None = None
    width: int | None = None
    height: int | None = None
    steps: int | None = None
    model_type: str = ""
    model: str = ""
    device: str = ""
    asked_by: Asker = Asker.UNKNOWN

    @property
    def megapixels(self) -> float | None:
        """Size of a picture, None if unknown."""
        return self.width * self.height / 1e6 if self.width and self.height else None


class Condition(ABC):
    """One question to a job.

    Args:
        field: its name, words and limits.
    """

    def __init__(self, field: SettingField) -> None:
        self.field = field

    @abstractmethod
    def holds(self, wanted: Any, traits: JobTraits) -> bool:
        """Whether a job is as wanted; False if what is asked is not known of it."""

    @abstractmethod
    def implies(self, narrower: Any, wider: Any) -> bool:
        """Whether every job that ``narrower`` holds for is one that ``wider`` holds for."""

    @abstractmethod
    def say(self, wanted: Any) -> str:
        """Return the condition in words: ``4 images or more``."""


class Bound(Condition):
    """A number that must not be below, or not above, a limit.

    Args:
        quantity: what is bounded, in words and as the beginning of the name.
        measure: reads it from a job, None if unknown.
        is_least: whether the limit is the least, else it is the most.
    """

    def __init__(
        self,
        quantity: str,
        label: str,
        measure: Callable[[JobTraits], float | None],
        maximum: float,
        *,
        is_least: bool,
        unit: str = "",
        step: float = 1,
    ) -> None:
        is_whole = float(step).is_integer()
        parse, wanted = number_between(step, maximum, is_whole=is_whole)
        side = "least" if is_least else "most"
        super().__init__(
            SettingField(
                name=f"{quantity}_{'min' if is_least else 'max'}",
                label=f"{label}, at {side}",
                parse=parse,
                wanted=wanted,
                minimum=step,
                maximum=maximum,
                step=step,
                unit=unit,
            )
        )
        self.quantity = quantity
        self._label = label
        self._measure = measure
        self._is_least = is_least

    def holds(self, wanted: Any, traits: JobTraits) -> bool:
        found = self._measure(traits)
        return found is not None and (found >= wanted if self._is_least else found <= wanted)

    def implies(self, narrower: Any, wider: Any) -> bool:
        return bool(narrower >= wider if self._is_least else narrower <= wider)

    def say(self, wanted: Any) -> str:
        return f"{self._label.lower()} {wanted:g} or {'more' if self._is_least else 'less'}"


class Matching(Condition):
    """A text that must match one of some patterns; ``*`` stands for anything, case does not matter."""

    def __init__(self, name: str, label: str, info: str, read: Callable[[JobTraits], str]) -> None:
        wanted = "a text or a list of texts, * stands for anything"
        super().__init__(SettingField(name, label, _parse_patterns, wanted, info=info))
        self._label = label
        self._read = read

    def holds(self, wanted: Any, traits: JobTraits) -> bool:
        text = self._read(traits).lower()
        return bool(text) and any(fnmatchcase(text, pattern) for pattern in wanted)

    def implies(self, narrower: Any, wider: Any) -> bool:
        return all(any(fnmatchcase(one, pattern) for pattern in wider) for one in narrower)

    def say(self, wanted: Any) -> str:
        return f"{self._label.lower()} {' / '.join(wanted)}"


class AskedBy(Condition):
    """Who has asked for the job."""

    def __init__(self) -> None:
        askers = tuple(one.value for one in Asker if one is not Asker.UNKNOWN)
        super().__init__(
            SettingField(
                "source",
                "Asked for by",
                lambda value: tuple(Asker(one) for one in _to_list(value) if _is_in(one, askers)),
                "one of " + ", ".join(askers) + ", or a list of them",
                info="page: the button; api: another program; script: one of SD.Next's, such as a grid",
                choices=askers,
            )
        )

    def holds(self, wanted: Any, traits: JobTraits) -> bool:
        return traits.asked_by in wanted

    def implies(self, narrower: Any, wider: Any) -> bool:
        return set(narrower) <= set(wider)

    def say(self, wanted: Any) -> str:
        return "asked for by " + " / ".join(one.value for one in wanted)


def _to_list(value: Any) -> list[Any]:
    values = value if isinstance(value, (list, tuple)) else [value]
    if not 0 < len(values) <= _MOST_PATTERNS:
        raise ValueError
    return list(values)


def _parse_patterns(value: Any) -> tuple[str, ...]:
    patterns = _to_list(value)
    if not all(isinstance(one, str) and 0 < len(one.strip()) <= _LONGEST_PATTERN for one in patterns):
        raise ValueError
    # Brackets are ordinary characters here: device names end with [ZLUDA].
    return tuple(one.strip().lower().replace("[", "[[]") for one in patterns)


def _is_in(value: Any, choices: tuple[str, ...]) -> bool:
    if value not in choices:
        raise ValueError
    return True


def _bounds() -> list[Condition]:
    quantities: list[tuple[str, str, Callable[[JobTraits], float | None], float, str, float]] = [
        ("images", "Batch count", lambda traits: traits.images, 1000, "", 1),
        ("megapixels", "Size of a picture", lambda traits: traits.megapixels, 1000, "megapixels", 0.01),
        ("steps", "Steps", lambda traits: traits.steps, 1000, "", 1),
    ]
    return [
        Bound(name, label, measure, maximum, is_least=is_least, unit=unit, step=step)
        for name, label, measure, maximum, unit, step in quantities
        for is_least in (True, False)
    ]


#: Every condition by its name in a rule.
CONDITIONS: Mapping[str, Condition] = {
    condition.field.name: condition
    for condition in (
        *_bounds(),
        Matching(
            "model_type",
            "Model type",
            "as SD.Next calls it: sd, sdxl, f1 …",
            lambda traits: traits.model_type,
        ),
        Matching("device", "Device", "its name, such as *7900*", lambda traits: traits.device),
        AskedBy(),
    )
}
