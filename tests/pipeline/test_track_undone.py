"""After the block everything is as it was: class, bar, blocks, hooks, threads; after an error too."""

from __future__ import annotations

import copy
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

import pytest
import torch

from bench.tiny_pipelines import build
from tests.pipeline.tracked import QUIET, BareLoop, wait_until
from zluda_sync import track
from zluda_sync.pipeline.ways import find_loop_blocks

pytestmark = QUIET
BLOCK_THREADS = {"zluda_sync-reports", "zluda_sync-console"}


def state_of(pipe: Any) -> list[Any]:
    """Whatever tracking changes while it lasts."""
    state: list[Any] = [
        type(pipe),
        type(pipe).__call__,
        copy.copy(getattr(pipe, "_progress_bar_config", None)),
    ]
    for component in pipe.components.values():
        if isinstance(component, torch.nn.Module):
            state += [
                (tuple(module._forward_hooks), tuple(module._forward_pre_hooks))
                for module in component.modules()
            ]
    waiting = [getattr(pipe, "_blocks", None)]
    while waiting:
        block = waiting.pop()
        state.append(None if block is None else sorted(vars(block)))
        waiting += list((getattr(block, "sub_blocks", None) or {}).values())
    return state


@pytest.mark.parametrize("ending", ["whole", "error", "stop"])
@pytest.mark.parametrize(
    "name",
    [
        "StableDiffusionPipeline",
        "PixArtSigmaPipeline",
        "DiTPipeline",
        "KandinskyV22CombinedPipeline",
        "FluxModularPipeline",
    ],
)
def test_all_is_undone_however_a_call_ends(name, ending, tmp_path):
    """Of inner pipelines and blocks, too."""
    tiny = build(name)
    tiny.pipe(**tiny.arguments)  # leaves figures of its own
    before, inner = state_of(tiny.pipe), getattr(tiny.pipe, "decoder_pipe", None)
    kind = type(inner)

    def end(progress: Any) -> None:
        if ending == "stop":
            job.stop()

    components = tiny.pipe.components
    denoiser = next(components[key] for key in ("transformer", "unet") if key in components)
    error = RuntimeError("out of memory")

    def act(*_: Any) -> None:
        assert before != state_of(tiny.pipe)
        if ending == "stop":
            job.stop()
        elif ending == "error":
            raise error

    handle = denoiser.register_forward_hook(act)
    raised = pytest.raises(RuntimeError) if ending == "error" else nullcontext()
    with raised, track(tiny.pipe, on_progress=end, folder=tmp_path) as job:
        tiny.pipe(**tiny.arguments)
    handle.remove()
    assert before == state_of(tiny.pipe)
    assert kind is type(inner)
    wait_until(lambda: not BLOCK_THREADS & {thread.name for thread in threading.enumerate()})
    tiny.pipe(**tiny.arguments)


def test_a_block_that_ends_while_its_call_runs_leaves_the_call_alone(tmp_path):
    """It goes on unfollowed, and ends as it would."""
    gate = threading.Event()
    loop = BareLoop(torch.device("cpu"), lambda step: step == 2 and gate.wait(10.0))
    with ThreadPoolExecutor() as pool:
        with track(loop, folder=tmp_path) as job:
            called = pool.submit(loop)
            wait_until(lambda: job.progress is not None and job.progress.completed == 2)
        assert BareLoop is type(loop)
        gate.set()
        assert "done" == called.result(10.0)
    assert (2, 1) == (job.progress.completed, job._call.calls_ended)
    assert 0 == job._session._calls


def test_a_copy_that_was_made_in_the_block_is_followed_no_more_after_it(tmp_path):
    """It still runs."""
    loop = BareLoop(torch.device("cpu"))
    with track(loop, folder=tmp_path) as job:
        twin = copy.copy(loop)
    assert "done" == twin()
    assert job.progress is None


def test_a_listener_that_stands_still_does_not_hold_the_end_up_for_ever(tmp_path, monkeypatch):
    """It may wait for the very thread that ends the block."""
    from zluda_sync.pipeline import progress_reports

    monkeypatch.setattr(progress_reports, "END_LIMIT_S", 0.05)
    gate = threading.Event()
    loop = BareLoop(torch.device("cpu"))
    with track(loop, on_progress=lambda _progress: gate.wait(10.0), folder=tmp_path):
        loop()
    assert not gate.is_set()
    gate.set()


def wrap_decode(pipe: Any, called: list[str]) -> Any:
    """Wrap what decodes, as an extension does; returns what then stands there."""
    own = pipe.vae.decode

    def theirs(*args: Any, **kwargs: Any) -> Any:
        called.append("theirs")
        return own(*args, **kwargs)

    pipe.vae.decode = theirs
    return lambda: pipe.vae.decode is theirs


def wrap_loop(pipe: Any, called: list[str]) -> Any:
    """Wrap the steps of a modular pipeline's loop."""
    (block,) = find_loop_blocks(pipe)
    own = block.loop_step

    def theirs(*args: Any, **kwargs: Any) -> Any:
        called.append("theirs")
        return own(*args, **kwargs)

    block.loop_step = theirs
    return lambda: block.loop_step is theirs


def wrap_class(pipe: Any, called: list[str]) -> Any:
    """Give the pipeline a class of its own, like its own."""
    kind = type(pipe)

    class Theirs(kind):  # type: ignore[misc,valid-type]
        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            called.append("theirs")
            return super().__call__(*args, **kwargs)

    pipe.__class__ = Theirs
    return lambda: type(pipe) is Theirs


@pytest.mark.parametrize(
    ("name", "wrap"),
    [
        ("StableDiffusionPipeline", wrap_decode),
        ("FluxModularPipeline", wrap_loop),
        ("StableDiffusionPipeline", wrap_class),
    ],
)
def test_what_others_have_wrapped_meanwhile_stays_theirs(name, wrap, tmp_path):
    """Ours passes through beneath it, and the pipeline is tracked once more."""
    tiny, called = build(name), list[str]()
    stands: list[Any] = []
    denoiser = next(
        tiny.pipe.components[key] for key in ("transformer", "unet") if key in tiny.pipe.components
    )
    handle = denoiser.register_forward_hook(
        lambda *_: stands.append(wrap(tiny.pipe, called)) if not stands else None
    )
    with track(tiny.pipe, folder=tmp_path) as job:
        tiny.pipe(**tiny.arguments)
    handle.remove()
    (is_theirs,) = stands
    assert is_theirs()
    progress = job.progress
    called.clear()
    tiny.pipe(**tiny.arguments)
    assert "theirs" in called
    assert (progress, 1) == (job.progress, job._call.calls_ended)
    with track(tiny.pipe, folder=tmp_path) as again:
        tiny.pipe(**tiny.arguments)
    assert is_theirs()
    assert 1 == again._call.calls_ended
    assert again.progress is not None and again.progress.fraction == 1.0
