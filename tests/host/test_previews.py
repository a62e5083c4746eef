"""Previews over the host's routes: made for whoever looks, shown to everybody, and never on their threads."""

from __future__ import annotations

import io
import sys
import threading
import weakref
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from modules import devices, processing_vae, shared
from modules.progress import ProgressRequest, api_progress
from tests.host.test_stop_route import Client, HostApi
from tests.interleaving import run_at_each_instruction
from tests.virtual_clock import VirtualClock
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.device.preview.copy import CopyWay, EventCopier
from zluda_sync.device.preview.queue import JobPreviews, ReadyPreview
from zluda_sync.device.preview.ring import StepFrame
from zluda_sync.host.preview import hosts_own
from zluda_sync.host.preview import setup as preview_setup
from zluda_sync.host.preview.hosts_own import HostMadePreviews
from zluda_sync.host.preview.previews import (
    LOOKING_S,
    MOST_TOLD,
    Newest,
    Preview,
    PreviewMaker,
    Previews,
    ProjectedPreviews,
)
from zluda_sync.pipeline.pictures import build_images, build_pair
from zluda_sync.pipeline.projections import read_projection
from zluda_sync.pipeline.step_previews import PreviewDemand, StepPreviews


class Source(PreviewMaker):
    """Has the preview that the test gives it."""

    def __init__(self):
        self.step = None
        self.looks = self.built = 0

    def newest(self):
        return None if self.step is None else Newest(self.step, self.step, self._build)

    def _build(self):
        self.built += 1
        return [Image.new("RGB", (8, 8), (self.step, 0, 0))]

    def look(self):
        self.looks += 1


@pytest.fixture
def asked(bench, monkeypatch):
    """Return a function that asks the page's route as a browser tab does."""
    api = HostApi()
    monkeypatch.setattr(shared, "api", api, raising=False)
    api.app.add_api_route("/internal/progress", api_progress, methods=["POST"])
    bench.session.serve(api.app)
    route = next(route for route in api.app.routes if getattr(route, "path", "") == "/internal/progress")

    def ask(known=0, task="undefined"):
        return bench.in_thread(
            lambda: route.dependant.call(ProgressRequest(id_task=task, id_live_preview=known))
        )

    ask.client = Client(api.app)
    return ask


def begin(bench, steps=1):
    """Begin a job that somebody looks at, with so many finished steps."""
    bench.begin("observe", processing=SimpleNamespace(steps=4, width=16, height=16, n_iter=1))
    bench.session._previews.look()
    for index in range(steps):
        bench.step(index)
    finish(bench, steps)


def finish(bench, steps):
    """Let the device finish all that is queued, and wait until the preview of the newest step is there."""
    bench.device.finish()
    tracked = bench.session._jobs.current
    if tracked.run.previews is not None:
        newest = tracked.run.previews.queue.newest_ready
        bench.wait_until(lambda: newest() is not None and newest().step == steps - 1)


def test_each_tab_gets_each_preview_that_it_does_not_have(bench, asked):
    """SD.Next alone gives a preview only to the tab that made it."""
    begin(bench)
    first, second = asked(), asked()
    assert first.live_preview == second.live_preview is not None
    assert first.id_live_preview == second.id_live_preview
    assert asked(first.id_live_preview).live_preview is None
    bench.step(1)
    finish(bench, 2)
    assert asked(first.id_live_preview).id_live_preview == first.id_live_preview + 1


def test_a_hidden_tab_is_shown_nothing_and_has_nothing_made(bench, asked):
    """It says so by its number."""
    bench.begin("observe")
    bench.step(0)
    asked(known=-1)
    assert not bench.session._previews.is_looked_at
    assert 0 == bench.session._jobs.current.run.previews.queue.made


def test_who_waits_for_another_task_is_shown_nothing(bench, asked):
    """The pictures of a job are for those who asked for it."""
    begin(bench)
    assert asked(task="task(another)").live_preview is None


def test_a_preview_of_an_unfinished_step_is_not_shown(bench, asked):
    """The device stands still behind the first step."""
    begin(bench)
    shown = asked()
    bench.step(1)
    bench.step(2)
    assert asked(shown.id_live_preview).live_preview is None


def test_clients_launch_no_work_of_the_host(bench, asked, monkeypatch):
    """The host's own preview is made by whoever asks, on the device."""
    begin(bench)
    monkeypatch.setattr("modules.images.samples_to_image_grid", lambda samples: pytest.fail("made"))
    asked()
    assert bench.in_thread(bench.state.set_current_image) is False


def test_a_stopped_picture_gets_the_hosts_own_preview(bench):
    """It is delivered in the place of the picture."""
    begin(bench)
    bench.in_thread(bench.state.interrupt)
    bench.state.nextjob()
    assert bench.state.current_image is not None


def test_the_hosts_none_means_none(bench, asked):
    """Who has switched previews off in SD.Next has none."""
    shared.opts.data["show_progress_type"] = "None"
    begin(bench)
    assert asked().live_preview is None
    assert bench.session._jobs.current.run.previews is None


def test_no_previews_of_ours_means_none_of_the_hosts_either(bench, asked, monkeypatch):
    """A profile for long batches does without, and nobody's request makes one on the device."""
    shared.opts.data["zluda_sync_preview"] = "none"
    monkeypatch.setattr("modules.images.samples_to_image_grid", lambda samples: pytest.fail("made"))
    begin(bench)
    assert asked().live_preview is None
    assert bench.in_thread(bench.state.set_current_image) is False


@pytest.mark.parametrize(
    ("budget", "interval_s", "due"),
    [(2.0, 0.0, [5, 6, 7, 8, 9]), (10.0, 0.0, [1, 2, 3, 4, 5, 6, 7, 8, 9]), (10.0, 30.0, [])],
)
def test_what_previews_may_cost_is_the_users(bench, budget, interval_s, due):
    """Budget and interval reach whoever decides."""
    shared.opts.data.update(zluda_sync_preview_budget=budget, zluda_sync_preview_interval=interval_s)
    begin(bench)
    pace = bench.session._jobs.current.run.previews.queue.pace
    pace.record_made(0, 0.1)
    assert due == [step for step in range(1, 10) if pace.is_due(step, 1.0)]


def test_a_budget_that_changes_beside_a_job_is_gone_by_at_once(bench):
    """Whoever finds the previews too rare, or too dear, need not wait for the end of the job."""
    begin(bench)
    pace = bench.session._jobs.current.run.previews.queue.pace
    pace.record_made(0, 0.1)
    assert not pace.is_due(1, 1.0)
    shared.opts.data.update(zluda_sync_preview_budget=10.0)
    bench.session.reconcile()
    assert pace.is_due(2, 1.0)
    shared.opts.data.update(zluda_sync_preview_interval=30.0)
    bench.session.reconcile()
    assert not pace.is_due(9, 1.0)


def test_a_budget_that_the_request_has_set_stands(bench):
    """What others change meanwhile is for the jobs to come."""
    overrides = {"zluda_sync_preview_budget": 10.0}
    bench.switch_on()
    shared.opts.data.update(overrides)  # as the host does for the time of the job
    bench.begin("observe", processing=SimpleNamespace(steps=4, override_settings=overrides))
    pace = bench.session._jobs.current.run.previews.queue.pace
    pace.record_made(0, 0.1)
    shared.opts.data.update(zluda_sync_preview_budget=1.0)
    bench.session.reconcile()
    assert pace.is_due(1, 1.0)


def test_our_route_serves_files_that_clients_keep(bench, asked):
    """With a tag: who has the newest is told so, and nothing is sent."""
    get = asked.client.get
    assert 204 == get("/zluda_sync/v1/preview").status_code
    begin(bench)
    first = get("/zluda_sync/v1/preview?kind=png")
    assert (200, "image/png", "0") == (
        first.status_code,
        first.headers["content-type"],
        first.headers["x-preview-step"],
    )
    assert "PNG" == Image.open(io.BytesIO(first.content)).format
    tag = {"If-None-Match": first.headers["etag"]}
    assert 304 == get("/zluda_sync/v1/preview?kind=png", headers=tag).status_code
    assert 200 == get("/zluda_sync/v1/preview", headers=tag).status_code
    assert 422 == get("/zluda_sync/v1/preview?kind=../../etc/passwd").status_code


def model_of(channels):
    return SimpleNamespace(vae=SimpleNamespace(config=SimpleNamespace(latent_channels=channels)))


def test_pictures_teach_the_next_job(bench, monkeypatch):
    """The pair of final latents and decoded picture is fitted after the job, and kept."""
    latents = torch.rand(1, 4, 8, 8)
    picture = (latents[0, :3] * 255).permute(1, 2, 0).to(torch.uint8).numpy()
    decoded = lambda latents, model: [Image.fromarray(picture)]  # noqa: E731
    monkeypatch.setattr(processing_vae, "vae_decode", decoded)
    begin(bench)
    monkeypatch.setattr(shared, "sd_model", model_of(4), raising=False)
    processing_vae.vae_decode(latents=latents, model=None)
    bench.session.end_job()
    setup = bench.session._preview_setup
    projection = setup._projections.find(bench.session._host.latents_name, 4)
    assert torch.allclose(projection.weights[:3], torch.eye(3) * 255, atol=5.0)


def test_an_error_in_a_preview_is_one_line_and_no_end(bench, caplog):
    """Latents that no preview can be made of: the job goes on without."""
    bench.begin("observe")
    bench.session._previews.look()
    for index in range(3):
        bench.step(index, latents=torch.zeros(7))
    assert 3 == bench.session.snapshot().launched
    assert 1 == sum("no previews of this job" in record.message for record in caplog.records)


def test_a_ready_image_of_the_host_is_shown(bench, asked):
    """Some pipelines give no latents but a picture: there is none of ours to take its place."""
    bench.begin("observe")
    bench.session._previews.look()
    bench.step(0, latents=None)
    bench.state.current_image = Image.new("RGB", (8, 8))
    assert bench.in_thread(bench.state.set_current_image)


def test_between_job_and_answer_nobody_looks_by_the_hosts_means(bench, asked, monkeypatch):
    """Its latents are still there while the pictures are encoded; a poll would decode them on its thread."""
    bench.switch_on()
    request = bench.state.begin("Text", task_id="task(one)")
    begin(bench)
    bench.session.end_job()
    bench.state.current_latent = torch.zeros(1, 4, 2, 2)
    monkeypatch.setattr("modules.images.samples_to_image_grid", lambda samples: pytest.fail("made"))
    assert asked().live_preview is None
    bench.state.end(request)


def test_nobody_looks_by_the_hosts_means_while_nothing_runs(bench, asked, monkeypatch):
    """SD.Next before September 2025 keeps a job's latents: polls would decode them, and fetch TAESD."""
    bench.switch_on()
    request = bench.state.begin("Text", task_id="task(one)")
    begin(bench)
    bench.session.end_job()
    bench.state.end(request)
    bench.state.current_latent = torch.zeros(1, 4, 2, 2)
    monkeypatch.setattr("modules.images.samples_to_image_grid", lambda samples: pytest.fail("made"))
    assert bench.in_thread(bench.state.set_current_image) is False
    assert asked().live_preview is None


def test_previews_end_with_a_job_that_nobody_asked_for(bench):
    """A pipeline that a tab calls by itself: after its phase nothing is shown and nothing is kept."""
    bench.switch_on()
    phase = bench.state.begin("Video")
    bench.session._previews.look()
    bench.step(0)
    assert bench.session._previews.are_ours
    bench.state.end(phase)
    assert not bench.session._previews.are_ours


@pytest.mark.parametrize(
    ("shape", "pictures", "channels", "expected"),
    [
        ((1, 4, 8, 8), [np.zeros((64, 64, 3))], 4, (4, 8, 8)),
        ((2, 4, 8, 8), [np.zeros((64, 64, 3), np.uint8)] * 2, 4, (4, 8, 8)),
        ((1, 64, 64), [np.zeros((128, 128, 3))], 16, (16, 16, 16)),
        ((16, 5, 8, 8), [np.zeros((64, 64, 3))] * 17, 16, (16, 8, 8)),
        ((1, 16, 5, 8, 8), [np.zeros((64, 64, 3))] * 17, 16, (16, 8, 8)),
        ((1, 512, 512, 3), [np.zeros((512, 512, 3))], 4, None),
        ((77, 128), [np.zeros((64, 64, 3))], 128, None),
        ((1, 4, 8, 8), [], 4, None),
        ((1, 4, 8, 8), [np.zeros((64, 64))], 4, None),
    ],
)
def test_only_what_belongs_together_is_a_pair(shape, pictures, channels, expected):
    """Latents of the VAE's channels and a picture of theirs, kept at the size of the latents."""
    pair = build_pair(torch.zeros(shape), pictures, channels, (128, 128))
    assert expected == (None if pair is None else tuple(pair.latents.shape))
    assert pair is None or tuple(pair.picture.shape) == (*pair.latents.shape[1:], 3)


@pytest.mark.parametrize(
    ("first", "frames"), [((1, 4, 5, 8, 8), 5), ((7,), 1)], ids=["a whole clip", "a shape that nobody knows"]
)
def test_the_pipelines_own_shape_comes_first(first, frames):
    """The host keeps one frame of a video; where the pipeline's shape is of no use, the host's is taken."""
    job = JobPreviews(lambda device: EventCopier(Marks(), is_pinned=False), lambda channels: None)
    previews, warnings = Previews(), []
    demand = PreviewDemand(lambda: previews.is_looked_at, lambda: previews.is_clip_wanted)
    source = StepPreviews(job, demand, warnings.append)
    previews.begin(ProjectedPreviews(source))
    previews.look(wants_clip=True)
    ledger = Ledger()
    ledger.record_launch()
    ledger.record_completion(0)
    shapes = [StepFrame(0, torch.zeros(first)), StepFrame(0, torch.zeros(1, 4, 8, 8))]
    source.offer(ledger, shapes)
    assert frames == job.newest_ready().pixels.shape[1]
    assert [] == warnings


def test_a_copy_that_is_there_is_not_shown_before_its_step_is_finished():
    """The report of the step may come later than that of the copy."""
    job = JobPreviews(lambda device: EventCopier(Marks(), is_pinned=False), lambda channels: None)
    ledger = Ledger()
    ledger.record_launch()
    job.queue_preview(ledger, StepFrame(0, torch.zeros(1, 4, 8, 8)), None)
    assert job.newest_ready() is None
    ledger.record_completion(0)
    assert 0 == job.newest_ready().step


class Marks:
    """Marks of a device that has finished when the call returns."""

    is_working = True

    def leave(self, ledger):
        ledger.record_completion(ledger.record_launch())


def test_the_projection_is_uploaded_before_the_first_step(bench, monkeypatch):
    """Later it would wait for what is queued."""
    monkeypatch.setattr(shared, "sd_model", model_of(4), raising=False)
    bench.begin("observe")
    uploaded = bench.session._jobs.current.run.previews.queue._projection
    assert uploaded is not None
    bench.session._previews.look()
    bench.step(0)
    assert bench.session._jobs.current.run.previews.queue._projection is uploaded


def test_a_device_that_is_too_busy_to_answer_is_not_asked_for_ever(bench, monkeypatch):
    """Two jobs wait for its answer; then copies go by a thread."""
    asked = []
    monkeypatch.setattr(devices, "device", torch.device("meta"))
    monkeypatch.setattr(preview_setup, "find_copy_way", lambda device, marks: asked.append(device))
    for _ in range(4):
        bench.begin("observe")
        bench.session.end_job()
    assert 2 == len(asked)


def test_a_model_switch_takes_another_projection(bench):
    """Sixteen channels after four, in one session."""
    for channels in (4, 16, 4):
        bench.begin("observe")
        bench.session._previews.look()
        bench.step(0, latents=torch.zeros(1, channels, 4, 4))
        assert 1 == bench.session._jobs.current.run.previews.queue.made
        bench.session.end_job()


# The parts by themselves.


def test_somebody_looks_for_some_seconds():
    """Then nothing is made any more."""
    clock = VirtualClock()
    previews = Previews(clock)
    assert not previews.is_looked_at
    previews.look()
    clock.pass_time(LOOKING_S / 2)
    assert previews.is_looked_at
    clock.pass_time(LOOKING_S)
    assert not previews.is_looked_at


def test_an_image_is_built_once_for_all():
    """Ten tabs, one preview."""
    previews, source = Previews(), Source()
    previews.begin(source)
    source.step = 3
    shown = [previews.look() for _ in range(10)]
    assert 1 == source.built == len({preview.number for preview in shown})


def test_numbers_rise_over_jobs():
    """A tab that has a preview of the job before is shown the first of the next."""
    previews, numbers = Previews(), []
    for _ in range(3):
        source = Source()
        source.step = 0
        previews.begin(source)
        numbers.append(previews.look().number)
        previews.end()
    assert [1, 2, 3] == numbers


def test_no_other_pass_can_take_the_place_of_the_one_that_was_told_last():
    """By its place in memory it would be taken for that one, and its preview never be shown."""
    previews, newest = Previews(), [ReadyPreview(0, Ledger(), torch.zeros(1, 1, 2, 2, 3, dtype=torch.uint8))]
    queue = SimpleNamespace(newest_ready=lambda: newest[0])
    previews.begin(ProjectedPreviews(SimpleNamespace(queue=queue, is_off=False, close=lambda: None)))
    previews.look()
    ledger = weakref.ref(newest[0].ledger)
    newest[0] = None  # nobody looked for a while: it was let go
    assert ledger() is not None
    previews.begin(None)
    assert ledger() is None


def test_a_job_that_is_over_leaves_no_preview():
    """The next one must not begin with it."""
    previews, source = Previews(), Source()
    source.step = 0
    previews.begin(source)
    previews.look()
    previews.begin(Source())
    assert previews.look() is None


def test_the_pictures_of_a_batch_stand_side_by_side():
    """Three of them in two columns, enlarged by a whole number."""
    pixels = torch.zeros(3, 1, 16, 24, 3, dtype=torch.uint8)
    (image,) = build_images(pixels)
    assert (2 * 24 * 8, 2 * 16 * 8) == image.size


def test_a_clip_is_an_animation():
    """All frames of a video in one file."""
    frames = build_images(torch.zeros(1, 5, 4, 4, 3, dtype=torch.uint8))
    for index, frame in enumerate(frames):
        frame.paste((40 * index, 0, 0), (0, 0, 8, 8))
    clip = Image.open(io.BytesIO(Preview(1, 0, frames[2], frames).encode("webp")))
    assert ("WEBP", 5) == (clip.format, clip.n_frames)


def test_whoever_looks_does_not_wait_for_the_host():
    """The host's own method takes its time, on a thread of its own."""
    begun, go_on, failures = threading.Event(), threading.Event(), []

    def make():
        begun.set()
        go_on.wait(20.0)
        return 4, Image.new("RGB", (2, 2))

    source = HostMadePreviews(make, failures.append)
    source.look()
    assert begun.wait(20.0)
    assert source.newest() is None
    go_on.set()
    source.close()
    assert 4 == source.newest().step
    assert [] == failures


def test_a_first_preview_of_the_host_that_takes_long_does_not_silence_the_rest():
    """It loads its weights; whoever looks then is shown the next one."""
    loaded, asked, go_on = threading.Event(), threading.Event(), threading.Event()
    made = iter([4, 17])

    def make():
        step = next(made)
        if step == 17:
            asked.set()
            go_on.wait(20.0)
        else:
            loaded.wait(20.0)
        return step, Image.new("RGB", (2, 2))

    source = HostMadePreviews(make, pytest.fail)
    source.look()
    loaded.set()
    for _ in range(20_000):
        source.look()
        if asked.wait(0.001):
            break
    assert 4 == source.newest().step
    go_on.set()
    source.close()
    assert 17 == source.newest().step


def test_clients_that_look_at_the_same_moment_begin_one_thread(monkeypatch):
    """Between any two instructions of one look there is another."""
    begun = []

    def prepare():
        source = HostMadePreviews(lambda: None, pytest.fail)
        begun.append(0)

        class Thread(threading.Thread):
            def start(self):
                begun[-1] += 1

            def join(self, limit_s=None):
                pass

        monkeypatch.setattr(hosts_own.threading, "Thread", Thread)
        return source.look, source.look

    run_at_each_instruction(prepare, "zluda_sync.host.preview.hosts_own")
    monkeypatch.undo()
    assert {1} == set(begun)


def test_a_host_method_that_fails_is_said_once():
    """And asked no more."""
    failures, failed = [], threading.Event()

    def warn(text):
        failures.append(text)
        failed.set()

    source = HostMadePreviews(lambda: 1 / 0, warn)
    source.look()
    assert failed.wait(20.0)
    source.look()
    source.close()
    assert 1 == len(failures)


@pytest.mark.parametrize(
    ("method", "files", "is_fitted"),
    [
        ("TAESD", [], True),
        ("TAESD", ["taef1.pthdecoder_f1.pth"], True),
        ("TAESD", ["taesd_13_decoder_sd.pth"], False),
        ("TAESD", ["taesd_13_sd_decoder.pth"], False),
        ("Simple", [], False),
    ],
)
def test_no_weights_are_downloaded_for_a_preview(bench, monkeypatch, tmp_path, method, files, is_fitted):
    """Without them on disk the fitted preview is shown, and said so."""
    from modules import paths

    monkeypatch.setattr(paths, "models_path", str(tmp_path), raising=False)
    monkeypatch.setattr(shared, "sd_model_type", "sd", raising=False)
    tiny = ModuleType("modules.sd_vae_taesd")
    tiny.TAESD_MODELS = {"TAESD 1.3": {"fn": "taesd_13_"}}
    monkeypatch.setitem(sys.modules, "modules.sd_vae_taesd", tiny)
    monkeypatch.setattr(shared.opts, "taesd_variant", "TAESD 1.3", raising=False)
    (tmp_path / "TAESD").mkdir()
    for name in files:
        (tmp_path / "TAESD" / name).touch()
    shared.opts.data.update({"zluda_sync_preview": "host", "show_progress_type": method})
    bench.begin("observe")
    assert is_fitted == (bench.session._jobs.current.run.previews is not None)


def test_the_hosts_simplest_preview_is_read_as_a_projection():
    """Its factors come out of asking it for each channel alone."""
    weights, bias = torch.rand(3, 4), torch.rand(3)
    simple = lambda sample: torch.einsum("rc,chw->rhw", weights, sample) + bias[:, None, None]  # noqa: E731
    found = read_projection(simple, 4)
    assert torch.allclose(weights.T * 127.5, found.weights, atol=1e-3)
    assert torch.allclose(bias * 127.5 + 127.5, found.bias, atol=1e-3)


@pytest.mark.parametrize(
    "simple",
    [lambda sample: 1 / 0, lambda sample: sample**2, lambda sample: sample[:2]],
    ids=["fails", "bends", "two"],
)
def test_what_is_no_projection_is_left(simple):
    """Another way is taken then."""
    assert read_projection(simple, 3) is None


def test_copies_from_one_card_say_nothing_of_another(bench, monkeypatch):
    """Two unequal cards: each is tried, and each by its own way."""
    asked = []

    def find(device, marks):
        asked.append(device.index)
        return CopyWay.PINNED if device.index else CopyWay.THREAD

    monkeypatch.setattr(preview_setup, "find_copy_way", find)
    monkeypatch.setattr(JobPreviews, "prepare", lambda self, device: None)
    setup = bench.session._preview_setup
    for index in (0, 1, 0):
        monkeypatch.setattr(devices, "device", torch.device("cuda", index))
        bench.begin("observe")
        bench.session.end_job()
    assert [0, 1] == asked
    found = [setup._copy_way(torch.device("cuda", index)) for index in (0, 1)]
    assert [CopyWay.THREAD, CopyWay.PINNED] == found


def test_out_of_memory_in_the_trial_of_copies_counts_as_no_try(bench, monkeypatch):
    """A card that is full is asked in the next job again."""
    asked = []

    def find(device, marks):
        asked.append(device)
        raise MemoryError

    monkeypatch.setattr(devices, "device", torch.device("meta"))
    monkeypatch.setattr(preview_setup, "find_copy_way", find)
    for _ in range(4):
        bench.begin("observe")
        bench.session.end_job()
    assert 4 == len(asked)


def test_a_preview_that_the_host_makes_is_known_as_other_work(bench, monkeypatch):
    """It runs on the same stream: what is timed meanwhile says nothing of a rung."""
    bench.begin("observe")
    other_work = bench.session._plan.previews.other_work
    quiet, seen = other_work.watch(), []
    bench.session._previews.end()
    monkeypatch.setattr(
        type(bench.state),
        "do_set_current_image",
        lambda state: seen.append(other_work.watch()()),
        raising=False,
    )
    bench.session.patches.remove_all()
    bench.session.reconcile()
    bench.state.do_set_current_image()
    assert ([True], True) == (seen, quiet())
    bench.session.patches.remove_all()


def told(asked):
    """What the status tells of previews."""
    return asked.client.get("/zluda_sync/v1/status").json()["preview"]


def test_a_status_that_is_polled_makes_no_previews(bench, asked):
    """It tells of them only while somebody looks."""
    bench.begin("observe")
    bench.step(0)
    assert told(asked) is None
    bench.device.finish()
    assert (None, False) == (told(asked), bench.session._previews.is_looked_at)
    assert 0 == bench.session._jobs.current.run.previews.queue.made


def test_a_preview_is_told_before_it_is_a_picture(bench, asked):
    """With its step, and where it can be fetched: then it is the one that was told, whatever came since."""
    begin(bench)
    first = told(asked)
    assert 0 == first["step"]
    bench.step(1)
    finish(bench, 2)
    second = told(asked)
    assert (1, True) == (second["step"], second["id"] != first["id"])
    answers = [asked.client.get(one["path"]) for one in (first, second, first)]
    assert [200, 200, 200] == [one.status_code for one in answers]
    assert ["0", "1", "0"] == [one.headers["x-preview-step"] for one in answers]
    assert answers[0].content == answers[2].content != b""
    tag = {"If-None-Match": answers[0].headers["etag"]}
    assert [304, 200] == [asked.client.get(one["path"], headers=tag).status_code for one in (first, second)]


def test_a_preview_that_is_gone_and_one_that_never_was_are_told_apart(bench, asked):
    """The newest few of the job that runs are kept."""
    source = Source()
    bench.session._previews.begin(source)
    bench.session._previews.look()
    ids = []
    for step in range(MOST_TOLD + 1):
        source.step = step
        ids.append(told(asked))
    first, newest = ids[0], ids[-1]
    assert [410, 200] == [asked.client.get(one["path"]).status_code for one in (first, newest)]
    session, _, number = newest["id"].partition("-")
    for unknown in (f"{session}-{int(number) + 1}", f"{session}-0", "x-1", f"{session}-x", session, "", "-1"):
        assert 404 == asked.client.get("/zluda_sync/v1/preview", params={"id": unknown}).status_code, unknown
    bench.session._previews.end()
    assert [None, 410] == [told(asked), asked.client.get(newest["path"]).status_code]


def test_previews_are_made_while_somebody_watches(bench, asked):
    """Though nobody asks for one; and no longer."""
    previews = bench.session._previews
    with previews.watched(), previews.watched():
        assert previews.is_looked_at
        bench.begin("observe", processing=SimpleNamespace(steps=4, width=16, height=16, n_iter=1))
        bench.step(0)
        finish(bench, 1)
        assert 0 == told(asked)["step"]
    assert not previews.is_looked_at


def test_telling_has_a_maker_work_only_for_who_watches():
    """A method of the host's makes one whenever somebody looks."""
    previews, source = Previews(VirtualClock()), Source()
    previews.begin(source)
    source.step = 3
    previews.look()
    assert (1, (previews.id_of(1), 3)) == (source.looks, previews.tell())
    assert 1 == source.looks
    with previews.watched():
        previews.tell()
    assert (2, 1) == (source.looks, source.built)


def test_who_tells_of_previews_waits_for_no_picture():
    """The event loop does, while a client's thread makes a film."""
    previews, source, is_told, is_building = Previews(), Source(), threading.Event(), threading.Event()
    source.step = 1
    previews.begin(source)

    def build():
        is_building.set()
        assert is_told.wait(20)
        return [Image.new("RGB", (8, 8))]

    source._build = build
    client = threading.Thread(target=previews.look, daemon=True)
    client.start()
    assert is_building.wait(20)
    assert 1 == previews.tell()[1]
    is_told.set()
    client.join(20)
