"""Who is measured against whom: jobs, everyone's way to run them, and how often."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from bench.host.job import WantedJob, set_mode
from bench.host.rivals import Endpoint, polled_events, syncing_attention, tqdm_alone
from bench.host.started import Speed


@dataclass(frozen=True)
class Contender:
    """One way to run a job.

    Attributes:
        name: for the table.
        mode: of the extension; `off` for the host alone.
        depth: steps that may be queued, in `run-ahead`.
        syncs: whether SD.Next's own synchronize is on.
        around: a context to be in, which gives what answers a client; None for the host's own route.
        is_watched: whether a client asks ten times a second.
        wants_previews: whether that one takes previews too.
    """

    name: str
    mode: str = "off"
    depth: int = 1
    syncs: bool = False
    around: Callable[[], AbstractContextManager[Endpoint | None]] = contextlib.nullcontext
    is_watched: bool = True
    wants_previews: bool = False

    @property
    def is_ours(self) -> bool:
        """Whether the extension acts."""
        return self.mode != "off"

    def apply(self) -> None:
        """Make the running host behave so."""
        from modules import shared

        set_mode(self.mode, self.depth)
        shared.opts.set("torch_sync", self.syncs)


#: What every other one's time is held against: nothing waits, and nobody looks.
BARE = Contender("bare job", is_watched=False)
BARE_AGAIN = Contender("bare job again", is_watched=False)
SYNC_OFF = Contender("SD.Next, sync off")
SYNC_ON = Contender("SD.Next, sync on", syncs=True)
TQDM = Contender("tqdm alone", around=tqdm_alone)
RUN_AHEAD = Contender("run-ahead 1", "run-ahead")
FIRST_JOB = Contender("run-ahead 1, first job", "run-ahead")
PREVIEWS = Contender("run-ahead 1, previews", "run-ahead", wants_previews=True)
OBSERVE = Contender("observe", "observe")
CONTENDERS: tuple[Contender, ...] = (
    BARE_AGAIN,
    SYNC_OFF,
    SYNC_ON,
    Contender("a sync in each attention", around=syncing_attention),
    TQDM,
    Contender("events, polled", around=polled_events),
    Contender("every-step", "every-step"),
    RUN_AHEAD,
    Contender("run-ahead 2", "run-ahead", depth=2),
    Contender("run-ahead 4", "run-ahead", depth=4),
    OBSERVE,
)


@dataclass(frozen=True)
class Case:
    """One kind of job, and how often everyone runs it.

    Attributes:
        name: for the table.
        wanted: the job.
        rounds: in each, everyone runs it once.
        first_jobs: jobs of ours that know of no other.
        presses: of Stop, for everyone.
        more: who takes part beside the others.
    """

    name: str
    wanted: WantedJob
    rounds: int
    first_jobs: int = 1
    presses: int = 0
    more: tuple[Contender, ...] = ()

    @property
    def contenders(self) -> tuple[Contender, ...]:
        """Everyone whose job is held against the bare one in each round."""
        return (*CONTENDERS, *self.more)

    @property
    def stopped(self) -> tuple[Contender, ...]:
        """Everyone whose Stop is measured."""
        return tuple(one for one in self.contenders if one.is_watched and not one.wants_previews)

    @property
    def jobs(self) -> int:
        """Every job of it."""
        of_rounds = self.rounds * (1 + len(self.contenders))
        return of_rounds + 2 * self.first_jobs + 1 + self.presses * len(self.stopped)


@dataclass(frozen=True)
class Plan:
    """How much is run, and at which speed; the first case is the short one."""

    cases: tuple[Case, ...]
    speed: Speed

    @property
    def jobs(self) -> int:
        """Every job of the plan."""
        return sum(case.jobs for case in self.cases)


#: As in the README's figures, at eight tenths of the time.
FULL_PLAN = Plan(
    (
        Case("1 image", WantedJob(steps=20), rounds=5, first_jobs=3, presses=2, more=(PREVIEWS,)),
        Case("batch of 3", WantedJob(steps=20, batches=3), rounds=2),
        Case("hires", WantedJob(steps=20, hires=True), rounds=2),
    ),
    Speed(step_ms=80, encode_ms=48, decode_ms=280),
)
QUICK_PLAN = Plan(
    (
        Case("1 image", WantedJob(steps=10), rounds=2, presses=1, more=(PREVIEWS,)),
        Case("batch of 3", WantedJob(steps=6, batches=3), rounds=1),
        Case("hires", WantedJob(steps=6, hires=True), rounds=1),
    ),
    Speed(step_ms=40, encode_ms=24, decode_ms=140),
)
