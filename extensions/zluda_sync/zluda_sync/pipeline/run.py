"""A run: one job followed through the pipelines that make it, without knowing who has asked for it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

import torch

from zluda_sync.core.guard import Guard, Notices
from zluda_sync.core.phase import BASE, DETAIL, TEXTS, Phase
from zluda_sync.core.progress.part import Part
from zluda_sync.core.progress.snapshot import ProgressSnapshot
from zluda_sync.core.progress.true_sizes import pixels_of_latents
from zluda_sync.core.records.bars import BarSamples
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.core.wishes.job_wishes import JobWishes
from zluda_sync.core.wishes.request_wishes import Ending
from zluda_sync.device.preview.ring import StepFrame
from zluda_sync.device.steps.tracker import Tracking
from zluda_sync.pipeline.decode_blocks import DecodeBlocks
from zluda_sync.pipeline.exit_points import ExitPoints
from zluda_sync.pipeline.loop_outputs import LoopOutputs
from zluda_sync.pipeline.passes import FollowedPass, Models, Passes, Place
from zluda_sync.pipeline.step_previews import NOTHING_KNOWN, StepDetails, StepPreviews
from zluda_sync.pipeline.units import Units


class PipelineRun:
    """Follows one job. Hooks call it on the thread that queues the steps, the driver; everybody else asks.

    Args:
        wishes: the job, and what the user wants of it.
        tracking: learns when its steps are finished.
        notices: what has gone wrong in following it.
        models: that it uses.
        place: where in its work it is.
        previews: get what each step leaves, None if previews are made otherwise or not at all.
        guard: keeps errors of ours from whoever presses a button.
    """

    def __init__(
        self,
        wishes: JobWishes,
        tracking: Tracking,
        notices: Notices,
        models: Models,
        place: Place,
        previews: StepPreviews | None,
        guard: Guard,
    ) -> None:
        self.wishes = wishes
        self.job, self.control = wishes.job, wishes.control
        self.notices, self.previews = notices, previews
        self.shown_bar = BarSamples()
        self._barrier, self._marks = tracking.barrier, tracking.marks
        self._models, self._place, self._guard = models, place, guard
        self.tiles = Units(self.job, tracking.barrier, {Phase.UPSCALE, Phase.INTERPOLATE})
        self.tokens = Units(self.job, tracking.barrier, TEXTS)
        self._decode = DecodeBlocks(lambda: models.vae, tracking.marks, self.job.clock, self._pass_chunk)
        self._exits = ExitPoints(self.control, self.may_leave, lambda: self._barrier.is_capturing)
        self._passes = Passes(wishes.job, place)
        self._calls_begun = 0
        self._driver = threading.get_ident()
        self.control.begin_job(lambda: place.image, self._obey_wish)
        with guard.watching("following an earlier wish"):
            wishes.cut_plan()

    # What the hooks tell. Driver only.

    def begin_call(self) -> None:
        """A call begins out of which a model may be left by an error, which is caught there."""
        self._calls_begun += 1

    def end_call(self) -> None:
        """That call is over."""
        self._calls_begun -= 1

    def go_on(self) -> None:
        """The pipeline goes on to something else; what models there are now can be left early."""
        self.leave_pass()
        self._exits.install(self._models.components)

    def begin_part(self, phase: Phase) -> None:
        """A part begins, of the image and pass in which the pipeline is."""
        part = self.job.begin_part(phase, self._role_in(phase), self._place.image)
        if phase is Phase.DECODE:
            self._check_drained()
            if part.blocks is None:
                self._watch_decode(part)
        else:
            self._decode.remove()

    def end_part(self, phase: Phase | None) -> None:
        """A part has ended; what comes after a picture is decoded is saving it."""
        if phase is Phase.DECODE:
            self._decode.end(is_whole=not self.control.wants_out())
        if phase is Phase.DETAIL or (phase is Phase.DECODE and self._role_in(phase) == BASE):
            self.job.begin_part(Phase.SAVE, image=self._place.image)

    def announce_loop(self, total: int | None, outputs: LoopOutputs | None = None) -> FollowedPass:
        """A denoising loop is about to begin; returns its pass.

        Args: as of :meth:`Passes.announce`.
        """
        self._driver = threading.get_ident()
        return self._passes.announce(total, outputs)

    def find_pass(self, index: int | None, has_begun_anew: bool = False) -> FollowedPass:
        """Return the pass that a step belongs to which was just queued; begins one if need be.

        Args:
            index: zero-based loop index, None if the pipeline does not tell.
            has_begun_anew: whether the step is the first of another loop by what else is known; believed
                where the index says nothing.
        """
        self._driver = threading.get_ident()
        return self._passes.find(index, has_begun_anew)

    def pass_step(
        self,
        followed: FollowedPass,
        index: int | None = None,
        total: int | None = None,
        latents: torch.Tensor | None = None,
        is_from_bar: bool = False,
    ) -> None:
        """A step was queued: count it, mark it, and wait as the mode says.

        Args:
            followed: the pass that it belongs to, of :meth:`find_pass`.
            index: zero-based loop index, None if the pipeline does not tell.
            total: steps of the loop, None if unknown.
            latents: what the step computes, any shape, None if the pipeline does not tell.
            is_from_bar: whether only the progress bar told of the step.
        Raises:
            NoRungLeftError: no way is left to learn when the device finishes a step.
        """
        if total is not None and total != followed.ledger.total:
            self.job.expect_total(followed.part, total)
        if isinstance(latents, torch.Tensor) and latents.shape != followed.computed_shape:
            followed.computed_shape = latents.shape  # mostly once a pass: with its first step
            self.job.correct_size(followed.part, pixels_of_latents(latents.shape))
        followed.last_index = index
        if followed.is_left:
            followed.is_left = False
            self.job.resume(followed.part)
        was_counted = followed.is_from_bar and not is_from_bar and index == followed.ledger.launched - 1
        followed.is_from_bar = is_from_bar
        if not was_counted:  # some pipelines move their bar before they call back
            self._barrier.pass_step(followed.ledger, latents)
            self.wishes.wait_while_held(followed.ledger)

    def offer_preview(
        self, followed: FollowedPass, frames: Sequence[StepFrame] = (), details: StepDetails = NOTHING_KNOWN
    ) -> None:
        """Have a preview made of what the newest step has left, if somebody looks. Never raises.

        Args:
            followed: its pass.
            frames: what it has left, in each shape that is known, none where nobody looks; one is taken.
            details: of its scheduler.
        """
        if self.previews is not None:
            self.previews.offer(followed.ledger, frames, details, self._place.size_px if frames else None)

    def leave_if_wanted(self) -> None:
        """Leave what is computed if the user has asked for an end of it, and nobody else does so.

        Raises:
            Interrupted: or whatever else the control's signal is.
        """
        control = self.control
        if control.must_leave and self.may_leave() and control.take_leave():
            raise control.leave_signal

    def leave_pass(self) -> None:
        """The pipeline has gone on from its loop; the device may still be busy with it."""
        if self.previews is not None:
            self.previews.end_pass()
        self._passes.leave()

    def leave_last_mark(self) -> Ledger | None:
        """Leave a mark behind all that is queued, to count when that is finished; None without marks."""
        last = Ledger(1, self.job.clock)
        if self._marks.is_working:
            self._marks.leave(last)
        return last if self._marks.is_working else None

    def let_go_of_models(self) -> None:
        """Leave every model as it was; what is queued is still followed."""
        self._exits.close()
        self._decode.remove()

    def forget_passes(self) -> None:
        """Forget the passes that are finished, but for the newest."""
        self._passes.forget_finished(self._barrier.forget_finished)

    def close(self) -> None:
        """Let go of every tensor, event and hook."""
        self.wishes.close()
        self.control.end_job()
        self.let_go_of_models()
        for ledger in self._passes.let_go():
            self._barrier.forget(ledger)
        self._marks.close()

    # What is asked of it. Any thread.

    @property
    def newest_pass(self) -> FollowedPass | None:
        """The pass that is queued, None before the first."""
        return self._passes.newest

    @property
    def newest_ledger(self) -> Ledger | None:
        """Counts of the newest pass, None before the first."""
        newest = self._passes.newest
        return newest.ledger if newest is not None else None

    @property
    def newest_launched(self) -> int:
        """Steps launched in the newest pass, 0 before the first."""
        newest = self._passes.newest
        return newest.ledger.launched if newest is not None else 0

    @property
    def rung_name(self) -> str | None:
        """Name of the way in which completions are learned, None if none is left."""
        return self._barrier.rung_name

    @property
    def are_previews_wanted(self) -> bool:
        """Whether somebody looks at previews, and they are made of what steps leave."""
        return self.previews is not None and self.previews.are_wanted

    def is_driver(self) -> bool:
        """Whether the calling thread is the one that queues the steps."""
        return threading.get_ident() == self._driver

    def may_leave(self) -> bool:
        """Whether the calling thread queues the steps, and what leaves the model by an error is caught."""
        return self._calls_begun > 0 and self.is_driver()

    def snapshot(self) -> ProgressSnapshot:
        """Return the job's progress as one consistent picture. Whoever shows it to somebody records that."""
        snapshot, shown = self.job.snapshot(self.rung_name), self.job.shown_pass
        silence_s = shown.ledger.unusual_silence_s if shown is not None and shown.ledger is not None else None
        notice, is_notice_new = self.notices.read()
        return replace(
            self.wishes.add_wishes(snapshot),
            silence_s=None if snapshot.is_compiling else silence_s,
            notice=notice,
            is_notice_new=is_notice_new,
        )

    def record_shown(self, elapsed_s: float, fraction: float, ending: Ending | None) -> None:
        """Somebody was shown this of a snapshot.

        Args:
            elapsed_s: of the snapshot.
            fraction: of the snapshot.
            ending: of the snapshot; a Stop that was shown is acknowledged.
        """
        self.shown_bar.record_shown(elapsed_s, fraction)
        if ending is Ending.STOP:
            self.wishes.record_acknowledged()

    def _obey_wish(self) -> None:
        with self._guard.watching("following a wish"):
            self.wishes.obey()

    def _check_drained(self) -> None:
        """The pipeline will wait for the device anyway: hold what was reported of the pass against that."""
        newest = self.newest_pass
        if newest is not None and newest.newest_latents is not None:
            self._barrier.check_drained(newest.ledger, newest.newest_latents())

    def _watch_decode(self, part: Part) -> None:
        newest = self.newest_pass
        shapes = (newest.latents_shape, newest.computed_shape) if newest is not None else (None, None)
        blocks = self._decode.install(*shapes)
        if blocks is not None:
            self.job.attach_blocks(part, blocks, self._decode.blocks_of_run)

    def _pass_chunk(self, blocks: Ledger) -> None:
        """A tile, or some frames, were queued for decoding: wait as the mode says, until that fails."""
        with self._guard.watching("following a decode", lambda _error: self._decode.remove()):
            self._barrier.pass_step(blocks, None)
            self.wishes.wait_while_held(blocks)

    def _role_in(self, phase: Phase) -> str:
        """Which pass a phase belongs to. The last decode of an image belongs to the image as a whole."""
        image, role = self._place.image, self._place.role
        if phase in (Phase.SAVE, Phase.INTERPOLATE, Phase.EXPORT):
            return BASE
        if phase is Phase.DECODE and any((p.role, p.image) == (role, image) for p in self.job.passes):
            return DETAIL if role == DETAIL else BASE
        return role
