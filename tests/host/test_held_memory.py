"""What the tensors take that we keep alive, in a video of fifty steps that are all queued at once."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler

from modules import processing_args, shared
from tests.held_storage import find_held_bytes
from tests.virtual_clock import VirtualClock
from zluda_sync.device.preview import ring as latents_ring
from zluda_sync.pipeline.pictures import build_pair

STEPS = 50
#: (B, C, T, h, w), of a clip of 81 frames, 1280 x 720.
SHAPE = (1, 16, 21, 90, 160)
CLIP_BYTES = 16 * 21 * 90 * 160 * 4
FRAME_BYTES = CLIP_BYTES // 21
PREVIEW_BYTES = 3 * 90 * 160
#: Projection, fit and the like, however long the video.
SMALL_BYTES = 2**12


class Video:
    """A job of a video on the bench, whose device stands still.

    As SD.Next does, the host keeps a view of the middle frame. A tensor that nobody writes takes no memory,
    so this takes none of the gigabytes that it would on a card.
    """

    def __init__(self, bench, monkeypatch) -> None:
        self._bench = bench
        self._scheduler = FlowMatchEulerDiscreteScheduler()
        self._scheduler.set_timesteps(STEPS)
        bench.pipe = SimpleNamespace(num_timesteps=STEPS, scheduler=self._scheduler)
        bench.session._previews._clock = VirtualClock()  # who looks looks all the time
        original = processing_args.diffusers_callback

        def diffusers_callback(pipe, step=0, timestep=0, kwargs=None):
            self._scheduler._step_index = step + 1
            given = original(pipe, step, timestep, kwargs)
            bench.state.current_latent = kwargs["latents"][:, :, SHAPE[2] // 2]
            return given

        monkeypatch.setattr(processing_args, "diffusers_callback", diffusers_callback)
        request = SimpleNamespace(steps=STEPS, width=1280, height=720, n_iter=1)
        bench.begin("observe", processing=request)

    def queue(self, steps=STEPS, first=0, tells_prediction=False) -> int:
        """Queue so many steps, and return what we hold then, in bytes."""
        for index in range(first, first + steps):
            told = {"noise_pred": torch.empty(SHAPE)} if tells_prediction else {}
            self._bench.step(index, latents=torch.empty(SHAPE), **told)
        return self.held

    @property
    def held(self) -> int:
        """What we hold beside the host, in bytes."""
        bench, state = self._bench, self._bench.state
        the_hosts = (state.current_latent, state.current_noise_pred, self._scheduler.sigmas)
        return find_held_bytes(bench.session, (state, bench.device, self, self._scheduler, *the_hosts))

    @property
    def job(self):
        """The job that is followed."""
        return self._bench.session._jobs.current


@pytest.fixture
def video(bench, monkeypatch):
    """A video that has begun, in the profile or settings that were chosen before."""
    return Video(bench, monkeypatch)


@pytest.fixture
def hosts_method():
    """Previews by the method that is chosen in the host."""
    shared.opts.data["zluda_sync_preview"] = "host"


@pytest.mark.parametrize("tells_prediction", [False, True])
def test_nothing_is_kept_while_nobody_looks(video, tells_prediction):
    """Fifty steps in flight, and not one tensor of theirs is alive because of us."""
    before = video.held
    assert before == video.queue(tells_prediction=tells_prediction)
    assert before < SMALL_BYTES


@pytest.mark.parametrize("tells_prediction", [False, True])
def test_a_viewer_costs_the_previews_and_one_frame(bench, video, tells_prediction):
    """Each step has its preview in flight; of the latents the shown frame of the newest step is kept."""
    bench.session._previews.look()
    held = video.queue(tells_prediction=tells_prediction)
    assert STEPS == video.job.run.previews.queue.made
    assert held <= STEPS * PREVIEW_BYTES + FRAME_BYTES + SMALL_BYTES


def test_a_viewer_of_the_whole_clip_costs_its_previews_and_one_clip(bench, video):
    """All frames of what the newest step left, and of each preview the colours alone."""
    bench.session._previews.look(wants_clip=True)
    held = video.queue(steps=4)
    assert 4 == video.job.run.previews.queue.made
    assert held <= 4 * 21 * PREVIEW_BYTES + CLIP_BYTES + SMALL_BYTES


def test_who_reads_the_hosts_latents_stays_within_the_budget(bench, video):
    """The copies are of the shown frame alone, and spread over the steps that are in flight."""
    bench.polled("current_latent")
    held = video.queue(tells_prediction=True)
    frames = video.job._passes[0].frames
    assert held <= latents_ring.BUDGET_BYTES
    assert 20 < len(frames)
    bench.device.finish()
    bench.wait_until(lambda: video.job.run.newest_ledger.is_drained)
    assert SHAPE[:2] + SHAPE[3:] == tuple(bench.polled("current_latent")[0].shape)


def test_the_hosts_method_has_latents_kept_from_the_first_step_on(bench, hosts_method, video, monkeypatch):
    """The page was open before: it looks at previews, and the host will read the latents for them."""
    monkeypatch.setattr(bench.session._previews._maker, "look", lambda: None)
    bench.session._previews.look()
    video.queue(steps=3)
    assert 3 == len(video.job._passes[0].frames)


def test_what_was_kept_is_let_go_when_nobody_looks_any_more(bench, video):
    """With the next step: neither frames nor what previews keep of a step."""
    previews = bench.session._previews
    previews.look()
    bench.polled("current_latent")
    video.queue(steps=3)
    bench.finish()
    previews._looked_at_s = previews._latents_read_at_s = None  # long ago
    held = video.queue(steps=1, first=3)
    assert held <= 3 * PREVIEW_BYTES + SMALL_BYTES
    assert 0 == len(video.job._passes[0].frames)


def test_a_decode_begins_with_nothing_kept_of_finished_steps(bench, video):
    """It is where memory is shortest; somebody looks all the same."""
    bench.session._previews.look()
    bench.polled("current_latent")
    video.queue(steps=3)
    bench.finish()
    bench.state.end()
    bench.state.begin("VAE Decode")
    assert video.held <= 3 * PREVIEW_BYTES + SMALL_BYTES


def test_a_job_that_is_over_holds_nothing(bench, video):
    """Whoever looked, and whatever was in flight."""
    bench.session._previews.look()
    bench.polled("current_latent")
    video.queue(steps=5)
    bench.session.end_job()
    assert video.held < SMALL_BYTES


@pytest.mark.parametrize("shape", [SHAPE, (8, 16, 90, 160)], ids=["clip", "batch"])
def test_a_pair_that_teaches_keeps_its_picture_alone(shape):
    """Latents that lie on the host already are copied: a view would keep the whole clip or batch."""
    pictures = [torch.zeros(720, 1280, 3).numpy()] * 3
    pair = build_pair(torch.zeros(shape), pictures, 16, (1280, 720))
    assert FRAME_BYTES + 3 * 4 * 90 * 160 == find_held_bytes(pair)
