"""Films are decoded in chunks of frames: counted as they come, waited for, and told by their number."""

from __future__ import annotations

import pytest
import torch

from bench.tiny_pipelines.video import wan_vae
from tests.fake_device import FakeDevice
from zluda_sync.core.clock import SYSTEM_CLOCK
from zluda_sync.core.phase import Phase
from zluda_sync.core.progress.job import Job
from zluda_sync.core.steps.policy import SyncMode
from zluda_sync.device.steps.accelerator import Accelerator
from zluda_sync.device.steps.rungs import PlantedEvent
from zluda_sync.device.steps.watcher import CompletionWatcher, WorkMarks
from zluda_sync.pipeline.decode_blocks import DecodeBlocks

LATENTS = (1, 16, 3, 4, 4)
CHUNKS = 3
BLOCKS = 4


class Decode:
    """A film's VAE with hooks; the device does nothing until it is told to."""

    def __init__(self) -> None:
        torch.manual_seed(1)
        self.vae = wan_vae().eval()
        self.device = FakeDevice()
        self.watcher = CompletionWatcher()
        self.marks = WorkMarks(PlantedEvent(Accelerator(self.device)), self.watcher)
        self.launched_at_waits: list[int] = []
        self.hooks = DecodeBlocks(lambda: self.vae, self.marks, SYSTEM_CLOCK, self.wait)

    def wait(self, ledger) -> None:
        self.marks.leave(ledger)
        self.launched_at_waits.append(ledger.launched)

    def run(self, latents=LATENTS, is_whole=True):
        """Decode; return the counts, and the totals that were known before, within and after it."""
        ledger = self.hooks.install(None, latents)
        totals = [ledger.total]
        look = self.vae.decoder.conv_in.register_forward_hook(lambda *_: totals.append(ledger.total))
        with torch.no_grad():
            self.vae.decode(torch.zeros(latents))
        look.remove()
        self.hooks.end(is_whole)
        return ledger, [totals[0], totals[1], ledger.total]


@pytest.fixture
def decode():
    made = Decode()
    yield made
    made.hooks.remove()
    made.watcher.stop()


def test_the_first_chunk_tells_how_many_come(decode):
    """A film of three frames of latents is decoded frame by frame."""
    ledger, totals = decode.run()
    assert [None, CHUNKS * BLOCKS, CHUNKS * BLOCKS] == totals
    assert CHUNKS * BLOCKS == ledger.launched
    assert BLOCKS == decode.hooks.blocks_of_run


def test_each_chunk_is_waited_for_once(decode):
    """Behind its last block, so that a Stop comes to act after one chunk at most."""
    decode.run()
    assert [BLOCKS, 2 * BLOCKS, 3 * BLOCKS] == decode.launched_at_waits


def test_tiles_that_overlap_are_known_the_second_time(decode):
    """How often they come does not follow from the first; a decode that was left early teaches nothing."""
    decode.vae.enable_tiling(16, 16, 12, 12)  # two latents high and wide, of one and a half each
    _, first = decode.run(is_whole=False)
    _, second = decode.run()
    _, third = decode.run()
    assert first == [None, first[1], first[2]] and first[1] < first[2]
    assert first[:2] == second[:2]
    assert [None, second[2], second[2]] == third


def test_nothing_is_left_on_a_films_decoder(decode):
    """Whether the decode has come to its end or not."""
    decode.run()
    decode.hooks.install(None, LATENTS)
    decode.hooks.remove()
    hooks = [(one._forward_hooks, one._forward_pre_hooks) for one in decode.vae.modules()]
    assert all(not after and not before for after, before in hooks)


def test_a_picture_in_one_run_is_not_waited_for(decode):
    """A VAE of pictures as ever: there is one run, and the host reads its end back."""
    from diffusers import AutoencoderKL

    decode.vae = AutoencoderKL(block_out_channels=(4,), norm_num_groups=4)
    ledger = decode.hooks.install((1, 4, 8, 8), (1, 4, 8, 8))
    with torch.no_grad():
        decode.vae.decode(torch.zeros(1, 4, 8, 8))
    assert (1, 1) == (ledger.launched, ledger.total)
    assert [] == decode.launched_at_waits


def test_the_label_counts_chunks(decode):
    """Of one alone nothing is told, and nothing while nobody knows how many come."""
    job = Job(SyncMode.OBSERVE)
    part = job.begin_part(Phase.DECODE)
    ledger = decode.hooks.install(None, LATENTS)
    job.attach_blocks(part, ledger, decode.hooks.blocks_of_run)
    assert "VAE decode" == job.snapshot().label
    with torch.no_grad():
        decode.vae.decode(torch.zeros(LATENTS))
    assert f"VAE decode 0/{CHUNKS}" == job.snapshot().label
    decode.device.finish()
    assert ledger.wait_completed(CHUNKS * BLOCKS - 1, 20.0)
    assert f"VAE decode {CHUNKS}/{CHUNKS}" == job.snapshot().label
    ledger.expect_total(BLOCKS)
    assert "VAE decode" in job.snapshot().label
