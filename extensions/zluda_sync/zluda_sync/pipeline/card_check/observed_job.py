"""One fixed job, in any mode, followed as any other job is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from zluda_sync.core.clock import SYSTEM_CLOCK, PausableClock
from zluda_sync.core.errors import NoAnswerError, NoRungLeftError
from zluda_sync.core.guard import Guard, Notices
from zluda_sync.core.learning.durations import Durations
from zluda_sync.core.phase import BASE, Phase
from zluda_sync.core.progress.job import Job
from zluda_sync.core.progress.shape import JobShape, PassShape
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.core.steps.policy import BarrierPolicy
from zluda_sync.core.wishes.control import Control
from zluda_sync.core.wishes.job_wishes import JobWishes
from zluda_sync.device.preview.copy import CopyWay, make_copier
from zluda_sync.device.preview.pace import PreviewPace
from zluda_sync.device.preview.queue import JobPreviews
from zluda_sync.device.preview.ring import StepFrame
from zluda_sync.device.steps.accelerator import Accelerator
from zluda_sync.device.steps.tracker import StepTracker
from zluda_sync.device.steps.trust_book import TrustBook
from zluda_sync.device.steps.waits import TrialLimits
from zluda_sync.device.steps.watcher import Marks
from zluda_sync.pipeline.card_check.fixed_job import (
    DECODE_STEPS,
    SHAPE,
    SIZE_PX,
    STEPS,
    FixedJob,
    build_latents,
    build_pictures,
)
from zluda_sync.pipeline.card_check.observer import Observation, Observer
from zluda_sync.pipeline.card_check.truth import TruthRecorder
from zluda_sync.pipeline.run import PipelineRun
from zluda_sync.pipeline.step_previews import PreviewDemand, StepDetails, StepPreviews

#: Each step gets a preview: their pace would thin them out, and every one is to be compared.
_EACH_STEP = 1e9
_WRONG = "the GPU does not compute what it should"


class _NoModels:
    components: Sequence[torch.nn.Module] = ()
    vae: Any = None


class _FixedPlace:
    image, role = 0, BASE
    size_px: tuple[int, int] | None = SIZE_PX


class JobBench:
    """Runs fixed jobs in every mode, with the parts of which every job is made.

    Args:
        fixed: the job.
        accelerator: of the device.
        tracker: begins to learn of steps.
        book: what is known of the device.
        limits: of the check: each wait of it is bounded.
        copy_way: how previews come to the host.
        warn: told in one sentence of what does not work.
    """

    def __init__(
        self,
        fixed: FixedJob,
        accelerator: Accelerator,
        tracker: StepTracker,
        book: TrustBook,
        limits: TrialLimits,
        copy_way: CopyWay,
        warn: Callable[[str], None],
    ) -> None:
        self._fixed = fixed
        self._accelerator = accelerator
        self._tracker, self._book = tracker, book
        self._limits = limits
        self._copy_way = copy_way
        self._warn = warn
        self._guard = Guard.saying(warn)
        self._durations = Durations()
        self._pictures = build_pictures()
        self._uses_events = True

    def run_bare(self, host_sync: bool) -> Observation:
        """Run the job with nothing of ours."""
        began_s = self._begin()
        for _ in range(STEPS):
            self._limits.check()
            self._fixed.queue_step()
            if host_sync:
                self._wait_device()
        self._fixed.queue_decode()
        self._read_back()
        return Observation(SYSTEM_CLOCK() - began_s)

    def run(self, policy: BarrierPolicy, host_sync: bool, is_observed: bool) -> Observation:
        """Run the job as it is followed.

        Args:
            policy: when to wait.
            host_sync: whether the host waits for the whole device after each step besides.
            is_observed: whether what is told of it is held against the truth, which takes a little time; the
                wall time of a job is that of one that is not.
        """
        shape = self._shape(policy, host_sync)
        control, clock, notices = Control(), PausableClock(), Notices()
        began_s = self._begin()
        job = Job(policy.mode, shape, self._durations.memory_for(shape), clock=clock)
        trust = self._book.trust_in(self._accelerator, self._guard, lambda failed, successor: None)
        tracking = self._tracker.begin(policy, self._accelerator, trust, self._is_over)
        previews = self._open_previews(tracking.marks) if is_observed else None
        run = PipelineRun(
            JobWishes(job, control, clock, lambda: 0),
            tracking,
            notices,
            _NoModels(),
            _FixedPlace(),
            previews,
            self._guard,
        )
        try:
            return self._follow(run, began_s, host_sync)
        finally:
            if previews is not None:
                previews.close()
            run.close()

    def check_exact(self) -> None:
        """See that the job leaves what it should.

        Raises:
            RuntimeError: it does not.
        """
        left: list[torch.Tensor] = []
        self._limits.wait_for(lambda: left.append(self._fixed.latents.cpu()))
        if not torch.equal(left[0], build_latents(STEPS)):
            raise RuntimeError(_WRONG)

    def _open_previews(self, marks: Marks) -> StepPreviews:
        queue = JobPreviews(
            lambda _device: make_copier(self._copy_way, marks),
            lambda _channels: None,
            lambda: SHAPE[1],
            PreviewPace(_EACH_STEP),
        )
        queue.prepare(self._fixed.latents.device)
        return StepPreviews(queue, PreviewDemand(lambda: True), self._warn)

    def _follow(self, run: PipelineRun, began_s: float, host_sync: bool) -> Observation:
        followed, is_lost = run.announce_loop(STEPS), False
        observer = recorder = None
        if run.previews is not None:
            recorder = TruthRecorder(self._accelerator, SYSTEM_CLOCK, self._limits, self._uses_events)
            observer = Observer(run, run.previews.queue, recorder)
            recorder.begin()
            observer.start()
        try:
            for step in range(STEPS):
                self._limits.check()
                if recorder is not None:
                    recorder.begin_step()
                self._fixed.queue_step()
                if recorder is not None:
                    recorder.put()
                try:
                    run.pass_step(followed, step, STEPS, self._fixed.latents)
                except (NoRungLeftError, NoAnswerError):
                    is_lost = True
                run.offer_preview(followed, [StepFrame(step, self._fixed.latents)], StepDetails())
                if host_sync:
                    self._wait_device()
            run.leave_pass()
            run.begin_part(Phase.DECODE)
            self._fixed.queue_decode()
            self._read_back()
            ended_s = SYSTEM_CLOCK()
        finally:
            if observer is not None:
                observer.stop()
        run.job.deliver()
        self._durations.learn(run.job.shape or JobShape(), run.job.cell_parts)
        found = Observation(
            ended_s - began_s, rung=run.rung_name, is_lost=is_lost, steps=_trace(followed.ledger, began_s)
        )
        if observer is None or recorder is None:
            return found
        true = recorder.build(STEPS, ended_s, DECODE_STEPS, self._fixed.read_back)
        self._uses_events = self._uses_events and not recorder.has_blocked  # once is enough
        return observer.judge(found, true, began_s, ended_s, self._pictures)

    def _begin(self) -> float:
        self._fixed.begin()
        self._read_back()
        return SYSTEM_CLOCK()

    def _read_back(self) -> None:
        if not self._fixed.read_back():
            raise RuntimeError(_WRONG)

    def _wait_device(self) -> None:
        self._limits.wait_for(self._accelerator.bind_device_wait())

    def _is_over(self) -> bool:
        return self._limits.is_over

    def _shape(self, policy: BarrierPolicy, host_sync: bool) -> JobShape:
        return JobShape(
            model="card check",
            mode=policy.mode.value,
            passes=(PassShape(BASE, STEPS, *SIZE_PX),),
            phases=(Phase.DECODE,),
            settings=str(host_sync),
        )


def _trace(ledger: Ledger, began_s: float) -> tuple[tuple[float, float, float], ...]:
    """Return launches, completions and waits of a pass; what was not reported counts as its end."""
    reading, waited_s = ledger.snapshot(), dict[int, float]()
    for step, _, length_s in ledger.waits:
        waited_s[step] = waited_s.get(step, 0.0) + length_s
    completed = reading.completed_at_s
    return tuple(
        (launched_s - began_s, completed[step] - began_s, waited_s.get(step, 0.0))
        for step, launched_s in enumerate(reading.launched_at_s[: len(completed)])
    )
