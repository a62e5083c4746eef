"""Stop, Skip and Pause over the host's own buttons: kept over every phase, and for their request only."""

from __future__ import annotations

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
import torch
from PIL import Image

from modules import call_queue, processing_diffusers, processing_vae, shared
from zluda_sync.core.errors import Interrupted
from zluda_sync.core.steps.policy import SyncMode
from zluda_sync.host.sdnext import SdNext


@pytest.fixture
def pressed(bench):
    """Press a button of the host, as a page does: on a thread of its own."""
    return lambda name: bench.in_thread(getattr(shared.state, name))


def flags(state):
    return [state.interrupted, state.skipped, state.paused]


@pytest.fixture
def image(bench, monkeypatch):
    """Return a function that makes an image as the host does: it looks at its flags, then at ``work``."""
    works = []

    def process_diffusers(p):
        if bench.state.interrupted or bench.state.skipped:
            return []
        works.pop()()
        return ["picture"]

    def make(work=lambda: None):
        works.append(work)
        return processing_diffusers.process_diffusers(SimpleNamespace())

    monkeypatch.setattr(processing_diffusers, "process_diffusers", process_diffusers)
    yield make
    bench.session.close()


@pytest.mark.parametrize(("button", "index"), [("interrupt", 0), ("skip", 1), ("pause", 2)])
def test_scripts_see_the_flags_as_the_host_alone_would_show_them(bench, pressed, button, index):
    """Set by the press, cleared by each phase that begins, though the wish is kept and shown to clients."""
    bench.begin("observe")
    pressed(button)
    assert flags(bench.state)[index]
    for title in ("TE Encode", "Inference", "VAE Decode"):
        phase = bench.state.begin(title)
        assert not flags(bench.state)[index]
        bench.state.end(phase)
        assert not flags(bench.state)[index]
        assert bench.polled("interrupted", "skipped", "paused")[index]


@pytest.mark.parametrize("button", ["interrupt", "skip"])
def test_a_press_that_a_phase_has_cleared_acts_at_the_next_step(bench, pressed, button):
    """SD.Next alone forgets a Stop pressed in the text encoder."""
    bench.begin("observe")
    pressed(button)
    bench.state.begin("TE Encode")
    bench.begin_loop()
    with pytest.raises(AssertionError, match=r"Interrupted\.\.\."):
        bench.step(0)
    assert [button == "interrupt", button == "skip", False] == flags(bench.state)


@pytest.mark.parametrize("button", ["interrupt", "skip"])
def test_a_press_that_a_phase_has_cleared_acts_at_the_next_image(bench, pressed, image, button):
    """The host is told before it begins to make one, and delivers none."""
    bench.begin("observe", processing=SimpleNamespace(iteration=0))
    pressed(button)
    bench.state.begin("Process")
    worked = []
    assert [] == image(lambda: worked.append("worked"))
    assert [] == worked
    assert [button == "interrupt", button == "skip", False] == flags(bench.state)


def test_a_pause_that_a_phase_has_cleared_holds_the_next_step(bench, pressed):
    """SD.Next alone forgets it like a Stop."""

    def job():
        bench.begin("every-step")
        pressed("pause")
        bench.begin_loop()
        bench.step(0)

    held = threading.Thread(target=job, daemon=True)
    held.start()
    bench.wait_until(lambda: bench.launched and bench.session.snapshot().is_paused)
    assert held.is_alive()
    assert bench.polled("paused")[0]
    bench.state.pause()
    held.join(20.0)
    assert not held.is_alive()


def test_a_page_that_saves_settings_loses_no_stop(bench, pressed):
    """Apply begins a phase on a thread of its own, in the middle of the job, and clears the host's flag."""
    bench.begin("observe")
    pressed("interrupt")
    bench.in_thread(lambda: bench.state.end(bench.state.begin("Settings")))
    assert bench.polled("interrupted")[0]
    with pytest.raises(AssertionError):
        bench.step(0)
    assert bench.state.interrupted


def test_a_script_that_answers_a_stop_goes_on(bench, pressed, image):
    """It clears the flag on its own thread, and makes its next picture."""
    bench.begin("observe")
    pressed("interrupt")
    bench.state.interrupted = False
    assert not bench.polled("interrupted")[0]
    assert ["picture"] == image()


def test_a_script_that_keeps_the_flag_over_a_call_finds_it_again(bench, pressed):
    """Saved, cleared for work that must not be left, and put back."""
    bench.begin("observe")
    pressed("interrupt")
    kept, bench.state.interrupted = bench.state.interrupted, False
    bench.state.end(bench.state.begin("Inner"))
    bench.state.interrupted = kept
    assert bench.state.interrupted
    with pytest.raises(AssertionError):
        bench.step(0)


def test_a_script_that_ends_itself_is_no_press_of_the_user(bench):
    """It sets the flag on its own thread: the next phase clears that as ever, and nothing is kept."""
    bench.begin("observe")
    bench.state.interrupted = True
    assert bench.state.interrupted
    bench.begin_loop()
    bench.step(0)
    assert not bench.polled("interrupted")[0]
    assert None is bench.session._jobs.current.control.ending


def test_a_script_that_decodes_what_it_has_after_a_stop_is_let_do_so(bench, pressed, image, monkeypatch):
    """It has asked, and delivers the part of a film that is there."""
    decoder = torch.nn.Sequential(torch.nn.Identity())
    monkeypatch.setattr(SdNext, "components", property(lambda host: (decoder,)))
    decoded = []

    def film():
        pressed("interrupt")
        if bench.state.interrupted:
            decoded.append(decoder(torch.zeros(1)))

    bench.begin("observe")
    assert ["picture"] == image(film)
    assert 1 == len(decoded)


def test_nothing_is_left_outside_of_what_catches_it(bench, pressed, monkeypatch):
    """A script that calls a model by itself does not expect an error of ours."""
    encoder = torch.nn.Sequential(torch.nn.Identity())
    monkeypatch.setattr(SdNext, "components", property(lambda host: (encoder,)))
    bench.begin("observe")
    pressed("interrupt")
    bench.begin_loop()
    encoder(torch.zeros(1))


def test_the_next_request_knows_nothing_of_it(bench, pressed):
    """Neither Stop, nor Skip, nor Pause, on the same thread; until it begins, the flags stand as ever."""
    bench.switch_on()
    for button in ("interrupt", "skip", "pause"):
        request = bench.state.begin("Text", task_id=f"task({button})")
        bench.begin("observe")
        pressed(button)
        bench.session.end_job()
        bench.state.end(request)
        assert [button == "interrupt", button == "skip", False] == flags(bench.state)
        request = bench.state.begin("Text", task_id=f"task(after {button})")
        assert [False, False, False] == flags(bench.state)
        assert [False, False, False] == bench.polled("interrupted", "skipped", "paused")
        bench.begin("observe")
        assert [False, False, False] == flags(bench.state)
        assert None is bench.session._jobs.current.control.ending
        bench.session.end_job()
        bench.state.end(request)


def test_a_stop_that_saving_lets_through_is_kept_by_nobody_after_its_request(bench, pressed):
    """The host's flag is not cleared by a phase that saves: it stands as ever until the next one begins."""
    bench.switch_on()
    request = bench.state.begin("Text", task_id="task(one)")
    bench.begin("observe")
    pressed("interrupt")
    bench.state.end(bench.state.begin("Save image"))
    assert bench.state.interrupted
    bench.session.end_job()
    bench.state.end(request)
    assert None is bench.session._requests.meant
    assert bench.state.interrupted
    bench.state.begin("Text", task_id="task(two)")
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


def test_a_stop_before_the_job_begins_is_kept_for_it(bench, pressed, image):
    """Pressed while the request loads its model."""
    bench.switch_on()
    bench.state.begin("Text", task_id="task(one)")
    loading = bench.state.begin("Load model")
    pressed("interrupt")
    assert not bench.state.interrupted  # a model loaded by halves would fail the next job
    bench.state.end(loading)
    bench.session.begin_job(SimpleNamespace())
    assert bench.polled("interrupted")[0]
    assert [] == image()
    assert bench.state.interrupted


def test_stop_with_nothing_running_is_the_hosts_own(bench, pressed):
    """It sets the host's flag, which the next phase clears as ever."""
    bench.switch_on()
    pressed("interrupt")
    assert bench.state.interrupted
    bench.begin("observe")
    assert not bench.state.interrupted


def test_a_stop_ends_a_grid_of_jobs(bench, pressed, image):
    """A script runs one job for each cell, and asks between them; where it does not, the next one is left."""
    bench.switch_on()
    bench.state.begin("Text", task_id="task(one)")
    bench.begin("observe")
    pressed("interrupt")
    bench.session.end_job()
    assert bench.state.interrupted
    bench.begin("observe")
    assert [] == image()
    assert bench.state.interrupted


def stop_in_last_cell(bench, pressed, image):
    """Run a grid whose cells lie within one picture call up to the end of the last one, stopped in that."""
    bench.switch_on()
    bench.state.begin("Text", task_id="task(one)")
    outer, cell = SimpleNamespace(iteration=0), SimpleNamespace(iteration=0)
    bench.begin("observe", processing=outer)
    bench.session.begin_job(cell)
    phase = bench.state.begin("Process")
    assert [] == image(lambda: pressed("interrupt") or bench.step(0))
    bench.state.end(phase)
    bench.session.end_job(cell)


def test_the_call_around_a_grid_returns_it_after_a_stop(bench, pressed, image):
    """The cells lie within it; it begins anew when they are done, and has no work for the device."""
    stop_in_last_cell(bench, pressed, image)
    assert bench.state.interrupted
    bench.state.begin("Process")
    assert [False, False, False] == flags(bench.state)


def test_a_skip_costs_one_cell_of_a_grid(bench, pressed, image):
    """The cells lie within one picture call; the one after the skipped one is made."""
    bench.begin("observe", processing=SimpleNamespace(iteration=0))
    made = []
    for cell in (SimpleNamespace(iteration=0, name=name) for name in range(3)):
        bench.session.begin_job(cell)
        phase = bench.state.begin("Process")
        made.append(image(lambda cell=cell: cell.name == 1 and (pressed("skip"), bench.step(0))))
        bench.state.end(phase)
        bench.session.end_job(cell)
    assert [["picture"], [], ["picture"]] == made


def test_the_end_of_a_call_that_never_began_ends_nothing(bench):
    """The host tells of the end of one that failed in the settings that it asked for."""
    outer, cell, failed = (SimpleNamespace(iteration=0) for _ in range(3))
    bench.begin("observe", processing=outer)
    bench.session.begin_job(cell)
    bench.session.end_job(failed)
    bench.session.end_job(cell)
    assert None is not bench.session._jobs.current
    bench.session.end_job(outer)
    assert None is bench.session._jobs.current


def test_impatient_presses_do_not_reach_the_next_request(bench):
    """Five within a moment: the first ends what runs, and the others were meant for it."""
    bench.switch_on()
    pool = Pool()

    def run(name, press):
        request = bench.state.begin("Text", task_id=f"task({name})")
        bench.begin("observe")
        press()
        seen = flags(bench.state)
        bench.session.end_job()
        bench.state.end(request)
        return seen

    press = lambda: pool.run("page", bench.state.interrupt)  # noqa: E731
    assert pool.run("host", lambda: run("first", press))[0]
    assert [False, False, False] == pool.run("host", lambda: run("second", lambda: [press() for _ in "1234"]))
    pool.end()


def test_the_second_half_of_a_double_click_does_not_end_the_call_around_a_grid(bench, pressed, image):
    """It comes when the cells are done: the call returns the grid, if it is not told to stop."""
    stop_in_last_cell(bench, pressed, image)
    bench.state.begin("Process")
    pressed("interrupt")
    assert [False, False, False] == flags(bench.state)


def test_a_cell_that_is_not_made_gets_the_newest_picture_where_none_is_half_made(bench, pressed, monkeypatch):
    """Scripts paste the picture of each cell, and never ask; a grid does, and shows an empty cell."""
    picture = Image.new("RGB", (2, 2))
    make = lambda p: [] if bench.state.interrupted else [picture]  # noqa: E731
    monkeypatch.setattr(processing_diffusers, "process_diffusers", make)
    bench.begin("observe", processing=SimpleNamespace(iteration=0))
    processing_diffusers.process_diffusers(SimpleNamespace())
    pressed("interrupt")
    for is_grid, stands_in in ((True, None), (False, picture)):
        bench.state.begin("Process")
        processing_diffusers.process_diffusers(SimpleNamespace(xyz=is_grid))
        assert stands_in is bench.state.current_image
    bench.session.close()


def test_a_decode_that_is_left_has_the_host_make_its_preview(bench, pressed, monkeypatch):
    """All steps were queued when Stop was pressed; the host alone would have been in them still."""
    latents = torch.zeros(1, 4, 2, 2)

    def decode(latents, model=None):
        pressed("interrupt")
        return []

    monkeypatch.setattr(processing_vae, "vae_decode", decode)
    shown = []
    make = lambda state: shown.append(state.current_latent)  # noqa: E731
    monkeypatch.setattr(type(bench.state), "do_set_current_image", make, raising=False)
    bench.begin("observe")
    bench.state.begin("VAE Decode")
    assert [] == processing_vae.vae_decode(latents)
    assert 1 == len(shown)
    assert latents is shown[0]
    bench.session.close()


@pytest.mark.parametrize("has_begun", [True, False])
def test_an_image_that_is_left_between_its_passes_has_the_host_make_its_preview(
    bench, pressed, monkeypatch, has_begun
):
    """All steps of the base pass were queued when Stop was pressed; an image that has not begun has none."""
    latents = torch.zeros(1, 4, 2, 2)

    def process_diffusers(p):
        if has_begun:
            bench.step(0, latents=latents)
        pressed("interrupt")
        return []

    monkeypatch.setattr(processing_diffusers, "process_diffusers", process_diffusers)
    shown = []
    make = lambda state: shown.append(state.current_latent)  # noqa: E731
    monkeypatch.setattr(type(bench.state), "do_set_current_image", make, raising=False)
    bench.begin("observe", processing=SimpleNamespace(iteration=0))
    assert [] == processing_diffusers.process_diffusers(SimpleNamespace())
    assert [True] * has_begun == [one is latents for one in shown]
    bench.session.close()


@pytest.mark.parametrize("is_seen", [True, False])
def test_a_flag_that_was_set_again_ends_with_its_request(bench, pressed, image, is_seen):
    """The host alone would have forgotten it; one that the user has set stands as ever."""
    bench.switch_on()
    request = bench.state.begin("Text", task_id="task(one)")
    bench.begin("observe")
    pressed("interrupt")
    if not is_seen:
        bench.state.begin("TE Encode")
    image()
    assert bench.state.interrupted
    bench.session.end_job()
    bench.state.end(request)
    assert is_seen == bench.state.interrupted


def test_a_double_click_that_a_script_has_answered_sets_no_flag(bench, pressed, image):
    """A script that clears the flags when it ends is done before the second half comes."""
    stop_in_last_cell(bench, pressed, image)
    bench.state.interrupted = False
    pressed("interrupt")
    assert [False, False, False] == flags(bench.state)
    assert not bench.polled("interrupted")[0]


def test_a_double_click_that_a_script_has_answered_leaves_no_flag_on_an_idle_host(bench, pressed, image):
    """The script clears the flag at its end, and the second half comes when the request is over."""
    bench.switch_on()
    request = bench.state.begin("Text", task_id="task(one)")
    stop_in_last_cell(bench, pressed, image)
    bench.state.interrupted = False
    bench.session.end_job()
    bench.state.end(request)
    thread = type("WorkerThread", (threading.Thread,), {})(target=bench.state.interrupt)
    thread.start()
    thread.join(20.0)
    assert not bench.state.interrupted


@pytest.mark.parametrize("kind", ["WorkerThread", "ScriptThread"])
def test_a_double_click_leaves_no_flag_on_an_idle_host(bench, pressed, kind):
    """Its second half comes when the request has ended; a script of its own that restores the flag may."""
    bench.switch_on()
    request = bench.state.begin("Text", task_id="task(one)")
    bench.begin("observe")
    pressed("interrupt")
    bench.session.end_job()
    bench.state.end(request)
    vars(bench.state)["interrupted"] = False
    thread = type(kind, (threading.Thread,), {})(target=bench.state.interrupt)
    thread.start()
    thread.join(20.0)
    assert (kind == "ScriptThread") == bench.state.interrupted


def test_a_tab_that_goes_on_on_another_thread_is_stopped(bench, monkeypatch):
    """A generator's request begins on one thread, its jobs run on others; Stop may come on the first."""
    pool = Pool()
    monkeypatch.setattr(processing_diffusers, "process_diffusers", lambda p: [bench.step(0)])
    bench.switch_on()

    def tab():
        with call_queue.queue_lock:
            request = bench.state.begin("Control", task_id="task(tab)")
            for _ in range(2):
                yield
                bench.begin("observe")
                yield bench.step
                with contextlib.suppress(AssertionError):
                    processing_diffusers.process_diffusers(SimpleNamespace())
                bench.session.end_job()
                yield bench.state.interrupted
            bench.state.end(request)

    steps = tab()
    answers = []
    for name in ("first", "second", "second", "third", "third", "third"):
        answers.append(pool.run(name, lambda: next(steps)))
        if len(answers) == 3:
            pool.run("first", bench.state.interrupt)
            assert pool.run("second", lambda: bench.state.interrupted)
            assert pool.run("third", lambda: bench.state.interrupted)
    assert [False, True] == [answer for answer in answers if isinstance(answer, bool)]
    pool.run("fourth", lambda: next(steps, None))
    assert None is bench.session._requests.meant
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


def stops_of(bench):
    return [job.stop for job in bench.session.records.recent(100) if job.stop is not None]


def test_two_clients_and_two_presses_are_one_stop(bench, pressed):
    """Pressing again changes nothing."""
    bench.begin("observe")
    bench.step(0)
    pressed("interrupt")
    pressed("interrupt")
    with pytest.raises(AssertionError):
        bench.step(1)
    bench.session.end_job()
    assert 1 == len(stops_of(bench))


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


def test_a_pipeline_that_calls_nobody_back_is_left_by_its_bar(bench, pressed, image):
    """There is no host callback that could signal Stop."""
    from diffusers import DiffusionPipeline

    def denoise():
        pipe = DiffusionPipeline.__new__(DiffusionPipeline)
        pipe.set_progress_bar_config(disable=True)
        with pipe.progress_bar(total=4) as bar:
            bar.update()
            pressed("interrupt")
            with pytest.raises(Interrupted):
                bar.update()
            raise Interrupted

    bench.begin("observe")
    assert [] == image(denoise)
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
    try:
        raise ValueError("what follows from leaving")
    except ValueError:
        bench.state.interrupted = True
    processing.iteration = 1
    assert not bench.state.interrupted
    bench.state.interrupted = True
    assert bench.state.interrupted


def test_a_script_that_ends_a_batch_after_a_skip_is_heard(bench, pressed):
    """It asks whether the image was skipped, and sets the flag of Stop."""
    processing = SimpleNamespace(n_iter=2, iteration=0)
    bench.begin("observe", processing=processing)
    pressed("skip")
    if bench.state.skipped:
        bench.state.interrupted = True
    processing.iteration = 1
    assert bench.state.interrupted


def test_a_script_that_skips_an_image_itself_is_heard_after_a_skip_of_the_user(bench, pressed):
    """The user's was for an image before."""
    processing = SimpleNamespace(n_iter=4, iteration=0)
    bench.begin("observe", processing=processing)
    pressed("skip")
    processing.iteration = 2
    assert not bench.state.skipped
    bench.state.skipped = True
    assert bench.state.skipped


def test_a_script_that_stops_after_its_picture_is_heard(bench, pressed, image):
    """It has seen the picture: that is no Stop that came too late for one."""
    bench.begin("observe")
    assert ["picture"] == image()
    bench.state.interrupted = True
    assert bench.state.interrupted


def test_a_script_that_takes_a_pause_back_goes_on(bench, pressed):
    """On its own thread: the next step is not held."""
    bench.begin("every-step")
    pressed("pause")
    bench.state.paused = False
    bench.step(0)
    assert not bench.polled("paused")[0]


def test_a_script_that_makes_pictures_on_threads_of_its_own_is_told(bench, pressed):
    """It asks between them on the thread of the request."""
    bench.switch_on()
    bench.state.begin("Text", task_id="task(one)")

    def cell():
        process = bench.state.begin("Process")
        bench.session.begin_job(SimpleNamespace())
        bench.in_thread(bench.state.interrupt)
        bench.session.end_job()
        bench.state.end(process)

    bench.in_thread(cell)
    assert bench.state.interrupted


def test_a_server_thread_takes_no_part_in_what_runs_elsewhere(bench, pressed, monkeypatch):
    """It begins work of another client: a Stop of what runs is not for that."""
    WorkerThread = type("WorkerThread", (threading.Thread,), {})  # noqa: N806  the server's name for it
    bench.switch_on()
    bench.state.begin("Text", task_id="task(one)")
    pressed("interrupt")
    seen = []

    def caption():
        begun = bench.state.begin("Caption")
        seen.append(bench.session._requests.own.is_stopped)
        bench.state.end(begun)

    thread = WorkerThread(target=caption)
    thread.start()
    thread.join(20.0)
    assert [False] == seen
    assert bench.session._requests.own.is_stopped


def test_a_cell_that_is_not_made_gets_what_is_left_of_the_stopped_one(bench, pressed, image):
    """SD.Next delivers its last preview in the place of a stopped picture; scripts take one for granted."""
    bench.begin("observe", processing=SimpleNamespace(iteration=0))
    assert [] == image(lambda: pressed("interrupt") or bench.step(0))
    bench.state.current_image = "preview"
    bench.state.begin("Process")
    assert None is bench.state.current_image
    assert [] == image()
    assert (True, "preview") == (bench.state.interrupted, bench.state.current_image)


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
    label = bench.session._jobs.tell_label()
    with pytest.raises(AssertionError):
        bench.step(1)
    bench.session.end_job()
    (record,) = stops_of(bench)
    assert "Stopping: 1 queued step" == label
    assert (SyncMode.OBSERVE, 1, 1) == (record.mode, record.launched_steps, record.queued_steps)
    assert 0.0 <= record.acknowledged_s <= record.ended_s


def test_a_stopped_job_teaches_nothing(bench, pressed):
    """Half a job must not pass for the length of one."""
    learned = []
    bench.session._lessons.durations.learn = learned.append
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
