"""What is measured: every kind of job, in every mode of the extension and in the host alone."""

from __future__ import annotations

from dataclasses import dataclass

from bench.host.job import WantedJob, set_mode
from bench.host.started import Speed

LEARNED_AT_RUN = 3
"""A shape counts as learned in its third run in one process."""


@dataclass(frozen=True)
class Setting:
    """One row's way to run: a mode of the extension, or the host alone with its own synchronize off or on."""

    name: str
    mode: str
    host_sync: bool = False

    @property
    def learns(self) -> bool:
        """Whether earlier jobs make a difference."""
        return self.mode != "off"

    def apply(self) -> None:
        """Make the running host behave so."""
        from modules import shared

        set_mode(self.mode)
        shared.opts.set("torch_sync", self.host_sync)


RUN_AHEAD = Setting("run-ahead", "run-ahead")
OBSERVE = Setting("observe", "observe")
SETTINGS = (
    Setting("stock, sync off", "off"),
    Setting("stock, sync on", "off", host_sync=True),
    Setting("every-step", "every-step"),
    RUN_AHEAD,
    OBSERVE,
)


@dataclass(frozen=True)
class Case:
    """One kind of job, and in how many pairs its overhead is measured; in none, it stays unknown."""

    name: str
    wanted: WantedJob
    pairs: int = 0


@dataclass(frozen=True)
class EtaChange:
    """A job unlike the one that was learned, and what is unlike in it."""

    name: str
    wanted: WantedJob


@dataclass(frozen=True)
class Plan:
    """How much is run, and at which speed.

    Before each of the `eta_changes` the job of the first case is learned anew.
    """

    cases: tuple[Case, ...]
    runs: int
    speed: Speed
    eta_changes: tuple[EtaChange, ...] = ()

    def runs_of(self, setting: Setting) -> int:
        """Return how often a case is run in a setting, its overhead left out."""
        return self.runs if setting.learns else 1

    @property
    def warm_up(self) -> tuple[WantedJob, ...]:
        """A short job of each kind that is among the cases."""
        kinds = {(case.wanted.hires, case.wanted.unforeseen): None for case in self.cases}
        return tuple(WantedJob(steps=2, hires=hires, unforeseen=unforeseen) for hires, unforeseen in kinds)

    @property
    def jobs(self) -> int:
        """Every job of the plan."""
        of_rows = len(self.cases) * sum(self.runs_of(setting) for setting in SETTINGS)
        of_overhead = sum(case.pairs for case in self.cases) * (1 + len(SETTINGS))
        of_changes = len(self.eta_changes) * LEARNED_AT_RUN
        return of_rows + of_overhead + of_changes


FULL_PLAN = Plan(
    (
        Case("1 image", WantedJob(steps=20), pairs=5),
        Case("batch of 3", WantedJob(steps=20, batches=3)),
        Case("hires", WantedJob(steps=20, hires=True)),
        Case("img2img 0.5", WantedJob(steps=20, strength=0.5)),
        Case("hires x 2", WantedJob(steps=20, batches=2, hires=True)),
        Case("unforeseen pass", WantedJob(steps=20, unforeseen=True)),
    ),
    runs=LEARNED_AT_RUN,
    speed=Speed(step_ms=100, encode_ms=60, decode_ms=350),
    eta_changes=(
        EtaChange("256 to 384 px", WantedJob(steps=20, size_px=384)),
        EtaChange("256 to 192 px", WantedJob(steps=20, size_px=192)),
        EtaChange("20 to 35 steps", WantedJob(steps=35)),
        EtaChange("20 to 10 steps", WantedJob(steps=10)),
    ),
)
# Less than a minute, the start included: too short to learn a shape, and one case's overhead stands for all.
QUICK_PLAN = Plan(
    (
        Case("1 image", WantedJob(steps=4), pairs=2),
        Case("batch of 3", WantedJob(steps=4, batches=3)),
        Case("hires", WantedJob(steps=4, hires=True)),
    ),
    runs=1,
    speed=Speed(step_ms=50, encode_ms=20, decode_ms=80),
)
