"""`track` on a device that runs behind: bar, listeners and previews tell of what is finished alone."""

from __future__ import annotations

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch

from modules.emulated_device import QUEUE, Gate, Marks
from tests.pipeline.tracked import (
    LIMIT_S,
    QUIET,
    BareLoop,
    build_emulated,
    install_emulated,
    keep_report,
    wait_until,
)
from zluda_sync import track
from zluda_sync.core.phase import Phase
from zluda_sync.core.records.self_test_report import RungVerdict, SelfTestReport
from zluda_sync.core.steps.policy import SyncMode
from zluda_sync.device.steps import self_testing
from zluda_sync.pipeline import track_session

pytestmark = QUIET


@pytest.fixture
def untested() -> torch.device:
    """The emulated device, of which nothing is known."""
    return install_emulated()


@pytest.fixture
def device(untested, tmp_path) -> torch.device:
    """The emulated device, of which a self-test is kept."""
    keep_report(untested, tmp_path)
    return untested


def hold_at_step(tiny: Any, step: int) -> Gate:
    """Have the device stand still in a step of the next call, until the gate is set."""
    gate, forwards = Gate(), [0]

    def hold(*_: Any) -> None:
        forwards[0] += 1
        if forwards[0] == step + 1:
            gate.put(LIMIT_S)

    tiny.pipe.unet.register_forward_pre_hook(hold)
    return gate


def test_what_is_queued_is_not_told_as_finished(device, tmp_path):
    """Three steps stand in the queue; when the device has done them, they count."""
    gate = Gate()
    loop = BareLoop(device, lambda step: step == 1 and gate.put(LIMIT_S))
    with track(loop, mode="observe", folder=tmp_path) as job:
        loop()
        wait_until(lambda: job.progress.completed)
        assert (4, 1) == (job.progress.launched, job.progress.completed)
        assert 1.0 > job.progress.fraction
        assert 0 == job._call.calls_ended
        gate.set()
        wait_until(lambda: job._call.calls_ended)
        assert (4, 1.0) == (job.progress.completed, job.progress.fraction)


@pytest.mark.parametrize("mode", [SyncMode.EVERY_STEP, SyncMode.RUN_AHEAD, SyncMode.OBSERVE])
def test_no_mode_is_ever_ahead_of_the_device(mode, device, tmp_path):
    """Held against marks of another kind that are queued before ours."""
    finished = Marks()
    leads: list[tuple[int, int]] = []

    def mark(_step: int) -> None:
        QUEUE.enqueue_delay(0.02, "work")
        finished.put()

    def look(progress: Any) -> None:
        if progress.completed > len(finished):
            leads.append((progress.completed, len(finished)))

    is_over = threading.Event()
    loop = BareLoop(device, mark)
    with track(loop, mode=mode, folder=tmp_path) as job, ThreadPoolExecutor() as pool:

        def watch() -> None:
            while not is_over.wait(0.001):
                if job.progress is not None:
                    look(job.progress)

        watching = pool.submit(watch)
        loop(num_inference_steps=10)
        wait_until(lambda: job._call.calls_ended)
        is_over.set()
        watching.result(10.0)
    assert [] == leads and 10 == len(finished) == job.progress.completed
    if mode is not SyncMode.OBSERVE:
        (ledger,) = [part.ledger for part in job._call._newest.run.job.passes]
        assert ledger.waits


def test_the_pipelines_own_bar_shows_finished_steps_in_its_own_style(device, tmp_path):
    """Its stream and its words stay; it is full when the device is."""
    tiny, text = build_emulated("StableDiffusionPipeline"), io.StringIO()
    style = {"file": text, "desc": "painting", "ncols": 60, "disable": False}
    tiny.pipe.set_progress_bar_config(**style)
    gate = hold_at_step(tiny, 2)
    with track(tiny.pipe, mode="observe", folder=tmp_path) as job:
        tiny.pipe(**tiny.arguments, output_type="latent")
        assert 4 == job.progress.launched and 1.0 > job.progress.fraction
        wait_until(lambda: "2/4" in text.getvalue())
        assert "3/4" not in text.getvalue() and "4/4" not in text.getvalue()
        gate.set()
        wait_until(lambda: "4/4" in text.getvalue())
        wait_until(lambda: job.progress.fraction == 1.0)
    assert "painting" in text.getvalue()
    assert style == tiny.pipe._progress_bar_config


def test_a_result_that_the_device_still_computes_is_not_delivered(device, tmp_path):
    """All steps are finished; what is decoded of them is not."""
    gate = Gate()

    class Decoding(BareLoop):
        def __call__(self, callback_on_step_end: Any = None) -> Any:
            super().__call__(4, callback_on_step_end)
            wait_until(lambda: job.progress.completed == 4)
            gate.put(LIMIT_S)
            return [torch.zeros(2, device=self.device) + 1]

    loop = Decoding(device)
    with track(loop, mode="observe", folder=tmp_path) as job:
        loop()
        assert not gate.is_set()
        assert (0, True) == (job._call.calls_ended, job.progress.fraction < 1.0)
        gate.set()
        wait_until(lambda: job._call.calls_ended)
    assert 1.0 == job.progress.fraction


def test_a_bar_that_is_switched_off_stays_off(device, tmp_path, capfd):
    """The steps are counted all the same."""
    tiny = build_emulated("DiTPipeline")
    capfd.readouterr()
    with track(tiny.pipe, folder=tmp_path) as job:
        tiny.pipe(**tiny.arguments)
    assert (4, "") == (job.progress.completed, capfd.readouterr().err)


def test_a_second_call_behind_a_busy_device_leaves_the_first_bar_to_end(device, tmp_path):
    """Each line ends full, in order."""
    tiny, text = build_emulated("StableDiffusionPipeline"), io.StringIO()
    tiny.pipe.set_progress_bar_config(file=text, disable=False)
    gate = hold_at_step(tiny, 2)
    with track(tiny.pipe, mode="observe", folder=tmp_path) as job:
        tiny.pipe(**tiny.arguments, output_type="latent")
        calls = ThreadPoolExecutor().submit(tiny.pipe, **tiny.arguments, output_type="latent")
        wait_until(lambda: "2/4" in text.getvalue())
        assert "4/4" not in text.getvalue()
        gate.set()
        calls.result(LIMIT_S)
        wait_until(lambda: job._call.calls_ended == 2)
        wait_until(lambda: text.getvalue().count("4/4") >= 2)
    assert 1.0 == job.progress.fraction


def test_a_bar_over_the_whole_call_is_drawn_on_request(device, tmp_path, capfd):
    """Encoding and decoding included."""
    tiny = build_emulated("StableDiffusionPipeline")
    gate = hold_at_step(tiny, 2)
    capfd.readouterr()
    seen: list[str] = []
    with track(tiny.pipe, mode="observe", bar=True, folder=tmp_path) as job, ThreadPoolExecutor() as pool:
        called = pool.submit(tiny.pipe, **tiny.arguments)
        wait_until(lambda: job.progress is not None and job.progress.completed == 2)
        wait_until(lambda: seen.append(capfd.readouterr().err) or "Finishing" in "".join(seen))
        gate.set()
        called.result(LIMIT_S)
        wait_until(lambda: job.progress.fraction == 1.0)
    seen.append(capfd.readouterr().err)
    assert "100%" in "".join(seen) and "100%" not in seen[0]


def test_a_preview_is_of_a_finished_step(device, tmp_path):
    """None before there is one; a picture while the device is in the step after; and it stays."""
    tiny = build_emulated("StableDiffusionPipeline")
    gate = hold_at_step(tiny, 2)
    with track(tiny.pipe, mode="observe", folder=tmp_path) as job, ThreadPoolExecutor() as pool:
        assert job.preview() is None
        called = pool.submit(tiny.pipe, **tiny.arguments)
        wait_until(lambda: job.preview() is not None)
        ready = job._call._newest.previews.newest_ready()
        assert ready.step < job.progress.completed <= 2
        early = job.preview()
        assert early is job.preview() and early.size[0] > 1
        gate.set()
        called.result(LIMIT_S)
        wait_until(lambda: job.progress.fraction == 1.0)
        assert job.preview() is not None
    assert job._call._newest.previews is None


def test_previews_are_made_only_while_somebody_looks(device, tmp_path):
    """Nobody has asked: none is queued."""
    tiny = build_emulated("StableDiffusionPipeline")
    with track(tiny.pipe, folder=tmp_path) as job:
        tiny.pipe(**tiny.arguments)
        assert 0 == job._call._newest.run.previews.queue.made
        assert job.preview() is None


def test_the_phase_is_what_the_device_is_in(device, tmp_path):
    """The host is in the decoder; the device is in the loop."""
    tiny = build_emulated("StableDiffusionPipeline")
    gate = hold_at_step(tiny, 3)
    with track(tiny.pipe, mode="observe", folder=tmp_path) as job, ThreadPoolExecutor() as pool:
        called = pool.submit(tiny.pipe, **tiny.arguments)
        wait_until(lambda: job.progress is not None and job.progress.is_host_ahead)
        assert Phase.DENOISE is job.progress.phase
        gate.set()
        called.result(LIMIT_S)


class FakeTest:
    """In the place of the self-test, which wants a machine that is not busy."""

    def __init__(self, accelerator: Any, *_: Any) -> None:
        self._name = accelerator.name

    def run(self) -> SelfTestReport:
        rungs = (RungVerdict("planted-event", True, cost_s=0.0),)
        return SelfTestReport(self._name, work_s=0.2, queued_s=0.0, rungs=rungs)


@pytest.fixture
def fresh_sessions(monkeypatch):
    """As in a new process; and a device that is idle soon."""
    monkeypatch.setattr(track_session, "_sessions", {})
    monkeypatch.setattr(self_testing, "IDLE_S", 0.1)
    monkeypatch.setattr(self_testing, "IDLE_LOOK_S", 0.02)
    monkeypatch.setattr(self_testing, "SelfTest", FakeTest)


@pytest.mark.usefixtures("fresh_sessions")
def test_the_device_is_asked_while_no_call_runs_and_what_it_said_is_kept(untested, tmp_path):
    """Until then each step is waited for; another process goes by what is kept."""
    kept = tmp_path / "zluda_sync" / "selftest.json"
    loop = BareLoop(untested)
    with track(loop, folder=tmp_path) as job:
        loop.then = lambda _step: threading.Event().wait(0.1)
        loop()
        assert SyncMode.EVERY_STEP is job.progress.mode
        assert not kept.exists() and "no self-test so far" in job.explanation
        wait_until(kept.exists)
        loop()
    assert SyncMode.RUN_AHEAD is job.progress.mode
    assert "no self-test" not in job.explanation
    track_session._sessions.clear()
    with track(loop, folder=tmp_path) as later:
        loop()
    assert SyncMode.RUN_AHEAD is later.progress.mode and later._session is not job._session
    assert [None] == [testing._thread for testing in later._session._testing.values()]


@pytest.mark.usefixtures("fresh_sessions")
def test_a_mode_that_was_chosen_needs_no_self_test(untested, tmp_path):
    """None is begun; and what is said of the device does not call it one that blocks."""
    loop = BareLoop(untested)
    with track(loop, mode="every-step", folder=tmp_path) as job:
        loop()
        assert "blocks by itself" not in job.explanation
    assert [None] == [testing._thread for testing in job._session._testing.values()]


def test_calls_end_on_the_threads_of_the_session_and_leave_none_of_their_own(device, tmp_path):
    """Those of a block end with it."""
    loop = BareLoop(device)
    with track(loop, on_progress=lambda _progress: None, folder=tmp_path):
        loop()
    wait_until(
        lambda: not {"zluda_sync-reports", "zluda_sync-console"} & {one.name for one in threading.enumerate()}
    )


def test_a_session_that_ends_does_not_break_a_call(device, tmp_path):
    """As at the end of the process, in the middle of one."""
    loop = BareLoop(device)
    with track(loop, folder=tmp_path) as job:
        loop.then = lambda step: step == 1 and job._session.close()
        assert "done" == loop()
