"""Moving previews of the model of moving shapes, judged against what its VAE makes of the same step."""

from __future__ import annotations

import pytest
import torch
from diffusers import WanPipeline

from bench.commands.environment import REPOSITORY
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.device.preview.copy import CopyWay, make_copier
from zluda_sync.device.preview.pace import PreviewPace
from zluda_sync.device.preview.projection import ProjectionFit, shrink
from zluda_sync.device.preview.queue import JobPreviews
from zluda_sync.device.preview.ring import StepFrame
from zluda_sync.device.steps.tracker import Tracking
from zluda_sync.pipeline.pictures import build_pair

STEPS, JUDGED_STEP = 8, 5
CHANNELS, CHUNKS, SIDE_PX, FRAMES = 4, 5, 96, 17
LEAST_PSNR_DB, LEAST_LIKENESS = 18.0, 0.6
#: The first frame of latents stands for one of the film, each other for four; what is learned fits those.
LEAST_PSNR_OF_FIRST_DB = 15.0


class Film:
    """A film that was made once: what each step has left, and its pictures."""

    def __init__(self) -> None:
        folder = REPOSITORY / "modules" / "moving_shapes"
        self.pipe = WanPipeline.from_pretrained(folder, local_files_only=True, torch_dtype=torch.float32)
        self.pipe.set_progress_bar_config(disable=True)
        self.latents: list[torch.Tensor] = []
        made = self.pipe(
            "a red circle moving left",
            num_inference_steps=STEPS,
            height=SIDE_PX,
            width=SIDE_PX,
            num_frames=FRAMES,
            guidance_scale=3.0,
            generator=torch.Generator().manual_seed(1),
            output_type="pil",
            callback_on_step_end=self._keep,
        )
        self.pictures = made.frames[0]
        self.sigmas = self.pipe.scheduler.sigmas

    def _keep(self, _pipe, _step, _time, kwargs):
        self.latents.append(kwargs["latents"].clone())
        return {}

    def predict(self, step):
        """Return the x0 that a step predicts: flow matching goes straight on from the last two."""
        before, after = self.latents[step - 1], self.latents[step]
        flow = (after - before) / (self.sigmas[step + 1] - self.sigmas[step])
        return after - self.sigmas[step + 1] * flow

    @torch.no_grad()
    def decode(self, x0):
        """Return one picture for each frame of latents, at their size: (T, h, w, 3) of 0 to 255."""
        config = self.pipe.vae.config
        mean, spread = (
            torch.tensor(one).view(1, CHANNELS, 1, 1, 1) for one in (config.latents_mean, config.latents_std)
        )
        pictures = (self.pipe.vae.decode(x0 * spread + mean).sample[0].permute(1, 2, 3, 0) + 1) * 127.5
        of_chunks = [pictures[:1], *pictures[1:].split((FRAMES - 1) // (CHUNKS - 1))]
        side = x0.shape[-1]
        return torch.stack([shrink(chunk.mean(0), side, side) for chunk in of_chunks])

    def preview(self, step):
        """Return the moving preview of a step, as it is sent to whoever looks: (T, h, w, 3) of 0 to 255."""
        fit = ProjectionFit(CHANNELS)
        fit.learn([build_pair(self.latents[-1], self.pictures, CHANNELS, (SIDE_PX, SIDE_PX))])
        previews = JobPreviews(
            lambda device: make_copier(CopyWay.ASYNCHRONOUS, Tracking.of_blocking_device().marks),
            lambda channels: fit.solve(),
            lambda: CHANNELS,
            PreviewPace(1.0, 0.0),
        )
        ledger = Ledger(STEPS)
        for number in range(step + 1):
            ledger.record_launch()
            sigma, sigma_next = self.sigmas[number], self.sigmas[number + 1]
            frame = StepFrame(number, self.latents[number], None, sigma, sigma_next)
            previews.queue_preview(ledger, frame, None, scheduler=self.pipe.scheduler, wants_clip=True)
        ledger.record_completion(step)
        ready = previews.newest_ready()
        assert ready is not None and step == ready.step
        return ready.pixels[0].float()


@pytest.fixture(scope="module")
def film():
    return Film()


def test_a_preview_looks_as_the_vae_would_have_it(film):
    """Every frame of it, by PSNR against the decode of the same prediction at the same size."""
    shown, true = film.preview(JUDGED_STEP), film.decode(film.predict(JUDGED_STEP))
    assert true.shape == shown.shape
    psnr_db = [10 * torch.log10(255**2 / (a - b).square().mean()) for a, b in zip(shown, true, strict=True)]
    assert psnr_db[0] > LEAST_PSNR_OF_FIRST_DB and min(psnr_db[1:]) > LEAST_PSNR_DB, psnr_db


def test_a_preview_moves_as_the_film_does(film):
    """From frame to frame it changes where the film does, and in the same direction; the first one aside."""
    shown, true = film.preview(JUDGED_STEP).diff(dim=0), film.decode(film.predict(JUDGED_STEP)).diff(dim=0)
    alike = torch.nn.functional.cosine_similarity(shown.flatten(1), true.flatten(1))
    assert alike[1:].mean() > LEAST_LIKENESS, alike
