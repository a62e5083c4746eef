"""A job of the host while it is followed: which pass it is in, and what its progress fields should say.

The host's own counters are left alone. It resets them for every phase, and counts a step when it has queued
it; what is kept here survives both, and says what the device has finished.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from zluda_sync.core.clock import PausableClock
from zluda_sync.core.notices import Notices
from zluda_sync.core.phase import BASE, DETAIL, Phase
from zluda_sync.core.progress.job import Job
from zluda_sync.core.progress.part import Part
from zluda_sync.core.progress.snapshot import ProgressSnapshot
from zluda_sync.core.records.bars import BarSamples
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.core.wishes.control import Control
from zluda_sync.core.wishes.job_wishes import JobWishes
from zluda_sync.core.wishes.request_wishes import Ending
from zluda_sync.device.preview.projection import DecodedPair
from zluda_sync.device.preview.ring import StepFrame
from zluda_sync.device.steps.barrier import StepBarrier
from zluda_sync.device.steps.marks import StepMarks
from zluda_sync.host.hooks.phase_titles import phase_of
from zluda_sync.host.job.followed_pass import KEPT_FIELDS, TrackedPass
from zluda_sync.host.job.source import JobSource
from zluda_sync.host.preview.previews import ProjectedPreviews
from zluda_sync.pipeline.decode_blocks import DecodeHooks
from zluda_sync.pipeline.exit_points import ExitPoints


class TrackedJob:
    """Follows one job: hooks tell it what the host does, progress fields ask it what to show.

    Hooks call it on the thread that queues the steps (the driver); everybody else only asks.

    Args:
        find_state: gives the host's ``shared.state``, which some versions replace in the middle of a job.
            Read on the driver it gives the host's own values.
        job: counts the passes, and keeps the bar.
        barrier: marks steps and waits.
        source: tells which image and pass the host is in.
        decode: follows the VAE decode.
        control: what the user wants of the request that the job belongs to.
        clock: the job's own, which stands still while it is paused.
        guarded: keeps errors of ours from whoever presses a button.
        find_components: gives the parts of the models that the host has loaded.
        previews: gets what each step leaves, None if previews are made otherwise or not at all.
        notices: what has gone wrong in following the job.
        marks: what was left behind pieces of its work.
        is_asked: whether the host said that a job begins; others begin with a step out of the blue.
        are_latents_wanted: whether somebody reads the latents of the host, so that those of steps are kept.
    """

    def __init__(
        self,
        find_state: Callable[[], Any],
        job: Job,
        barrier: StepBarrier,
        source: JobSource,
        decode: DecodeHooks,
        control: Control,
        clock: PausableClock,
        guarded: Callable[[str, Callable[..., Any]], Callable[..., None]],
        find_components: Callable[[], Sequence[torch.nn.Module]],
        previews: ProjectedPreviews | None,
        notices: Notices,
        marks: StepMarks,
        is_asked: bool,
        are_latents_wanted: Callable[[], bool],
    ) -> None:
        self._find_state = find_state
        self._barrier = barrier
        self._source = source
        self._decode = decode
        self._find_components = find_components
        self._exits = ExitPoints(control, self.may_leave, lambda: barrier.is_capturing)
        self._images_begun = 0
        self._scheduler: Any = None
        self._passes: list[TrackedPass] = []
        self._driver = threading.get_ident()
        self._in_callback = False
        self.job = job
        self.is_asked = is_asked
        self.is_broken = False
        self.are_views_broken = False
        self.previews = previews
        self.notices = notices
        self.shown_bar = BarSamples()
        self._marks = marks
        self._are_latents_wanted = are_latents_wanted
        self.decoded_pairs: dict[str, list[DecodedPair]] = {}
        self.control = control
        self.wishes = JobWishes(job, control, clock, lambda: source.image)
        control.begin_job(lambda: source.image, guarded("following a wish", self.wishes.obey))
        guarded("following an earlier wish", self.wishes.cut_plan)()

    # What the hooks tell. Driver only.

    def begin_phase(self, title: str, is_bracketed: bool = True) -> None:
        """The host begins a phase under this title.

        Args:
            title: the host's name for it.
            is_bracketed: whether an end will follow; otherwise the next title ends it.
        """
        self._leave_pass()
        self._exits.install(self._find_components())
        phase = phase_of(title)
        if phase is None:
            if not is_bracketed:
                self._end_unbracketed()
            return
        if phase is Phase.DETAIL:
            self._source.is_in_detailer = True
        part = self.job.begin_part(phase, self._role_in(phase), self._source.image)
        if phase is Phase.DECODE:
            self._check_drained()
            self._follow_decode(part)
        else:
            self._decode.remove()

    def end_phase(self, title: str) -> None:
        """The host ends the phase of this title; what comes after a picture is decoded is saving it."""
        self._leave_pass()
        self._end_part(phase_of(title))

    def begin_cell(self, processing: Any) -> None:
        """The host begins a picture call within that of the job."""
        source = JobSource(processing)
        self.control.begin_cell(lambda: source.image)

    def begin_image(self) -> None:
        """The host begins what makes all pictures of one image, and catches whatever leaves it."""
        self._images_begun += 1

    def end_image(self) -> None:
        """The host has made an image, or left it."""
        self._images_begun -= 1

    def announce_loop(self, total: int | None) -> None:
        """A denoising loop is about to begin; ``total`` is its number of steps, None if unknown."""
        self._driver = threading.get_ident()
        newest = self._passes[-1] if self._passes else None
        if newest is None or newest.ledger.launched or newest.is_left:
            newest = self._begin_pass(self._find_state().sampling_step)
        if total is not None:
            self.job.expect_total(newest.part, total)

    def pass_step(
        self,
        index: int | None = None,
        total: int | None = None,
        latents: Any = None,
        scheduler: Any = None,
        host_count: int | None = None,
        is_from_bar: bool = False,
    ) -> None:
        """A step was queued: count it, mark it, and wait as the mode says.

        Args:
            index: zero-based loop index, None if the pipeline does not tell.
            total: steps of the loop, None if unknown.
            latents: what the step computes, None if the pipeline does not tell.
            scheduler: of the pipeline, None if it does not tell.
            host_count: the host's own step count before the step; as it stands if None.
            is_from_bar: whether only the progress bar told of the step.
        Raises:
            NoRungLeftError: no way is left to learn when the device finishes a step.
        """
        self._driver = threading.get_ident()
        if host_count is None:
            host_count = self._find_state().sampling_step
        tracked = self._pass_of(index, host_count)
        if total is not None and total != tracked.ledger.total:
            self.job.expect_total(tracked.part, total)
        tracked.last_index = index
        if tracked.is_left:
            tracked.is_left = False
            self.job.resume(tracked.part)
        self._in_callback = True
        self._scheduler = scheduler
        is_counted = tracked.is_from_bar and not is_from_bar and index == tracked.ledger.launched - 1
        tracked.is_from_bar = is_from_bar
        if not is_counted:  # some pipelines move their bar before they call back
            self._barrier.pass_step(tracked.ledger, latents)
            self.wishes.wait_while_held(tracked.ledger)

    def settle_step(self, given: Mapping[str, Any] | None = None) -> None:
        """The host has dealt with the step: take over what it now says of it.

        Args:
            given: what the pipeline gave to the callback, in shapes of its own: ``latents``, and
                ``noise_pred`` where it tells; the host keeps them unpacked, and of a video one frame.
        """
        state, tracked = self._find_state(), self._passes[-1]
        tracked.host_count = state.sampling_step
        tracked.host_total = state.sampling_steps
        self._in_callback = False
        if tracked.ledger.total is None and tracked.host_total > tracked.first_count:
            self.job.expect_total(tracked.part, tracked.host_total - tracked.first_count)
        latents = state.current_latent
        if latents is not None:
            tracked.latents_shape = tuple(latents.shape)
            own = given.get("latents") if given is not None else None
            newest = own if isinstance(own, torch.Tensor) else latents
            tracked.newest_latents = weakref.ref(newest) if isinstance(newest, torch.Tensor) else None
            self._keep_latents(tracked, state)
            self._offer_preview(tracked, state, given if newest is own else None)
        self._scheduler = None

    def _keep_latents(self, tracked: TrackedPass, state: Any) -> None:
        """Keep the latents of the step for whoever reads the host's, or let go of all if nobody does."""
        if self._are_latents_wanted():
            tracked.frames.hold(_frame_of(tracked, state), tracked.ledger.completed)
        else:
            tracked.frames.clear()

    def _offer_preview(self, tracked: TrackedPass, state: Any, given: Mapping[str, Any] | None) -> None:
        if self.previews is None:
            return
        if not self.previews.are_wanted:
            self.previews.let_go()
            return
        frames = [_frame_of(tracked, state)]
        if given is not None and given["latents"] is not frames[0].latents:
            own_shape = replace(frames[0], latents=given["latents"], noise_pred=given.get("noise_pred"))
            frames.insert(0, own_shape)
        self.previews.offer(
            tracked.ledger,
            [(frame, None) for frame in frames],  # what the step before left is kept where it is used
            step_s=tracked.ledger.mean_step_s,
            size_px=self._source.size_px,
            prediction_type=getattr(state, "prediction_type", ""),
            scheduler=self._scheduler,
        )

    @property
    def is_in_callback(self) -> bool:
        """Whether the host is dealing with a step that was counted already."""
        return self._in_callback

    @property
    def rung_name(self) -> str | None:
        """Name of the way in which completions are learned, None if none is left."""
        return self._barrier.rung_name

    @property
    def newest_launched(self) -> int:
        """Steps launched in the newest pass, 0 before the first."""
        return self._passes[-1].ledger.launched if self._passes else 0

    @property
    def newest_ledger(self) -> Ledger | None:
        """Counts of the newest pass, None before the first."""
        return self._passes[-1].ledger if self._passes else None

    def close(self) -> None:
        """Let go of every tensor, event and hook."""
        self.wishes.close()
        self.control.end_job()
        self._exits.close()
        self._decode.remove()
        self.decoded_pairs.clear()
        self._scheduler = None
        for tracked in self._passes:
            tracked.frames.clear()
            tracked.newest_latents = None
            self._barrier.forget(tracked.ledger)
        self._marks.close()

    # What the progress fields ask. Any thread.

    def is_driver(self) -> bool:
        """Whether the calling thread is the one that queues the steps."""
        return threading.get_ident() == self._driver

    def may_leave(self) -> bool:
        """Whether the calling thread queues the steps, and what leaves the model by an error is caught."""
        return self._images_begun > 0 and self.is_driver()

    @property
    def is_shown(self) -> bool:
        """Whether its figures stand in the place of the host's."""
        return not (self.is_broken or self.are_views_broken)

    def shown_pass(self) -> TrackedPass | None:
        """Return the pass whose figures stand in the progress fields, None where the host's own are right.

        A pass is shown until the host has left it *and* the device has finished it.
        """
        shown = self.job.shown_pass
        if shown is None or not self.is_shown:
            return None
        for tracked in reversed(self._passes):
            if tracked.part is shown:
                return None if tracked.is_left and tracked.ledger.is_drained else tracked
        return None  # begun this instant

    def snapshot(self) -> ProgressSnapshot:
        """Return the job's progress as one consistent picture. Whoever shows it to somebody records that."""
        snapshot, shown = self.job.snapshot(self._barrier.rung_name), self.job.shown_pass
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

    def _check_drained(self) -> None:
        """The host will wait for the device anyway: hold what was reported of the pass against that."""
        newest = self._passes[-1] if self._passes else None
        if newest is not None and newest.newest_latents is not None:
            self._barrier.check_drained(newest.ledger, newest.newest_latents())

    def _follow_decode(self, part: Part) -> None:
        if part.blocks is not None:
            return
        blocks = self._decode.install(self._passes[-1].latents_shape if self._passes else None)
        if blocks is not None:
            self.job.attach_blocks(part, blocks)

    def _end_unbracketed(self) -> None:
        """A phase that was only named is over: the host has gone back to the name of the job."""
        under_way = self.job.part_under_way
        if under_way is not None:
            self._end_part(under_way.phase)
        self._source.is_in_detailer = False

    def _end_part(self, phase: Phase | None) -> None:
        if phase is Phase.DECODE:
            self._decode.remove()
        if phase is Phase.DETAIL:
            self._source.is_in_detailer = False
        if phase is Phase.DETAIL or (phase is Phase.DECODE and self._role_in(phase) == BASE):
            self.job.begin_part(Phase.SAVE, image=self._source.image)

    def _role_in(self, phase: Phase) -> str:
        """Which pass a phase belongs to. The last decode of an image belongs to the image as a whole."""
        image, role = self._source.image, self._source.role
        if phase is Phase.SAVE:
            return BASE
        if phase is Phase.DECODE and any((p.role, p.image) == (role, image) for p in self.job.passes):
            return DETAIL if role == DETAIL else BASE
        return role

    def _leave_pass(self) -> None:
        """The host has gone on to another phase; the device may still be busy with the pass."""
        self._let_go_of_latents()
        if self.previews is not None:
            self.previews.end_pass()
        if self._passes and not self._passes[-1].is_left:
            self._passes[-1].is_left = True
            if self._passes[-1].ledger.launched:
                self.job.leave_part()

    def _let_go_of_latents(self) -> None:
        are_wanted = self._are_latents_wanted()
        for tracked in self._passes:
            if tracked.ledger.is_drained or not are_wanted:
                tracked.frames.clear()  # the host's own are shown, or nobody looks

    def _pass_of(self, index: int | None, host_count: int) -> TrackedPass:
        newest = self._passes[-1] if self._passes else None
        if newest is None:
            return self._begin_pass(host_count)
        if not newest.ledger.launched:
            return newest
        # Loops give their index; without one, only the host's reset of its counter tells a new loop.
        if index is not None and newest.last_index is not None:
            has_restarted = index <= newest.last_index
        else:
            has_restarted = host_count < newest.host_count
        return self._begin_pass(host_count) if has_restarted else newest

    def _begin_pass(self, host_count: int) -> TrackedPass:
        self._let_go_of_latents()
        for earlier in self._passes:
            earlier.newest_latents = None
        state = self._find_state()
        part, ledger = self.job.begin_pass(self._source.role, self._source.image)
        tracked = TrackedPass(
            part=part,
            ledger=ledger,
            kept={name: getattr(state, name, None) for name in KEPT_FIELDS},
            first_count=host_count,
            host_count=host_count,
            host_total=state.sampling_steps,
        )
        self._passes.append(tracked)
        return tracked


def _frame_of(tracked: TrackedPass, state: Any) -> StepFrame:
    """Return what the newest step has left with the host."""
    return StepFrame(
        step=tracked.ledger.launched - 1,
        latents=state.current_latent,
        noise_pred=getattr(state, "current_noise_pred", None),
        sigma=getattr(state, "current_sigma", None),
        sigma_next=getattr(state, "current_sigma_next", None),
    )
