"""`track` on a device that blocks by itself: counts, phases, reports, iteration, what cannot be tracked."""

from __future__ import annotations

import inspect
import logging
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch

import zluda_sync
from bench.commands.environment import REPOSITORY
from bench.tiny_pipelines import build
from tests.pipeline.tracked import QUIET, BareLoop, wait_until
from zluda_sync import track
from zluda_sync.core.phase import Phase
from zluda_sync.core.steps.policy import SyncMode

pytestmark = QUIET
CPU = torch.device("cpu")


def run(name: str, folder: Any, **changes: Any) -> list[Any]:
    """Run a tiny pipeline; return every progress that was told."""
    tiny, told = build(name), []
    tiny.pipe.set_progress_bar_config(disable=True)
    with track(tiny.pipe, on_progress=told.append, folder=folder):
        tiny.pipe(**{**tiny.arguments, **changes})
    return told


@pytest.mark.parametrize(
    ("name", "loops"),
    [
        ("StableDiffusionPipeline", [4]),
        ("StableDiffusionPipeline (two evaluations a step)", [7]),
        ("PixArtSigmaPipeline", [4]),
        ("DiTPipeline", [4]),
        ("HunyuanVideo15Pipeline", [4]),
        ("MarigoldDepthPipeline", [4]),
        ("KandinskyV22CombinedPipeline", [3, 4]),
        ("WuerstchenCombinedPipeline", [3, 4]),
        ("AnimateDiffPipeline (FreeInit)", [4, 4, 4]),
        ("FluxModularPipeline", [4]),
    ],
)
def test_every_step_is_counted_once(name, loops, tmp_path):
    """By callbacks of either kind, bars, blocks, bars within bars, inner pipelines, and loop after loop."""
    tiny = build(name)
    with track(tiny.pipe, folder=tmp_path) as job:
        tiny.pipe(**tiny.arguments)
    counts = [part.ledger.snapshot() for part in job._call._newest.run.job.passes]
    assert loops == [one.launched for one in counts] == [one.completed for one in counts]
    assert loops == [one.total for one in counts]
    assert (loops[-1], loops[-1], 1.0) == (job.progress.completed, job.progress.total, job.progress.fraction)


def test_the_phases_of_a_call_follow_one_another(tmp_path):
    """Text, steps, decoder: as its components run."""
    tiny = build("StableDiffusionPipeline")
    with track(tiny.pipe, folder=tmp_path) as job:
        tiny.pipe(**tiny.arguments)
    parts = [part.phase for part in job._call._newest.run.job.parts]
    assert [Phase.ENCODE, Phase.DENOISE, Phase.DECODE] == parts


def test_a_first_call_on_a_fast_device_is_not_thought_over_with_its_first_step(tmp_path):
    """Steps are as long as the host takes to queue them; one seemed as long as it took to tell of it."""
    shown: list[float] = []

    def look(step: int) -> None:
        time.sleep(0.02)  # what queuing a step takes
        if step == 1:
            shown.append(job.progress.fraction)

    loop = BareLoop(torch.device("cpu"), look)
    with track(loop, folder=tmp_path) as job:
        loop(num_inference_steps=25)
    assert shown[0] < 0.25


def test_progress_is_none_before_the_first_call_and_stands_still_after_it(tmp_path):
    """What was delivered does not go on growing older."""
    loop = BareLoop(CPU)
    with track(loop, folder=tmp_path) as job:
        assert job.progress is None
        assert "done" == loop()
        assert job.progress is job.progress
    assert 1.0 == job.progress.fraction


def test_each_progress_is_told_on_a_thread_of_ours_and_the_last_is_whole(tmp_path):
    """Never the pipeline's, which would wait for it."""
    threads, told = set(), []

    def tell(progress: Any) -> None:
        threads.add(threading.current_thread().name)
        told.append(progress)

    loop = BareLoop(CPU)
    with track(loop, on_progress=tell, folder=tmp_path):
        loop()
    assert {"zluda_sync-reports"} == threads
    assert 1.0 == told[-1].fraction
    assert len(told) == len(set(map(id, told)))
    fractions = [one.fraction for one in told]
    assert fractions == sorted(fractions)


def test_nothing_is_told_once_a_call_is_over(tmp_path):
    """A listener is not woken for nothing."""
    told: list[Any] = []
    loop = BareLoop(CPU)
    with track(loop, on_progress=told.append, folder=tmp_path) as job:
        loop()
        wait_until(lambda: told and told[-1] is job.progress)
        count = len(told)
        job._reports.hurry()
        wait_until(lambda: not job._reports._hurry.is_set())
    assert count == len(told)


def test_an_error_of_the_listener_is_logged_once_and_the_call_goes_on(tmp_path, caplog):
    """With its traceback; it is told of no more."""
    calls = []

    def fail(progress: Any) -> None:
        calls.append(progress)
        raise ValueError("out of paint")

    loop = BareLoop(CPU)
    with caplog.at_level(logging.ERROR), track(loop, on_progress=fail, folder=tmp_path) as job:
        loop()
        wait_until(lambda: caplog.records)
        assert "done" == loop()
        assert 1.0 == job.progress.fraction
    assert 1 == len(calls) == len(caplog.records)
    assert caplog.records[0].exc_info and "out of paint" in caplog.text


def test_a_second_call_begins_anew_and_has_learned(tmp_path):
    """Its bar goes by what the first has taken."""
    first, second = [run("StableDiffusionPipeline", tmp_path)[-1] for _ in range(2)]
    assert 1.0 == first.fraction == second.fraction
    tiny = build("StableDiffusionPipeline")
    etas: list[Any] = []
    with track(tiny.pipe, folder=tmp_path) as job:
        text = tiny.pipe.text_encoder.register_forward_pre_hook(lambda *_: etas.append(job.progress.eta_s))
        tiny.pipe(**tiny.arguments)
        text.remove()
    assert etas[0] is not None


def test_a_script_that_ends_right_after_a_call_has_learned(tmp_path):
    """What would have waited for more is written before the process is gone."""
    program = (
        "import sys; from tests.pipeline.test_track import run;"
        "from zluda_sync.pipeline.track_session import session_in;"
        "session_in(sys.argv[1])._saver._pause_s = 1000.0;"
        "run('StableDiffusionPipeline', sys.argv[1])"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run(command, check=True, timeout=120, env=paths)
    assert (tmp_path / "zluda_sync" / "durations.json").is_file()


def test_what_was_learned_is_of_the_size_that_was_asked_for(tmp_path):
    """Also where a pipeline takes its arguments as they come, as modular ones do."""
    tiny = build("FluxModularPipeline")
    with track(tiny.pipe, folder=tmp_path) as job:
        tiny.pipe(**{**tiny.arguments, "width": 32, "height": 48, "num_inference_steps": 2})
    (one,) = job._call._newest.run.job.shape.passes
    assert (32, 48, 2) == (one.width_px, one.height_px, one.steps)


def test_iterating_gives_each_change_until_the_call_is_over(tmp_path):
    """Also if it was over before, and the next time of the next call."""
    gates = [threading.Event(), threading.Event()]
    loop = BareLoop(CPU)
    with track(loop, folder=tmp_path) as job, ThreadPoolExecutor() as pool:
        loop()
        assert [1.0] == [progress.fraction for progress in job]
        for gate in gates:
            loop.then = lambda step, gate=gate: step == 2 and gate.wait(10.0)
            called = pool.submit(loop)
            seen = []
            for progress in job:
                seen.append(progress)
                if progress.completed == 2:
                    gate.set()
            assert called.done() or called.result(10.0)
            assert 2 in {progress.completed for progress in seen}
            assert (1.0, 4) == (seen[-1].fraction, seen[-1].completed)


def test_iterating_ends_with_the_block(tmp_path):
    """Where no call comes any more."""
    with ThreadPoolExecutor() as pool:
        with track(BareLoop(CPU), folder=tmp_path) as job:
            iterated = pool.submit(list, job)
        assert [] == iterated.result(10.0)


def test_two_pipelines_are_tracked_at_once_on_two_threads(tmp_path):
    """Each has its own progress, while both are under way."""
    both = threading.Barrier(2)
    loops = [BareLoop(CPU, lambda step: step == 1 and both.wait(10.0)) for _ in range(2)]

    def go(loop: BareLoop, steps: int) -> tuple[int, int]:
        with track(loop, folder=tmp_path) as job:
            loop(num_inference_steps=steps)
        return job.progress.completed, job.progress.total

    with ThreadPoolExecutor() as pool:
        assert [(3, 3), (5, 5)] == list(pool.map(go, loops, (3, 5)))


def test_a_call_beside_another_of_the_same_pipeline_goes_unfollowed(tmp_path):
    """The first is followed to its end."""
    loop = BareLoop(CPU)
    with track(loop, folder=tmp_path) as job, ThreadPoolExecutor() as pool:
        asked: list[Any] = []

        def call_beside(step: int) -> None:
            if step == 1 and not asked:
                asked.append(None)
                assert "done" == pool.submit(loop, 9).result(10.0)

        loop.then = call_beside
        loop(num_inference_steps=3)
        assert (3, 1, 1.0) == (job.progress.completed, job._call.calls_ended, job.progress.fraction)


def test_a_call_within_a_call_is_a_part_of_it(tmp_path):
    """As a pipeline that calls itself for a second round."""
    loop = BareLoop(CPU)
    rounds: list[int] = []

    def again(step: int) -> None:
        if step == 2 and not rounds:
            rounds.append(step)
            loop(num_inference_steps=2)

    loop.then = again
    with track(loop, folder=tmp_path) as job:
        loop(num_inference_steps=3)
        assert 1 == job._call.calls_ended


def test_a_pipeline_is_tracked_once_at_a_time(tmp_path):
    """The second says so; the first goes on, and afterwards it may be tracked again."""
    loop = BareLoop(CPU)
    with track(loop, folder=tmp_path) as job:
        with pytest.raises(TypeError, match="tracked already"), track(loop, folder=tmp_path):
            pass
        loop()
        assert 1.0 == job.progress.fraction
    with track(loop, folder=tmp_path):
        loop()


def test_an_inner_pipeline_that_is_tracked_already_leaves_the_outer_as_it_was(tmp_path):
    """All or nothing."""
    tiny = build("KandinskyV22CombinedPipeline")
    kind = type(tiny.pipe)
    with (
        track(tiny.pipe.decoder_pipe, folder=tmp_path),
        pytest.raises(TypeError, match="tracked already"),
        track(tiny.pipe, folder=tmp_path),
    ):
        pass
    assert kind is type(tiny.pipe)


@pytest.mark.parametrize("pipe", [object(), 5, lambda: None, len, type("Empty", (), {})()])
def test_what_cannot_be_tracked_is_a_type_error(pipe, tmp_path):
    """Whatever else it is."""
    with pytest.raises(TypeError, match="cannot be tracked"), track(pipe, folder=tmp_path):
        pass


def test_an_object_with_slots_is_tracked(tmp_path):
    """It gets no namespace by that."""

    class Slotted:
        __slots__ = ("device",)

        def __call__(self, callback_on_step_end: Any = None) -> None:
            callback_on_step_end(self, 0, 0, {})

    pipe = Slotted()
    pipe.device = CPU
    with track(pipe, folder=tmp_path) as job:
        pipe()
    assert (1, 1.0) == (job.progress.completed, job.progress.fraction)


def test_a_mode_that_there_is_not_is_a_value_error(tmp_path):
    """Before the block begins."""
    with pytest.raises(ValueError, match="now and then"):
        track(BareLoop(CPU), mode="now and then", folder=tmp_path)


def test_mode_off_touches_nothing(tmp_path):
    """For scripts with a switch."""
    loop = BareLoop(CPU)
    with track(loop, mode="off", folder=tmp_path) as job:
        assert BareLoop is type(loop)
        loop()
    assert job.progress is None and [] == list(job) and job.preview() is None


def test_a_block_is_good_for_one_time(tmp_path):
    """What has ended does not begin again by halves."""
    loop = BareLoop(CPU)
    job = track(loop, folder=tmp_path)
    with job:
        pass
    with pytest.raises(RuntimeError, match="call it again"), job:
        pass
    assert BareLoop is type(loop)


def test_bad_arguments_are_the_pipelines_own_error(tmp_path):
    """Neither is a call that fails followed further."""
    tiny = build("FluxPipeline")
    with track(tiny.pipe, folder=tmp_path) as job:
        with pytest.raises(TypeError, match="unexpected keyword argument 'colour'") as tracked:
            tiny.pipe("a", colour=1)
        assert job.progress is None
        with pytest.raises(ValueError, match="has to be of type"):
            tiny.pipe(5)
    with pytest.raises(TypeError) as alone:
        tiny.pipe("a", colour=1)
    assert str(alone.value) == str(tracked.value)


def test_a_call_that_fails_is_never_full_and_the_next_one_is_followed(tmp_path):
    """Its error is the user's, as it is."""
    loop = BareLoop(CPU)
    error = RuntimeError("out of memory")

    def fail(step: int) -> None:
        if step == 2:
            raise error

    with track(loop, folder=tmp_path) as job:
        loop.then = fail
        with pytest.raises(RuntimeError) as caught:
            loop()
        assert error is caught.value
        assert 1.0 > job.progress.fraction and job.progress.eta_s is None
        assert 2 == job.progress.completed
        loop.then = lambda step: None
        loop()
        assert (1.0, 2) == (job.progress.fraction, job._call.calls_ended)


def test_an_error_of_ours_never_breaks_a_call(tmp_path, caplog, monkeypatch):
    """It is logged once, and the call runs as without us."""
    loop = BareLoop(CPU)
    with track(loop, folder=tmp_path) as job:
        monkeypatch.setattr(job._session, "_build_run", lambda *_: 1 / 0)
        assert ["done", "done"] == [loop(), loop()]
        assert job.progress is None and job._session._calls == 0
        monkeypatch.undo()
        loop()
        assert 1.0 == job.progress.fraction
    assert 1 == sum(record.levelno == logging.ERROR for record in caplog.records)


def test_an_error_of_ours_in_a_step_ends_the_following_alone(tmp_path, caplog, monkeypatch):
    """The bar stays where it was, and the call is delivered at once."""
    loop = BareLoop(CPU)
    with track(loop, folder=tmp_path) as job:
        loop.then = lambda step: (
            step == 2 and monkeypatch.setattr(job._call._newest.run, "find_pass", lambda *_: 1 / 0)
        )
        assert "done" == loop()
        assert (2, 1) == (job.progress.completed, job._call.calls_ended)
        assert 1.0 > job.progress.fraction
    assert 1 == len(caplog.records)


def test_on_a_device_that_blocks_by_itself_nothing_is_waited_for(tmp_path):
    """And it says so."""
    loop = BareLoop(CPU)
    with track(loop, mode=SyncMode.EVERY_STEP, folder=tmp_path) as job:
        loop()
        assert "the cpu blocks by itself" in job.explanation
    (ledger,) = [part.ledger for part in job._call._newest.run.job.passes]
    assert [] == ledger.waits and job.progress.rung is None


def test_the_public_names_are_these():
    """And each is there."""
    assert {"track", "Progress", "SyncMode", "PipelineCallback"} == set(zluda_sync.__all__)
    for name in zluda_sync.__all__:
        assert getattr(zluda_sync, name).__doc__
    with pytest.raises(AttributeError):
        zluda_sync.tracks  # noqa: B018


def test_importing_loads_neither_torch_nor_diffusers_and_takes_no_time():
    """The best of several is well below the twentieth of a second; Python itself takes as long."""
    program = (
        "import sys, time; began = time.perf_counter(); import zluda_sync\n"
        "took = time.perf_counter() - began\n"
        "assert not {'torch', 'diffusers', 'numpy', 'PIL'} & set(sys.modules)\n"
        "print(took)"
    )
    folder = REPOSITORY / "extensions" / "zluda_sync"
    runs = [
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=folder,
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
        for _ in range(5)
    ]
    assert 0.05 > min(float(one.stdout) for one in runs)


def test_the_signature_of_a_tracked_pipeline_is_its_own(tmp_path):
    """Those who look at it, as user interfaces do, see no difference."""
    tiny = build("StableDiffusionPipeline")
    expected = inspect.signature(type(tiny.pipe).__call__)
    with track(tiny.pipe, folder=tmp_path):
        assert expected == inspect.signature(type(tiny.pipe).__call__)
        assert "StableDiffusionPipeline" == type(tiny.pipe).__name__
