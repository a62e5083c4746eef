"""Stop of a tracked call: in each phase, from another thread, and on the thread of a pool."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch

from bench.tiny_pipelines import build
from tests.pipeline.tracked import QUIET, BareLoop, build_emulated
from zluda_sync import track
from zluda_sync.core.errors import Stopped
from zluda_sync.core.steps.policy import SyncMode
from zluda_sync.core.wishes.request_wishes import Ending

pytestmark = QUIET
CPU = torch.device("cpu")
#: One of each way to be followed.
EACH_WAY = (
    "StableDiffusionPipeline",
    "PixArtSigmaPipeline",
    "DiTPipeline",
    "HunyuanVideo15Pipeline",
    "FluxModularPipeline",
    "KandinskyV22CombinedPipeline",
)
#: The run-ahead and the step that is being queued.
MOST_STEPS_AFTER = 2


def press_beside(job: Any) -> None:
    """Press Stop on another thread, and wait for that."""
    pressing = threading.Thread(target=job.stop)
    pressing.start()
    pressing.join(10.0)


def count_launched(job: Any) -> int:
    return sum(part.ledger.launched for part in job._call._newest.run.job.passes)


def find_denoiser(pipe: Any) -> torch.nn.Module:
    components = pipe.components
    return next(components[name] for name in ("transformer", "unet", "prior_prior") if name in components)


def stop_in(pipe: Any, module: torch.nn.Module, forward: int, folder: Any, arguments: dict[str, Any]) -> Any:
    """Run a call that is stopped in a certain forward of a module; return the job, and what was queued."""
    forwards, went_on = [0], []

    def press(*_: Any) -> None:
        forwards[0] += 1
        if forwards[0] == forward:
            press_beside(job)
            at_press.append(count_launched(job))

    at_press: list[int] = []
    handle = module.register_forward_pre_hook(press)
    with track(pipe, mode=SyncMode.RUN_AHEAD, folder=folder) as job:
        pipe(**arguments)
        went_on.append(True)
    handle.remove()
    assert [] == went_on and at_press
    return job, count_launched(job) - at_press[0]


@pytest.mark.parametrize("name", EACH_WAY)
def test_a_stop_in_the_loop_leaves_within_the_run_ahead(name, tmp_path):
    """However its steps are told; the block ends without an error."""
    tiny = build_emulated(name) if "Video" not in name else build(name)
    job, after = stop_in(tiny.pipe, find_denoiser(tiny.pipe), 2, tmp_path, tiny.arguments)
    assert MOST_STEPS_AFTER >= after
    assert job.is_stopped and Ending.STOP is job.progress.ending and 1.0 > job.progress.fraction


def test_a_stop_in_text_encoding_queues_no_step(tmp_path):
    """The encoder is left at its next block."""
    tiny = build("StableDiffusionPipeline")
    job, _ = stop_in(tiny.pipe, tiny.pipe.text_encoder, 1, tmp_path, tiny.arguments)
    assert 0 == count_launched(job)


def test_a_stop_in_the_decoder_leaves_it(tmp_path):
    """At its next block; no picture comes."""
    tiny = build("StableDiffusionPipeline")
    blocks: list[int] = []
    handle = tiny.pipe.vae.decoder.up_blocks[-1].register_forward_hook(lambda *_: blocks.append(1))
    job, after = stop_in(tiny.pipe, tiny.pipe.vae.decoder, 1, tmp_path, tiny.arguments)
    handle.remove()
    assert (0, []) == (after, blocks) and 4 == count_launched(job)


def test_a_stop_before_the_call_computes_nothing(tmp_path):
    """Not even its first text encoder."""
    tiny = build("StableDiffusionPipeline")
    runs: list[int] = []
    handle = tiny.pipe.text_encoder.register_forward_pre_hook(lambda *_: runs.append(1))
    with track(tiny.pipe, folder=tmp_path) as job:
        job.stop()
        tiny.pipe(**tiny.arguments)
        runs.append(2)
    handle.remove()
    assert [] == runs and Ending.STOP is job.progress.ending


def test_a_stopped_call_raises_what_no_handler_of_errors_catches(tmp_path):
    """It reaches the end of the block through ``except Exception``, and is over there."""
    loop, seen = BareLoop(CPU), []
    with track(loop, folder=tmp_path) as job:
        loop.then = lambda step: step == 1 and press_beside(job)
        try:
            loop()
        except Exception:  # noqa: BLE001  what must not catch it
            seen.append("caught")
        except BaseException as error:
            seen.append(type(error))
            raise
    assert [Stopped] == seen
    assert 2 == job.progress.completed


def test_a_call_in_a_pool_ends_the_block_that_waits_for_it(tmp_path):
    """The error comes by way of its future."""
    loop = BareLoop(CPU)
    went_on: list[int] = []
    with ThreadPoolExecutor() as pool, track(loop, folder=tmp_path) as job:
        loop.then = lambda step: step == 1 and press_beside(job)
        pool.submit(loop).result(10.0)
        went_on.append(1)
    assert [] == went_on and 2 == job.progress.completed


def test_a_stop_that_nobody_has_asked_for_goes_through_the_block(tmp_path):
    """A block swallows its own alone: an outer one's reaches that."""
    outer, inner = BareLoop(CPU), BareLoop(CPU)
    reached: list[str] = []
    with track(outer, folder=tmp_path) as job:
        outer.then = lambda step: job.stop()
        with track(inner, folder=tmp_path):
            outer()
        reached.append("between")
    assert [] == reached


def test_an_error_of_a_stopped_call_is_not_swallowed(tmp_path):
    """Only what the Stop itself has raised is."""
    loop = BareLoop(CPU)

    def fail(step: int) -> None:
        job.stop()
        raise OSError("full")

    with pytest.raises(OSError, match="full"), track(loop, folder=tmp_path) as job:  # noqa: PT012
        loop.then = fail
        loop()


def test_a_stop_wakes_a_host_that_waits_for_the_device(tmp_path):
    """It does not stand out a step that takes for ever."""
    from tests.pipeline.tracked import held_device, install_emulated, wait_until

    loop = BareLoop(install_emulated())
    with held_device() as gate, ThreadPoolExecutor() as pool:
        with track(loop, mode="every-step", folder=tmp_path) as job:
            called = pool.submit(loop)
            wait_until(lambda: job.progress is not None and job.progress.launched == 1)
            began_s = time.monotonic()
            job.stop()
            assert isinstance(called.exception(10.0), Stopped)
            assert not gate.is_set() and 10.0 > time.monotonic() - began_s
        assert 0 == job.progress.completed
