"""Jobs that nobody computes: a card with known times, under a virtual clock, tells them to a followed job.

What is computed may differ from what is asked for, as it does in a real host. A job takes milliseconds.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field, replace
from typing import Any

from bench.truth.figures import SAMPLE_PERIOD_S
from bench.truth.measured_job import MeasuredJob, Sample
from zluda_sync.core.learning.durations import Durations
from zluda_sync.core.phase import BASE, DETAIL, HIRES, Phase
from zluda_sync.core.progress.job import Job
from zluda_sync.core.progress.part import Part
from zluda_sync.core.progress.shape import IMAGE, JobShape, PassShape
from zluda_sync.core.progress.true_sizes import pixels_of_latents
from zluda_sync.core.steps.policy import SyncMode

#: Values of the latents of a picture of 512 x 512.
UNIT_VALUES = 4 * 64 * 64
#: What a card takes, in seconds, for a unit; all but the first two grow a little less than in proportion.
ENCODE_S, SAVE_S, PREPARE_S = 0.25, 0.15, 0.05
STEP_S, DECODE_S, UPSCALE_S, LEAD_IN_S = 0.3, 1.2, 0.2, 0.1
GROWTH = 0.9
#: Between two parts the host does something that it does not tell of.
GAP_S = 0.02

Latents = tuple[int, ...]


@dataclass(frozen=True)
class SimulatedPass:
    """What a pass really computes.

    Attributes:
        role: base, hires, detail.
        steps: of its loop.
        latents: their shape, as the pipeline has them.
        step_share: what a step takes, as a share of the card's own.
    """

    role: str
    steps: int
    latents: Latents
    step_share: float = 1.0


@dataclass(frozen=True)
class Kind:
    """A kind of job.

    Attributes:
        name: of it.
        shape: what is asked for.
        passes: what comes of it, for each image.
        is_input_encoded: whether something is done to an input before the first step.
    """

    name: str
    shape: JobShape
    passes: tuple[SimulatedPass, ...]
    is_input_encoded: bool = False


@dataclass(frozen=True)
class Card:
    """What computes, and what may disturb it.

    Attributes:
        slowness: everything takes so many times as long.
        noise: standard deviation of each duration, as a share of it.
        stretched: parts that take so many times as long on top, by phase.
    """

    slowness: float = 1.0
    noise: float = 0.0
    stretched: dict[Phase, float] = field(default_factory=dict)


def _asked(width: int, height: int, steps: int = 20, **more: Any) -> JobShape:
    plain = JobShape("card", "model", "Euler", "run-ahead", guidance="cfg")
    return replace(plain, **{"passes": (PassShape(BASE, steps, width, height),), **more})


def _latents(width: int, height: int, batch: int = 1) -> Latents:
    return batch, 4, height // 8, width // 8


def build_kinds() -> list[Kind]:
    """Return ten kinds of job, all of one model."""
    plain = SimulatedPass(BASE, 20, _latents(512, 512))
    hires = (PassShape(BASE, 20, 512, 512), PassShape(HIRES, 12, 768, 768))
    return [
        Kind("1 image", _asked(512, 512), (plain,)),
        Kind("3 images", _asked(512, 512, images=3), (plain,)),
        Kind(
            "hires",
            _asked(512, 512, passes=hires, strength=0.5),
            (plain, SimulatedPass(HIRES, 12, _latents(768, 768))),
        ),
        Kind(
            "img2img at 0.5",
            _asked(640, 512, source=IMAGE, strength=0.5),
            (SimulatedPass(BASE, 11, _latents(640, 512)),),
            is_input_encoded=True,
        ),
        Kind("another size", _asked(832, 1216), (SimulatedPass(BASE, 20, _latents(832, 1216)),)),
        Kind(
            "another sampler",
            _asked(512, 512, sampler="Heun"),
            (SimulatedPass(BASE, 39, _latents(512, 512), 1.2),),
        ),
        Kind("batch of 4", _asked(512, 512, batch_size=4), (SimulatedPass(BASE, 20, _latents(512, 512, 4)),)),
        # 17 frames are 5 in latents.
        Kind(
            "film",
            _asked(256, 256, steps=12, batch_size=17),
            (SimulatedPass(BASE, 12, (1, 16, 5, 32, 32)),),
        ),
        Kind(
            "detailer script",
            _asked(512, 512, scripts="detailer"),
            (plain, SimulatedPass(DETAIL, 10, _latents(512, 512))),
        ),
        # The host does not resize the input, whatever the request says; the sides are rounded, too.
        Kind(
            "size of the input",
            _asked(512, 512, source=IMAGE, strength=0.3),
            (SimulatedPass(BASE, 7, _latents(904, 704)),),
            is_input_encoded=True,
        ),
    ]


#: What happens to a job once: a laptop sleeps, kernels are compiled, another program is on the GPU.
DISTURBANCES = {
    "everything 5 times as long": Card(slowness=5.0),
    "everything twice as long": Card(slowness=2.0),
    "steps 4 times as long": Card(stretched={Phase.DENOISE: 4.0}),
    "a decode of 20 times": Card(stretched={Phase.DECODE: 20.0}),
    "text encoding of 60 times": Card(stretched={Phase.ENCODE: 60.0}),
}


class SimulatedRun:
    """One job while it is told: everything happens at its own time, and a client asks ten times a second.

    Args:
        kind: what is made.
        durations: what is known.
        card: that makes it.
        chance: of the noise.
        is_watched: whether there is a client.
    """

    def __init__(
        self, kind: Kind, durations: Durations, card: Card, chance: random.Random, is_watched: bool = True
    ) -> None:
        self.now_s = 0.0
        self._is_watched = is_watched
        self.kind = kind
        self._card = card
        self._chance = chance
        memory = durations.memory_for(kind.shape)
        self.job = Job(SyncMode.RUN_AHEAD, kind.shape, memory, clock=lambda: self.now_s, began_at_s=0.0)
        first = self.job.snapshot()
        self.first_eta_s = first.eta_s
        self._samples = [Sample(0.0, 0.0, first.fraction, first.eta_s)]

    def run(self) -> MeasuredJob:
        """Run the whole job, and return what a client saw of it."""
        self._spend(Phase.PREPARE, PREPARE_S)
        for image in range(self.kind.shape.images):
            self._make_image(image)
        self.job.end_parts()
        self.job.deliver()
        return MeasuredJob(0.0, self.now_s, samples=self._samples)

    def _make_image(self, image: int) -> None:
        for index, one in enumerate(self.kind.passes):
            units = _units_of(one.latents)
            if one.role == DETAIL:
                self._decode(self.kind.passes[index - 1], BASE, image)
            if one.role == HIRES:
                self._part(Phase.UPSCALE, one.role, image, UPSCALE_S * units)
            self._part(Phase.ENCODE, one.role, image, ENCODE_S)
            self._denoise(one, image, units)
        last = self.kind.passes[-1]
        self._decode(last, DETAIL if last.role == DETAIL else BASE, image)
        self._part(Phase.SAVE, BASE, image, SAVE_S)

    def _decode(self, made: SimulatedPass, role: str, image: int) -> None:
        self._part(Phase.DECODE, role, image, DECODE_S * _units_of(made.latents))

    def _denoise(self, one: SimulatedPass, image: int, units: float) -> None:
        part, ledger = self.job.begin_pass(one.role, image)
        self.job.expect_total(part, one.steps)
        if self.kind.is_input_encoded:
            self._spend(Phase.DENOISE, LEAD_IN_S * units)
        for step in range(one.steps):
            ledger.record_launch()
            if step == 0:
                self._see(part, one)
            self._spend(Phase.DENOISE, STEP_S * units * one.step_share)
            ledger.record_completion(step)
        self.job.leave_part()
        self._pass_time(GAP_S)

    def _see(self, part: Part, one: SimulatedPass) -> None:
        self.job.correct_size(part, pixels_of_latents(one.latents))

    def _part(self, phase: Phase, role: str, image: int, expected_s: float) -> None:
        self.job.begin_part(phase, role, image)
        self._spend(phase, expected_s)
        self.job.leave_part()
        self._pass_time(GAP_S)

    def _spend(self, phase: Phase, expected_s: float) -> None:
        noise = max(0.5, self._chance.gauss(1.0, self._card.noise)) if self._card.noise else 1.0
        self._pass_time(expected_s * self._card.slowness * self._card.stretched.get(phase, 1.0) * noise)

    def _pass_time(self, seconds: float) -> None:
        until_s = self.now_s + seconds
        while self._is_watched and (tick_s := len(self._samples) * SAMPLE_PERIOD_S) <= until_s:
            self.now_s = tick_s
            snapshot = self.job.snapshot()
            self._samples.append(Sample(tick_s, tick_s, snapshot.fraction, snapshot.eta_s))
        self.now_s = until_s


class Workshop:
    """Makes one job after the other on a card, and learns from each.

    Args:
        seed: of the noise.
        card: that computes.
        is_watched: whether a client asks for progress.
    """

    def __init__(self, seed: int, card: Card | None = None, is_watched: bool = True) -> None:
        self.durations = Durations()
        self._is_watched = is_watched
        self.card = card or Card()
        self._chance = random.Random(seed)

    def make(self, kind: Kind, card: Card | None = None) -> tuple[MeasuredJob, float | None]:
        """Make a job, by another card if one is given; return what a client saw, and the very first ETA."""
        run = SimulatedRun(kind, self.durations, card or self.card, self._chance, self._is_watched)
        measured = run.run()
        self.durations.learn(kind.shape, run.job.parts)
        return measured, run.first_eta_s

    def foresee_s(self, kind: Kind) -> float | None:
        """Return what a job of a kind is expected to take, without making it."""
        return SimulatedRun(kind, self.durations, self.card, self._chance).first_eta_s


def _units_of(latents: Latents) -> float:
    return float((math.prod(latents) / UNIT_VALUES) ** GROWTH)
