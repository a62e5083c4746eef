"""What is measured: every kind of job, in every mode of the extension and in the host alone."""

from __future__ import annotations

from dataclasses import dataclass

from bench.host.job import JobShape, set_mode

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
    shape: JobShape
    pairs: int = 0


@dataclass(frozen=True)
class EtaChange:
    """A job unlike the one that was learned, and what is unlike in it."""

    name: str
    shape: JobShape


@dataclass(frozen=True)
class Plan:
    """How much is run, and how slow the emulated device is.

    Before each of the `eta_changes` the first case's shape is learned anew.
    """

    cases: tuple[Case, ...]
    runs: int
    step_ms: float
    encode_ms: float
    decode_ms: float
    eta_changes: tuple[EtaChange, ...] = ()

    def runs_of(self, setting: Setting) -> int:
        """Return how often a case is run in a setting, its overhead left out."""
        return self.runs if setting.learns else 1

    @property
    def jobs(self) -> int:
        """Every job of the plan."""
        of_rows = len(self.cases) * sum(self.runs_of(setting) for setting in SETTINGS)
        of_overhead = sum(case.pairs for case in self.cases) * (1 + len(SETTINGS))
        of_changes = len(self.eta_changes) * LEARNED_AT_RUN
        return of_rows + of_overhead + of_changes


FULL_PLAN = Plan(
    (
        Case("1 image", JobShape(steps=20), pairs=5),
        Case("batch of 3", JobShape(steps=20, batches=3)),
        Case("hires", JobShape(steps=20, hires=True)),
        Case("img2img 0.5", JobShape(steps=20, strength=0.5)),
        Case("hires x 2", JobShape(steps=20, batches=2, hires=True)),
        Case("unforeseen pass", JobShape(steps=20, unforeseen=True)),
    ),
    runs=LEARNED_AT_RUN,
    step_ms=100,
    encode_ms=60,
    decode_ms=350,
    eta_changes=(
        EtaChange("256 to 384 px", JobShape(steps=20, size_px=384)),
        EtaChange("256 to 192 px", JobShape(steps=20, size_px=192)),
        EtaChange("20 to 35 steps", JobShape(steps=35)),
        EtaChange("20 to 10 steps", JobShape(steps=10)),
    ),
)
# Less than a minute, the start included: too short to learn a shape, and one case's overhead stands for all.
QUICK_PLAN = Plan(
    (
        Case("1 image", JobShape(steps=4), pairs=2),
        Case("batch of 3", JobShape(steps=4, batches=3)),
        Case("hires", JobShape(steps=4, hires=True)),
    ),
    runs=1,
    step_ms=50,
    encode_ms=20,
    decode_ms=80,
)
