"""A job of SD.Next while it is followed: what its progress fields should say.

The host's own counters are left alone. It resets them for every phase, and counts a step when it has queued
it; what is kept here survives both, and says what the device has finished.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch

from zluda_sync.core.phase import BASE, Phase
from zluda_sync.core.progress.cells import RequestCells
from zluda_sync.core.progress.snapshot import ProgressSnapshot
from zluda_sync.device.preview.projection import DecodedPair
from zluda_sync.device.preview.ring import StepFrame
from zluda_sync.host.job.alone import LoneWork
from zluda_sync.host.job.host_pass import KEPT_FIELDS, HostPass, find_frame, settle_output
from zluda_sync.host.job.planning import Planning
from zluda_sync.host.job.processing import HostPlace, HostProcessing
from zluda_sync.host.job.titles import phase_of
from zluda_sync.pipeline.loop_outputs import LoopOutput, LoopOutputs
from zluda_sync.pipeline.passes import FollowedPass
from zluda_sync.pipeline.run import PipelineRun
from zluda_sync.pipeline.step_previews import StepDetails


class HostJob:
    """Follows one job: hooks tell it what the host does, progress fields ask it what to show.

    Hooks call it on the thread that queues the steps (the driver); everybody else only asks.

    Args:
        run: what is followed of it.
        place: tells which image and pass the host is in.
        cells: of the request that it belongs to.
        find_state: gives the host's ``shared.state``, which some versions replace in the middle of a job.
            Read on the driver it gives the host's own values.
        is_asked: whether the host said that a job begins; others begin with a step out of the blue.
        are_latents_wanted: whether somebody reads the latents of the host, so that those of steps are kept.
        planning: plans the job anew if something else is asked for by now, and the calls within it.
    """

    def __init__(
        self,
        run: PipelineRun,
        place: HostPlace,
        find_state: Callable[[], Any],
        is_asked: bool,
        are_latents_wanted: Callable[[], bool],
        cells: RequestCells,
        planning: Planning,
    ) -> None:
        self.run = run
        self.job, self.control, self.wishes = run.job, run.control, run.wishes
        self.place, self.cells = place, cells
        self._find_state = find_state
        self._are_latents_wanted = are_latents_wanted
        self._planning = planning
        self._computes = [False]  # whether each call has computed a pass, the job's own first
        self._are_planned: list[bool] = []  # whether the calls within were planned
        self._passes: list[HostPass] = []
        self._scheduler: Any = None
        self.is_asked, self.ends_with_request = is_asked, not is_asked
        self.is_in_callback = False  # whether the host is dealing with a step that was counted already
        self.is_broken = self.are_views_broken = self.is_lost = False
        self.decoded_pairs: dict[str, list[DecodedPair]] = {}
        self.image_latents: torch.Tensor | None = None
        """What the newest step of the image has left, (B, C, h, w); None before the first, and for films."""
        self.film_latents: torch.Tensor | None = None

    # What the hooks tell. Driver only.

    def begin_phase(self, title: str, is_bracketed: bool = True) -> None:
        """The host begins a phase under this title.

        Args:
            title: the host's name for it.
            is_bracketed: whether an end will follow; otherwise the next title ends it.
        """
        self._let_go_of_latents()
        self.run.go_on()
        if self.lone is not None:
            self.lone.look()
        phase = phase_of(title)
        if phase is None:
            if not is_bracketed:
                self._end_unbracketed()
            return
        if phase is Phase.DETAIL:
            self.place.now.is_in_detailer = True
        self.run.begin_part(phase)

    def go_on_with_caption(self) -> None:
        """A text begins, or the host's bar over the pictures that it describes has moved."""
        if self.lone is not None and self.lone.phase is Phase.CAPTION and self.lone.look():
            self.run.begin_part(Phase.CAPTION)

    def end_phase(self, title: str) -> None:
        """The host ends the phase of this title."""
        self._let_go_of_latents()
        self.run.leave_pass()
        self._end_part(phase_of(title))

    def begin_cell(self, processing: Any) -> None:
        """The host begins a picture call within that of the job.

        One that comes before anything is computed makes the pictures: grids do so. Later ones are parts of an
        image, such as a face that is made anew.
        """
        within = HostProcessing(processing)
        self.control.begin_cell(lambda: within.image)
        is_planned = not self._computes[-1]
        self._are_planned.append(is_planned)
        if is_planned:
            self._computes.append(False)
            self.place.enter(within)
            self._planning.begin_cell(self.job, within)
            self.wishes.cut_plan()

    def end_cell(self) -> None:
        """The innermost picture call within that of the job has ended."""
        self.control.end_cell()
        if self._are_planned and self._are_planned.pop():
            self._computes.pop()
            self.place.leave()
            self._planning.end_cell(self.job)
            self._passes = [one for one in self._passes if not one.is_done] or self._passes[-1:]
            self.run.forget_passes()

    def begin_image(self) -> None:
        """The host begins to make an image, by what is asked for now: scripts change that between images."""
        self.image_latents = None
        self._plan_late_changes()

    def announce_loop(self, total: int | None, outputs: LoopOutputs | None = None) -> None:
        """A denoising loop is about to begin; the arguments are those of :meth:`Passes.announce`."""
        self._plan_late_changes()
        self._host_pass_of(self.run.announce_loop(total, outputs), self._find_state().sampling_step)

    def pass_step(
        self,
        index: int | None = None,
        total: int | None = None,
        latents: torch.Tensor | None = None,
        scheduler: Any = None,
    ) -> None:
        """A step was queued: count it, mark it, and wait as the mode says.

        Args: as of :meth:`PipelineRun.pass_step`, and the scheduler, None if the pipeline does not tell.
        """
        self._scheduler = scheduler
        self._pass_step(self._find_state().sampling_step, index, total, latents)

    def pass_bar_step(self, output: LoopOutput | None) -> None:
        """A step was queued of which only the bar tells; what it has left, its loop, None if it does not."""
        latents = output.latents if output is not None else None
        self._pass_step(self._find_state().sampling_step, latents=latents, is_from_bar=True)
        self.settle_step(output=output)

    def pass_counted_step(self, count_before: int) -> None:
        """The host has counted a step by itself, outside of all hooks; before it its count was this."""
        self._pass_step(count_before)
        self.settle_step()

    def settle_step(self, given: Mapping[str, Any] | None = None, output: LoopOutput | None = None) -> None:
        """The host has dealt with the step: take over what it now says of it.

        Args:
            given: what the pipeline gave to the callback, in shapes of its own: ``latents``, and
                ``noise_pred`` where it tells; the host keeps them unpacked, and of a video one frame.
            output: what the loop has left that calls nobody back; the host has nothing of it.
        """
        state, newest = self._find_state(), self._passes[-1]
        followed = newest.followed
        newest.host_count, newest.host_total = state.sampling_step, state.sampling_steps
        self.is_in_callback = False
        if followed.ledger.total is None and newest.host_total > newest.first_count:
            self.job.expect_total(followed.part, newest.host_total - newest.first_count)
        latents = state.current_latent
        if output is not None:
            are_read = self._are_latents_wanted()
            self.image_latents = settle_output(newest, output, self.run, are_read, self.place.size_px)
        elif latents is not None:
            own = given.get("latents") if given is not None else None
            is_own = isinstance(own, torch.Tensor)
            self.film_latents = own if is_own and self.place.now.is_film else None
            followed.note_latents(own if is_own else latents, tuple(latents.shape))
            if (are_read := self._are_latents_wanted()) or self.run.are_previews_wanted:
                frame = find_frame(followed, state)
                newest.keep(frame, are_read)
                self._offer_preview(frame, given if is_own else None)
            else:  # most steps of most jobs: nothing more is asked of the host
                newest.frames.clear()
                self.run.offer_preview(followed)
            # A view would keep the whole of a film.
            is_whole = isinstance(latents, torch.Tensor) and latents.ndim == 4 and latents._base is None
            self.image_latents = latents if is_whole else None
        self._scheduler = None

    def close(self) -> None:
        """Let go of every tensor, event and hook."""
        self.run.close()
        self.decoded_pairs.clear()
        self._scheduler = self.image_latents = self.film_latents = None
        for one in self._passes:
            one.frames.clear()

    # What is asked of it. Any thread.

    def snapshot(self) -> ProgressSnapshot:
        """Return the progress of the request. Whoever shows it to somebody records that."""
        return self.cells.complete(self.job, self.run.snapshot())

    @property
    def is_shown(self) -> bool:
        """Whether its figures stand in the place of the host's."""
        return not (self.is_broken or self.are_views_broken)

    @property
    def lone(self) -> LoneWork | None:
        """The work without a picture call, None if pictures are made."""
        return self.place.now if isinstance(self.place.now, LoneWork) else None

    def shown_pass(self) -> HostPass | None:
        """Return the pass whose figures stand in the progress fields, None where the host's own are right.

        It is shown until the host has left it *and* the device has finished it.
        """
        shown = self.job.shown_pass
        if shown is None or not self.is_shown:
            return None
        for one in reversed(self._passes):
            if one.followed.part is shown:
                return None if one.is_done else one
        return None  # begun this instant

    def _plan_late_changes(self) -> None:
        """Plan what has not begun anew if something else is asked for by now.

        Only before a base pass: for others the host puts numbers of theirs in the place of the request's.
        """
        if self.place.role == BASE and self._planning.take_late_changes(self.job):
            self.wishes.cut_plan()

    def _pass_step(
        self,
        count_before: int,
        index: int | None = None,
        total: int | None = None,
        latents: torch.Tensor | None = None,
        is_from_bar: bool = False,
    ) -> None:
        newest = self._passes[-1] if self._passes else None
        # Loops give their index; without one, only the host's reset of its counter tells a new loop.
        has_begun_anew = newest is not None and count_before < newest.host_count
        followed = self.run.find_pass(index, has_begun_anew)
        self._host_pass_of(followed, count_before)
        self.is_in_callback = True
        self.run.pass_step(followed, index, total, latents, is_from_bar)

    def _host_pass_of(self, followed: FollowedPass, count: int) -> HostPass:
        """Return what the host says of a pass, and begin to keep it if the pass is new."""
        if self._passes and self._passes[-1].followed is followed:
            return self._passes[-1]
        self._let_go_of_latents()
        self._computes[-1] = True
        self.cells.begin_pass()
        state = self._find_state()
        kept = {name: getattr(state, name, None) for name in KEPT_FIELDS}
        self._passes.append(HostPass(followed, kept, count, count, state.sampling_steps))
        return self._passes[-1]

    def _let_go_of_latents(self) -> None:
        are_wanted = self._are_latents_wanted()
        for one in self._passes:
            if one.followed.ledger.is_drained or not are_wanted:
                one.frames.clear()  # the host's own are shown, or nobody looks

    def _offer_preview(self, frame: StepFrame, given: Mapping[str, Any] | None) -> None:
        frames = [frame]
        if given is not None and given["latents"] is not frame.latents:
            frames.insert(0, replace(frame, latents=given["latents"], noise_pred=given.get("noise_pred")))
        details = StepDetails(getattr(self._find_state(), "prediction_type", ""), self._scheduler)
        self.run.offer_preview(self._passes[-1].followed, frames, details)

    def _end_unbracketed(self) -> None:
        """A phase that was only named is over: the host has gone back to the name of the job."""
        under_way = self.job.part_under_way
        if under_way is not None:
            self._end_part(under_way.phase)
        self.place.now.is_in_detailer = False

    def _end_part(self, phase: Phase | None) -> None:
        if phase is Phase.DETAIL:
            self.place.now.is_in_detailer = False
        self.run.end_part(phase)
