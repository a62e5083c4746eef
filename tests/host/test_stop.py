"""Stop, Skip and Pause over the host's own buttons: kept over every phase, and for their request only."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from modules import processing_diffusers, shared
from zluda_sync.core.barrier import SyncMode
from zluda_sync.core.errors import Interrupted


@pytest.fixture
def pressed(bench):
    """Press a button of the host, as a page does: on a thread of its own."""
    return lambda name: bench.in_thread(getattr(shared.state, name))


def flags(state):
    return [state.interrupted, state.skipped, state.paused]


@pytest.mark.parametrize(("button", "index"), [("interrupt", 0), ("pause", 2)])
def test_a_phase_that_begins_clears_nothing(bench, pressed, button, index):
    """SD.Next alone forgets a Stop pressed in the text encoder."""
    bench.begin("observe")
    pressed(button)
    for title in ("TE Encode", "Inference", "VAE Decode"):
        phase = bench.state.begin(title)
        assert flags(bench.state)[index]
        bench.state.end(phase)
        assert flags(bench.state)[index]
        assert bench.polled("interrupted", "skipped", "paused")[index]


def test_a_page_that_saves_settings_clears_nothing(bench, pressed):
    """Apply begins a phase on a thread of its own, in the middle of the job."""
    bench.begin("observe")
    pressed("interrupt")
    bench.in_thread(lambda: bench.state.end(bench.state.begin("Settings")))
    assert bench.state.interrupted


def test_the_next_request_knows_nothing_of_it(bench, pressed):
    """Neither Stop, nor Skip, nor Pause, on the same thread."""
    bench.switch_on()
    for button in ("interrupt", "skip", "pause"):
        request = bench.state.begin("Text", task_id=f"task({button})")
        bench.begin("observe")
        pressed(button)
        bench.session.end_job()
        bench.state.end(request)
        assert [False, False, False] == flags(bench.state)
        assert [False, False, False] == bench.polled("interrupted", "skipped", "paused")
        bench.begin("observe")
        assert [False, False, False] == flags(bench.state)
        bench.session.end_job()


def test_saving_does_not_make_the_stop_the_hosts_own(bench, pressed):
    """The host lets a Stop through when it begins to save; kept there, it would outlive its request."""
    bench.switch_on()
    request = bench.state.begin("Text", task_id="task(one)")
    bench.begin("observe")
    pressed("interrupt")
    bench.state.end(bench.state.begin("Save image"))
    bench.session.end_job()
    bench.state.end(request)
    assert not bench.state.interrupted


def test_a_job_in_the_queue_is_not_stopped_with_the_one_that_runs(bench, pressed):
    """Its page has begun the request already, and waits for the host's lock."""
    go_on, waits, stopped = threading.Event(), threading.Event(), []

    def queued_page():
        request = bench.state.begin("Text", task_id="task(queued)")
        waits.set()
        go_on.wait(20.0)
        stopped.append(bench.state.interrupted)
        bench.state.end(request)

    bench.switch_on()
    bench.begin("observe")
    page = threading.Thread(target=queued_page, daemon=True)
    page.start()
    assert waits.wait(20.0)
    pressed("interrupt")
    assert bench.state.interrupted
    go_on.set()
    page.join(20.0)
    assert [False] == stopped


def test_a_stop_before_the_job_begins_is_kept_for_it(bench, pressed):
    """Pressed while the request loads its model."""
    bench.switch_on()
    bench.state.begin("Text", task_id="task(one)")
    loading = bench.state.begin("Load model")
    pressed("interrupt")
    assert not bench.state.interrupted  # a model loaded by halves would fail the next job
    bench.state.end(loading)
    bench.session.begin_job(SimpleNamespace())
    assert bench.state.interrupted


def test_stop_with_nothing_running_is_the_hosts_own(bench, pressed):
    """It sets the host's flag, which the next phase clears as ever."""
    bench.switch_on()
    pressed("interrupt")
    assert bench.state.interrupted
    bench.begin("observe")
    assert not bench.state.interrupted


def test_a_stop_ends_a_grid_of_jobs(bench, pressed):
    """A script runs one job for each cell, and asks between them."""
    bench.switch_on()
    bench.state.begin("Text", task_id="task(one)")
    bench.begin("observe")
    pressed("interrupt")
    bench.session.end_job()
    assert bench.state.interrupted
    bench.begin("observe")
    assert bench.state.interrupted


def test_a_tab_that_goes_on_on_another_thread_is_stopped(bench):
    """A generator's request begins on one thread, its jobs run on others; Stop may come on the first."""
    pool = Pool()
    bench.switch_on()
    request = pool.run("first", lambda: bench.state.begin("Control"))

    def frame():
        bench.begin("observe")
        bench.step(0)

    pool.run("second", frame)
    pool.run("first", bench.state.interrupt)
    assert pool.run("second", lambda: bench.state.interrupted)
    pool.run("second", bench.session.end_job)
    assert pool.run("third", lambda: bench.state.interrupted)
    pool.run("third", lambda: bench.begin("observe"))
    assert pool.run("third", lambda: bench.state.interrupted)
    pool.run("third", bench.session.end_job)
    pool.run("third", lambda: bench.state.end(request))
    assert [False, False] == [pool.run(name, lambda: bench.state.interrupted) for name in ("first", "third")]
    pool.end()


class Pool:
    """Threads by name, as a server's pool keeps them: each does one thing after the other."""

    def __init__(self):
        self._workers = {}

    def run(self, name, action):
        if name not in self._workers:
            self._workers[name] = ThreadPoolExecutor(1)
        return self._workers[name].submit(action).result(20.0)

    def end(self):
        for worker in self._workers.values():
            worker.shutdown()


def test_two_clients_and_two_presses_are_one_stop(bench, pressed):
    """Pressing again changes nothing."""
    bench.begin("observe")
    bench.step(0)
    pressed("interrupt")
    pressed("interrupt")
    with pytest.raises(AssertionError):
        bench.step(1)
    bench.session.end_job()
    assert 1 == len(bench.session.stops)


@pytest.mark.parametrize("has_asked", [True, False], ids=["the host has asked", "it has not"])
def test_stop_in_the_instant_between_two_images(bench, pressed, monkeypatch, has_asked):
    """The first picture is whole and kept, and the second is not begun."""
    processing = SimpleNamespace(n_iter=2, iteration=0)
    monkeypatch.setattr(processing_diffusers, "process_diffusers", lambda p: ["picture"])
    bench.begin("observe", processing=processing)
    assert ["picture"] == processing_diffusers.process_diffusers(processing)
    if has_asked:
        assert not bench.state.interrupted
    pressed("interrupt")
    if not has_asked:
        assert not bench.state.interrupted
    processing.iteration = 1
    assert bench.state.interrupted
    bench.session.close()


def test_a_skip_is_for_one_image(bench, pressed):
    """SD.Next alone skips the next one too."""
    processing = SimpleNamespace(n_iter=3, iteration=0)
    bench.begin("observe", processing=processing)
    pressed("skip")
    assert bench.state.skipped
    processing.iteration = 1
    assert not bench.state.skipped


def test_a_skip_that_the_host_has_taken_note_of_is_over(bench, pressed):
    """Some loops of the host clear the flag themselves."""
    bench.begin("observe")
    pressed("skip")
    bench.state.skipped = False
    assert not bench.state.skipped


def test_stop_in_a_pause_ends_both(bench, pressed):
    """The job that was held goes on only to end."""
    outcome = []

    def job():
        bench.begin("every-step")
        pressed("pause")
        try:
            bench.step(0)
        except AssertionError as error:
            outcome.append(str(error))

    held = threading.Thread(target=job, daemon=True)
    held.start()
    bench.wait_until(lambda: bench.launched and bench.session.snapshot().is_paused)
    assert held.is_alive()
    assert bench.session.snapshot().label.startswith("Paused: ")
    bench.state.interrupt()
    held.join(20.0)
    assert ["Interrupted..."] == outcome
    assert [True, False, False] == bench.polled("interrupted", "skipped", "paused")


def test_going_on_after_a_pause_takes_no_time_of_the_job(bench, pressed):
    """What stood still teaches nothing about the length of a step."""
    elapsed_s = []

    def job():
        bench.begin("every-step")
        pressed("pause")
        bench.step(0)
        elapsed_s.append(bench.session.snapshot().elapsed_s)

    began_s = time.perf_counter()
    held = threading.Thread(target=job, daemon=True)
    held.start()
    bench.wait_until(lambda: bench.launched)
    elapsed = lambda: bench.session.snapshot().elapsed_s  # noqa: E731
    bench.wait_until(lambda: elapsed() == elapsed())  # the clock stands
    threading.Event().wait(0.3)
    bench.state.pause()
    held.join(20.0)
    assert elapsed_s[0] <= time.perf_counter() - began_s - 0.3


def test_a_press_releases_a_host_that_waits_for_the_device(bench):
    """The device may take minutes for a step that nobody wants any more."""
    outcome = []
    waiting = bench.wait_in_second_step(outcome)
    bench.state.interrupt()
    waiting.join(20.0)
    assert ["Interrupted..."] == outcome


def test_a_pipeline_that_calls_nobody_back_is_left_by_its_bar(bench, pressed):
    """There is no host callback that could signal Stop."""
    from diffusers import DiffusionPipeline

    bench.begin("observe")
    pipe = DiffusionPipeline.__new__(DiffusionPipeline)
    pipe.set_progress_bar_config(disable=True)
    with pipe.progress_bar(total=4) as bar:
        bar.update()
        pressed("interrupt")
        with pytest.raises(Interrupted):
            bar.update()
    assert 2 == bench.session.snapshot().launched


def test_switching_off_leaves_the_stop_to_the_host(bench, pressed):
    """The box is unticked in a job that was stopped."""
    bench.begin("observe")
    pressed("interrupt")
    shared.opts.data["zluda_sync_enabled"] = False
    bench.session.reconcile()
    assert bench.state.interrupted


@pytest.mark.parametrize("release", ["skip", "switch off"])
def test_a_pause_that_is_over_waits_for_no_queue(bench, pressed, release):
    """Steps are queued on a device that stands still; nobody wants the job to be held any more."""

    def job():
        bench.begin("observe")
        pressed("pause")
        try:
            bench.step(0)
        except AssertionError:
            return

    held = threading.Thread(target=job, daemon=True)
    held.start()
    bench.wait_until(lambda: bench.launched)
    if release == "skip":
        bench.state.skip()
    else:
        shared.opts.data["zluda_sync_enabled"] = False
        bench.session.reconcile()
        bench.state.paused = False
    held.join(20.0)
    assert not held.is_alive()


def test_an_error_that_follows_from_a_skip_does_not_end_the_batch(bench, pressed):
    """The host takes whatever fails in a pass for a reason to stop."""
    processing = SimpleNamespace(n_iter=2, iteration=0)
    bench.begin("observe", processing=processing)
    pressed("skip")
    bench.state.interrupted = True
    processing.iteration = 1
    assert not bench.state.interrupted
    bench.state.interrupted = True
    assert bench.state.interrupted


def test_what_a_pass_has_changed_is_put_back(bench, pressed, monkeypatch):
    """Left in a hires pass, the next image would be made at its strength."""

    def hires(p):
        p.is_hr_pass, p.denoising_strength = True, 0.3
        shared.sd_model = "hires pipeline"
        p.task_args.pop("image")
        pressed("skip")
        raise Interrupted

    monkeypatch.setattr(processing_diffusers, "process_diffusers", hires)
    monkeypatch.setattr(shared, "sd_model", "pipeline", raising=False)
    bench.begin("observe")
    p = SimpleNamespace(is_hr_pass=False, denoising_strength=0.7, task_args={"image": "picture"})
    assert [] == processing_diffusers.process_diffusers(p)
    assert (False, 0.7, {"image": "picture"}) == (p.is_hr_pass, p.denoising_strength, p.task_args)
    assert "pipeline" == shared.sd_model
    bench.session.close()


def test_switching_off_leaves_the_pause_to_the_host(bench, pressed):
    """The box is unticked while the job is held: the host's own button lets it go on."""

    def job():
        bench.begin("every-step")
        pressed("pause")
        bench.step(0)

    held = threading.Thread(target=job, daemon=True)
    held.start()
    bench.wait_until(lambda: bench.launched)
    shared.opts.data["zluda_sync_enabled"] = False
    bench.session.reconcile()
    assert bench.state.paused
    bench.state.pause()
    held.join(20.0)
    assert not held.is_alive()


def test_what_follows_from_leaving_ends_with_the_image(bench, pressed, monkeypatch):
    """The host's text encode is not made to be left: an error of its own may follow."""

    def encode(p):
        pressed("interrupt")
        raise ValueError("not enough values to unpack")

    monkeypatch.setattr(processing_diffusers, "process_diffusers", encode)
    bench.begin("observe")
    assert [] == processing_diffusers.process_diffusers(SimpleNamespace())
    bench.session.close()


def test_an_error_without_a_stop_is_the_hosts(bench, monkeypatch):
    """A generation that fails fails as ever."""

    def fail(p):
        raise ValueError("a fault of the host")

    monkeypatch.setattr(processing_diffusers, "process_diffusers", fail)
    bench.begin("observe")
    with pytest.raises(ValueError, match="a fault of the host"):
        processing_diffusers.process_diffusers(SimpleNamespace())
    bench.session.close()


def test_a_whole_picture_is_kept_when_stop_comes_too_late(bench, pressed, monkeypatch):
    """Pressed behind the last block of the decode; the host would put a preview in its place."""

    def decode(p):
        pressed("interrupt")
        return ["picture"]

    monkeypatch.setattr(processing_diffusers, "process_diffusers", decode)
    bench.begin("observe")
    assert ["picture"] == processing_diffusers.process_diffusers(SimpleNamespace())
    assert [False, True] == [bench.state.interrupted, bench.state.interrupted]
    bench.session.close()


def test_a_stop_is_remembered_with_its_figures(bench, pressed):
    """Mode, phase, steps after it, and how soon it was acknowledged."""
    bench.begin("observe")
    bench.step(0)
    pressed("interrupt")
    label = bench.session.snapshot().label
    with pytest.raises(AssertionError):
        bench.step(1)
    bench.session.end_job()
    (record,) = bench.session.stops
    assert "Stopping: 1 queued step" == label
    assert (SyncMode.OBSERVE, 1, 1) == (record.mode, record.launched_steps, record.queued_steps)
    assert 0.0 <= record.acknowledged_s <= record.ended_s


def test_a_stopped_job_teaches_nothing(bench, pressed):
    """Half a job must not pass for the length of one."""
    learned = []
    bench.session._learning.learn = learned.append
    bench.begin("observe", processing=SimpleNamespace(steps=1))
    bench.step(0)
    pressed("interrupt")
    bench.session.end_job()
    assert [] == learned


def test_the_eta_of_a_stopped_job_is_that_of_its_queue(bench, pressed):
    """What was planned and is not wanted any more takes no time."""
    bench.begin("observe", processing=SimpleNamespace(steps=20, n_iter=4, iteration=0))
    bench.step(0)
    assert 1 < len(bench.session._jobs.current.job.parts)
    pressed("interrupt")
    phases = [part.phase.value for part in bench.session._jobs.current.job.parts]
    assert "decode" not in phases
    assert 1 == phases.count("denoise")
