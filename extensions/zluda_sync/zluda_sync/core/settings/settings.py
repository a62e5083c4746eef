"""What the user can set: a bad value is named and replaced, never obeyed and never overwritten."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from zluda_sync.core.records.self_test_report import SYNCHRONIZE_RUNGS, SelfTestReport
from zluda_sync.core.settings.fields import (
    OPTION_PREFIX,
    FieldRow,
    Group,
    SettingField,
    describe,
    shorten,
    suggest,
)
from zluda_sync.core.settings.gate import Gate
from zluda_sync.core.steps.policy import MAX_DEPTH, MIN_DEPTH, BarrierPolicy, SyncMode


class ModeChoice(str, Enum):
    """When the host waits, as the user chooses it."""

    AUTO = "auto"
    EVERY_STEP = SyncMode.EVERY_STEP.value
    RUN_AHEAD = SyncMode.RUN_AHEAD.value
    OBSERVE = SyncMode.OBSERVE.value
    OFF = SyncMode.OFF.value


class RungChoice(str, Enum):
    """How to learn that the device has finished a step, as the user chooses it."""

    AUTO = "auto"
    PASSIVE_COUNTER = "passive-counter"
    PLANTED_EVENT = "planted-event"
    LAGGED_WAIT = "lagged-wait"
    DEVICE_SYNCHRONIZE = "device-synchronize"
    STREAM_SYNCHRONIZE = "stream-synchronize"
    READ_BACK = "read-back"


class PreviewMethod(str, Enum):
    """How previews are made."""

    FITTED = "fitted"
    HOST = "host"
    NONE = "none"


def parse_profile_name(value: Any) -> str:
    """Return the name of a profile.

    Raises:
        ValueError: it is no text, empty, too long, or has characters that a route or a log line has not.
    """
    if isinstance(value, str) and re.fullmatch(NAME_PATTERN, value) and value.isprintable():
        return value
    raise ValueError


#: A name stands on buttons, in routes and in log lines.
NAME_PATTERN = r"^[^\s/\\?#%]([^/\\?#%\n\r]{0,38}[^\s/\\?#%])?$"
NAME_WANTED = "a name of 1 to 40 characters, without / \\ ? # % and without spaces around it"


@dataclass(frozen=True)
class Settings:
    """What the user chose. The one source of names, words and limits of every setting.

    Attributes:
        enabled: the checkbox.
        profile: name of the profile, or ``auto`` for the rules.
        preview: how previews are made.
        gate: on which devices to act.
        mode: when the host waits.
        depth: run-ahead allowed, in steps.
        rung: how to learn that a step is finished.
        preview_budget: what previews may cost, in per cent of the time of a step.
        preview_interval: least time between two previews, in seconds.
        estimate: whether the page says beside Generate how long a job would take.
        bar: whether a wide bar stands above the pictures.
        favicon: whether the browser's tab shows the progress as its icon.
        notification: whether the browser tells when a job is finished.
        keep_jobs: whether the records of jobs are kept over a restart.
    """

    enabled: bool = describe(
        True,
        "Follow the GPU: progress, preview and Stop show what it has finished",
        "unchecked, SD.Next runs as it came",
    )
    profile: str = describe(
        "balanced",
        "Profile",
        "precise: waits for the GPU after each step; balanced: follows the settings below, which by "
        "default keep the GPU's next step ready where the self-test has proved that safe; throughput: never "
        "waits, Stop takes as long as what is queued; off: SD.Next as it came; auto: by your rules",
        parse=parse_profile_name,
        wanted=NAME_WANTED,
    )
    preview: PreviewMethod = describe(
        PreviewMethod.FITTED,
        "Live preview",
        "fitted: learned from your finished pictures, costs next to nothing; host: the method chosen in "
        "SD.Next, of finished steps only; none: no previews",
        is_in_profile=True,
    )
    gate: Gate = describe(
        Gate.AUTO,
        "Where to act",
        "auto: on ZLUDA, and wherever SD.Next is found to run ahead of the GPU, by the self-test or in use; "
        "zluda: on ZLUDA only; runs-ahead: on ZLUDA and by the self-test alone; always: on every GPU",
        is_in_profile=True,
    )
    mode: ModeChoice = describe(
        ModeChoice.AUTO,
        "Mode (when to wait for the GPU)",
        "auto: run-ahead if the self-test has proved it on this GPU, else every-step, or observe where Force "
        "synchronize is off (not on ZLUDA); every-step: after each step; run-ahead: always keeps the GPU's "
        "next step ready; observe: never, Stop takes as long as what is queued; off: SD.Next as it came",
        group=Group.BY_PROFILE,
        is_in_profile=True,
    )
    depth: int = describe(
        1,
        "Head start",
        "for run-ahead: how many steps may be queued beyond the one that the GPU works on",
        group=Group.BY_PROFILE,
        minimum=MIN_DEPTH,
        maximum=MAX_DEPTH,
        unit="steps",
        is_in_profile=True,
    )
    rung: RungChoice = describe(
        RungChoice.AUTO,
        "How to learn that a step is finished",
        "auto: the cheapest way that the self-test found truthful; another one is tried first, and left if "
        "it fails or lies",
        group=Group.BY_PROFILE,
        is_in_profile=True,
    )
    preview_budget: float = describe(
        2.0,
        "What previews may cost",
        "where they would cost more, not every step gets one",
        group=Group.BY_PROFILE,
        minimum=0.1,
        maximum=50,
        step=0.1,
        unit="% of a step",
        is_in_profile=True,
    )
    preview_interval: float = describe(
        0.0,
        "Least time between two previews",
        "0: as many as their cost allows",
        group=Group.BY_PROFILE,
        minimum=0,
        maximum=60,
        step=0.1,
        unit="s",
        is_in_profile=True,
    )
    estimate: bool = describe(
        True,
        "How long it will take, beside Generate",
        "for the settings on the page, before you press; learned from your own pictures",
        group=Group.EXTRAS,
    )
    bar: bool = describe(
        True,
        "A wide bar above the pictures",
        "the whole job in its phases, when it will be done, and what was made today",
        group=Group.EXTRAS,
    )
    favicon: bool = describe(
        False,
        "Progress as the icon of the browser's tab",
        "seen while you work elsewhere",
        group=Group.EXTRAS,
    )
    notification: bool = describe(
        False,
        "Tell me when a job is finished",
        "the browser asks you once, on the ZLUDA Sync tab, whether it may",
        group=Group.EXTRAS,
    )
    keep_jobs: bool = describe(
        True,
        "Keep the last 200 jobs over a restart",
        "their times, without prompts and pictures; unchecked, what was kept before stays on disk, unread, "
        "until you delete zluda_sync/jobs.jsonl",
        group=Group.KEPT,
    )

    @property
    def is_on(self) -> bool:
        """Whether anything is to be installed at all."""
        return self.enabled and self.mode is not ModeChoice.OFF

    def policy(
        self, report: SelfTestReport | None, is_seen_ahead: bool = False, may_sync: bool = True
    ) -> BarrierPolicy:
        """Return when the host waits.

        Args:
            report: of the device's self-test, by which ``auto`` goes; None if there was none so far.
            is_seen_ahead: whether the host was seen ahead of the device in use, whatever the test says.
            may_sync: whether ``auto`` may wait for all that is queued: not where the host itself does not.
        """
        if self.mode is not ModeChoice.AUTO:
            return BarrierPolicy(SyncMode(self.mode.value), self.depth)
        mode = report.mode if report is not None else SyncMode.EVERY_STEP
        if is_seen_ahead and report is not None and report.is_blocking:
            mode = SyncMode.RUN_AHEAD  # by events that are judged in use
        if mode is SyncMode.EVERY_STEP and not may_sync:
            mode = SyncMode.OBSERVE
        return BarrierPolicy(mode, self.depth)

    @property
    def conflict(self) -> str:
        """What does not go together, in half a sentence; empty if all does."""
        if self.rung.value in SYNCHRONIZE_RUNGS and self.mode in (ModeChoice.RUN_AHEAD, ModeChoice.OBSERVE):
            return f"{self.rung.value} waits for all that is queued, which mode {self.mode.value} is not to"
        return ""


@dataclass(frozen=True)
class SettingProblem:
    """A value that cannot be used.

    Attributes:
        where: file and entry, or the option as it stands in config.json.
        text: what is wrong, what is used instead, and the remedy, in one sentence or two.
    """

    where: str
    text: str

    @classmethod
    def at(cls, where: str, what: str, remedy: str) -> SettingProblem:
        """Return a problem from what is wrong, half a sentence that follows its place, and the remedy."""
        return cls(where, f"{where} {what}{'' if what.endswith('?') else '.'} {remedy}")


FIELDS = FieldRow(Settings)
#: What a profile may set, by name.
PROFILE_FIELDS: Mapping[str, SettingField] = {one.name: one for one in FIELDS if one.is_in_profile}
_OPTIONS: Mapping[str, SettingField] = {one.option: one for one in FIELDS}
DEFAULTS = Settings()


def parse_settings(values: Mapping[str, Any]) -> tuple[Settings, tuple[SettingProblem, ...]]:
    """Read the settings out of the host's options; never raises.

    Args:
        values: option values by name, as the host holds them; a missing one means its default.
    Returns:
        The settings to use, and one problem for each value that had to be replaced by its default, and for
        each name that looks like one of ours and is none.
    """
    problems: list[SettingProblem] = []
    parsed: dict[str, Any] = {}
    for name in values:
        if isinstance(name, str) and name.startswith(OPTION_PREFIX) and name not in _OPTIONS:
            what = f"is no setting and is left out; {suggest(name, _OPTIONS)}"
            problems.append(SettingProblem.at(name[:80], what, "Take it out of config.json."))
    for one in FIELDS:
        value = values.get(one.option, one.plain_default)
        try:
            parsed[one.name] = one.parse(value)
        except (ValueError, TypeError, OverflowError):
            problems.append(
                SettingProblem.at(
                    one.option,
                    f"is {shorten(value)}, must be {one.wanted}; using {one.plain_default!r}",
                    "Change it in Settings.",
                )
            )
    return Settings(**parsed), tuple(problems)
