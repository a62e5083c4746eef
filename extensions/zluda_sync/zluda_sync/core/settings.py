"""The user's settings, checked: a wrong value is named and replaced, never obeyed and never overwritten."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from zluda_sync.core.barrier import MAX_DEPTH, MIN_DEPTH, BarrierPolicy, SyncMode

ENABLED = "zluda_sync_enabled"
MODE = "zluda_sync_mode"
DEPTH = "zluda_sync_depth"
PREVIEW = "zluda_sync_preview"


class PreviewMethod(str, Enum):
    """How previews are made."""

    FITTED = "fitted"
    HOST = "host"


@dataclass(frozen=True)
class Settings:
    """What the user chose.

    Attributes:
        enabled: the checkbox.
        mode: when the host waits.
        depth: run-ahead allowed, in steps.
        preview: how previews are made.
    """

    enabled: bool = True
    mode: SyncMode = SyncMode.EVERY_STEP
    depth: int = 1
    preview: PreviewMethod = PreviewMethod.FITTED

    @property
    def wants_to_act(self) -> bool:
        """Whether the user wants anything to be installed at all."""
        return self.enabled and self.mode is not SyncMode.OFF

    @property
    def policy(self) -> BarrierPolicy:
        """When the host waits."""
        return BarrierPolicy(self.mode, self.depth)


@dataclass(frozen=True)
class SettingProblem:
    """A value that cannot be used.

    Attributes:
        field: name of the setting, as it stands in config.json.
        text: what is wrong, what is used instead, and the remedy, in one sentence.
    """

    field: str
    text: str


DEFAULTS = Settings()


def parse_settings(values: Mapping[str, Any]) -> tuple[Settings, tuple[SettingProblem, ...]]:
    """Read the settings out of the host's options; never raises.

    Args:
        values: option values by name, as the host holds them; a missing one means its default.
    Returns:
        The settings to use, and one problem for each value that had to be replaced by its default.
    """
    problems: list[SettingProblem] = []

    def read(name: str, default: Any, wanted: str, convert: Callable[[Any], Any]) -> Any:
        value = values.get(name, default)
        try:
            return convert(value)
        except (ValueError, TypeError, OverflowError):
            shown = getattr(default, "value", default)
            problems.append(
                SettingProblem(
                    name,
                    f"{name} is {_shorten(value)}, must be {wanted}; using {shown!r}. Change it in Settings.",
                )
            )
            return default

    return (
        Settings(
            enabled=read(ENABLED, DEFAULTS.enabled, "true or false", _to_bool),
            mode=read(MODE, DEFAULTS.mode, "one of " + ", ".join(mode.value for mode in SyncMode), SyncMode),
            depth=read(DEPTH, DEFAULTS.depth, f"a whole number from {MIN_DEPTH} to {MAX_DEPTH}", _to_depth),
            preview=read(
                PREVIEW,
                DEFAULTS.preview,
                "one of " + ", ".join(method.value for method in PreviewMethod),
                PreviewMethod,
            ),
        ),
        tuple(problems),
    )


def _to_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError


def _to_depth(value: Any) -> int:
    # A slider of the page gives 1.0 for 1; True is an int in Python but not a depth.
    if isinstance(value, bool) or value != int(value) or not MIN_DEPTH <= value <= MAX_DEPTH:
        raise ValueError
    return int(value)


def _shorten(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
