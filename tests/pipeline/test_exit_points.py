"""A stopped job leaves a model at its next block; a job that goes on pays one look for each block."""

from __future__ import annotations

import gc
import threading
import time
import weakref

import pytest
import torch
from torch import nn

from zluda_sync.core.errors import Interrupted
from zluda_sync.core.wishes.control import Control
from zluda_sync.pipeline.exit_points import ExitPoints, blocks_of


class Block(nn.Module):
    """Counts its runs; may press Stop in one of them."""

    def __init__(self) -> None:
        super().__init__()
        self.leaf = nn.Linear(2, 2)
        self.runs = 0
        self.then = lambda: None

    def forward(self, x):
        self.runs += 1
        self.then()
        return x


class Encoder(nn.Module):
    """A text encoder's nesting: the blocks lie three levels down."""

    def __init__(self, blocks: int = 4) -> None:
        super().__init__()
        self.text_model = nn.Module()
        self.text_model.encoder = nn.Module()
        self.text_model.encoder.layers = nn.ModuleList(Block() for _ in range(blocks))

    @property
    def blocks(self):
        return self.text_model.encoder.layers

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x


@pytest.fixture
def control():
    made = Control()
    made.begin_job(lambda: 0, lambda: None)
    return made


@pytest.fixture
def exits(control):
    made = ExitPoints(control, lambda: True)
    yield made
    made.remove()


def hooks_of(module: nn.Module) -> int:
    return sum(len(part._forward_pre_hooks) for part in module.modules())


@pytest.mark.parametrize("wish", ["stop", "skip"])
def test_the_rest_is_never_queued(control, exits, wish):
    """Pressed within the second of four blocks, the third is not run."""
    encoder = Encoder()
    encoder.blocks[1].then = getattr(control, wish)
    exits.install([encoder])
    with pytest.raises(Interrupted):
        encoder(torch.zeros(2))
    assert [1, 1, 0, 0] == [block.runs for block in encoder.blocks]


def test_the_next_image_runs_through(exits, control):
    """A Skip holds for its image only."""
    encoder = Encoder()
    image = [0]
    control.begin_job(lambda: image[0], lambda: None)
    control.skip()
    image[0] = 1
    exits.install([encoder])
    encoder(torch.zeros(2))
    assert [1, 1, 1, 1] == [block.runs for block in encoder.blocks]


def test_a_preview_on_another_thread_is_not_left(control):
    """It may use the same decoder while the job is stopped."""
    driver = threading.get_ident()
    exits = ExitPoints(control, lambda: threading.get_ident() == driver)
    encoder = Encoder()
    exits.install([encoder])
    control.stop()
    outcome = []
    thread = threading.Thread(target=lambda: outcome.append(encoder(torch.zeros(2))))
    thread.start()
    thread.join(20.0)
    exits.remove()
    assert 1 == len(outcome)


def test_hooks_sit_on_blocks_and_not_on_leaves(exits):
    """One for each block and one for the component."""
    encoder = Encoder()
    exits.install([encoder])
    exits.install([encoder])
    assert 5 == hooks_of(encoder)
    assert 0 == hooks_of(encoder.blocks[0].leaf)


def test_a_unet_has_few_blocks():
    """Those of its down, middle and up parts; what is inside them is not looked into."""
    from diffusers import UNet2DConditionModel

    sizes = {"block_out_channels": (32, 32, 32, 32), "cross_attention_dim": 8, "attention_head_dim": 2}
    unet = UNet2DConditionModel(**sizes, layers_per_block=1)
    assert 1 + 4 + 3 + 4 == len(blocks_of(unet))


def test_a_list_with_a_place_for_a_block_that_is_not_there():
    """As in a VAE whose middle has no attention: the others are watched."""
    model = nn.Module()
    model.attentions = nn.ModuleList([None, nn.Identity()])
    assert [model, model.attentions[1]] == blocks_of(model)


def test_no_hook_is_left(exits):
    """Neither after the job, nor on a model that was replaced in it."""
    first, second = Encoder(), Encoder()
    exits.install([first])
    exits.install([second])
    assert 0 == hooks_of(first)
    exits.remove()
    assert 0 == hooks_of(second)


def test_none_is_put_in_once_the_job_is_over(exits):
    """A settings page lets go of the job while its thread begins a phase."""
    encoder = Encoder()
    exits.close()
    exits.install([encoder])
    assert 0 == hooks_of(encoder)


def test_a_compiled_model_gets_none(exits):
    """A hook would become a part of its graph, and its flag a reason to compile again."""
    in_place, wrapped = Encoder(), nn.Module()
    in_place.blocks[0]._compiled_call_impl = lambda *args: None
    wrapped._modules["_orig_mod"] = Encoder()
    exits.install([in_place, wrapped])
    assert [0, 0] == [hooks_of(in_place), hooks_of(wrapped)]


def test_a_graph_that_is_recorded_is_not_spoiled(control, exits, monkeypatch):
    """An exception in the middle of a capture would leave the stream unusable."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: True, raising=False)
    encoder = Encoder()
    exits.install([encoder])
    control.stop()
    encoder(torch.zeros(2))
    assert 1 == encoder.blocks[0].runs


def test_the_jobs_own_device_is_asked_whether_it_records(control, monkeypatch):
    """On a machine with two cards the current one is another thread's business."""
    monkeypatch.setattr(
        torch.cuda, "is_current_stream_capturing", lambda: pytest.fail("asked"), raising=False
    )
    exits, encoder = ExitPoints(control, lambda: True, lambda: True), Encoder()
    exits.install([encoder])
    control.stop()
    encoder(torch.zeros(2))
    exits.close()
    assert 1 == encoder.blocks[0].runs


def test_a_driver_that_knows_no_graphs_is_no_hindrance(control, exits, monkeypatch):
    """Some versions of ZLUDA answer error 801."""

    def fail():
        raise RuntimeError("CUDA error 801")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", fail, raising=False)
    encoder = Encoder()
    exits.install([encoder])
    control.stop()
    with pytest.raises(Interrupted):
        encoder(torch.zeros(2))


@pytest.mark.benchmark
def test_the_hooks_cost_a_five_hundredth_of_a_step(exits):
    """On a UNet far smaller than a real one; the blocks alone are compared, a whole step is too noisy."""
    from diffusers import UNet2DConditionModel

    unet = UNet2DConditionModel(
        sample_size=32, block_out_channels=(32, 64, 96, 128), cross_attention_dim=32, attention_head_dim=4
    ).eval()
    step = lambda: unet(torch.zeros(2, 4, 32, 32), 1, torch.zeros(2, 8, 32))  # noqa: E731
    empty = nn.ModuleList(nn.Identity() for _ in blocks_of(unet))
    with torch.no_grad():
        step()
        step_s = min(_seconds(step) for _ in range(5))
        bare_s = min(_seconds(lambda: [one(0) for one in empty]) for _ in range(200))
        exits.install(list(empty))
        hooked_s = min(_seconds(lambda: [one(0) for one in empty]) for _ in range(200))
    share = (hooked_s - bare_s) / step_s
    assert share <= 0.002


def _seconds(action) -> float:
    gc.disable()
    began_s = time.perf_counter()
    action()
    took_s = time.perf_counter() - began_s
    gc.enable()
    return took_s


def test_a_model_that_the_host_lets_go_is_not_kept():
    """A refiner takes the place of the base model in the middle of a job: both at once may be too much."""
    points = ExitPoints(Control(), lambda: True)
    model = Encoder()
    points.install([model])
    kept = weakref.ref(model)
    del model
    gc.collect()
    assert kept() is None
    successor = Encoder()
    points.install([successor])
    points.close()
    assert not any(block._forward_pre_hooks for block in blocks_of(successor))
