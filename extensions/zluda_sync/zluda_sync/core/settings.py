"""The user's settings, checked: a wrong value is named and replaced, never obeyed and never overwritten."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from zluda_sync.core.barrier import MAX_DEPTH, MIN_DEPTH, BarrierPolicy, SyncMode
from zluda_sync.core.self_test_report import SelfTestReport

ENABLED = "zluda_sync_enabled"
MODE = "zluda_sync_mode"
DEPTH = "zluda_sync_depth"
PREVIEW = "zluda_sync_preview"
GATE = "zluda_sync_gate"


class ModeChoice(str, Enum):
    """When the host waits, as the user chooses it."""

    AUTO = "auto"
    EVERY_STEP = SyncMode.EVERY_STEP.value
    RUN_AHEAD = SyncMode.RUN_AHEAD.value
    OBSERVE = SyncMode.OBSERVE.value
    OFF = SyncMode.OFF.value


class Gate(str, Enum):
    """On which devices to act."""

    ZLUDA = "zluda"
    RUNS_AHEAD = "runs-ahead"
    ALWAYS = "always"


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
        gate: on which devices to act.
    """

    enabled: bool = True
    mode: ModeChoice = ModeChoice.AUTO
    depth: int = 1
    preview: PreviewMethod = PreviewMethod.FITTED
    gate: Gate = Gate.ZLUDA

    @property
    def wants_to_act(self) -> bool:
        """Whether the user wants anything to be installed at all."""
        return self.enabled and self.mode is not ModeChoice.OFF

    def policy(self, report: SelfTestReport | None) -> BarrierPolicy:
        """Return when the host waits.

        Args:
            report: of the device's self-test, by which ``auto`` goes; None if there was none so far.
        """
        if self.mode is not ModeChoice.AUTO:
            return BarrierPolicy(SyncMode(self.mode.value), self.depth)
        return BarrierPolicy(report.mode if report is not None else SyncMode.EVERY_STEP, self.depth)

    def lets_act(self, is_zluda: bool, report: SelfTestReport | None) -> bool:
        """Return whether to act on a device.

        Args:
            is_zluda: whether CUDA calls go through ZLUDA there.
            report: of its self-test, None if there was none so far.
        """
        if is_zluda or self.gate is Gate.ALWAYS:
            return True
        return self.gate is Gate.RUNS_AHEAD and report is not None and report.runs_ahead is True


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
            mode=read(MODE, DEFAULTS.mode, _one_of(ModeChoice), ModeChoice),
            depth=read(DEPTH, DEFAULTS.depth, f"a whole number from {MIN_DEPTH} to {MAX_DEPTH}", _to_depth),
            preview=read(PREVIEW, DEFAULTS.preview, _one_of(PreviewMethod), PreviewMethod),
            gate=read(GATE, DEFAULTS.gate, _one_of(Gate), Gate),
        ),
        tuple(problems),
    )


def _one_of(choices: type[Enum]) -> str:
    return "one of " + ", ".join(choice.value for choice in choices)


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
