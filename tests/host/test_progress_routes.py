"""The progress routes: one bar and one ETA for the whole job, and only while there is one."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest
import torch
from fastapi import FastAPI, Response
from fastapi.routing import APIRoute

from modules import shared
from tests.virtual_clock import VirtualClock
from zluda_sync.host.job import begin as follower


class Answers:
    """The host's three progress routes, with answers of a fixed kind."""

    def __init__(self, subpath: str = "") -> None:
        self.app = FastAPI()
        for path in ("/internal/progress", "/sdapi/v1/progress", "/sdapi/v1/status", "/sdapi/v1/other"):
            self.app.add_api_route(subpath + path, self.answer, methods=["POST"], response_model=None)

    def answer(self, req=None):
        return SimpleNamespace(
            job="Inference",
            progress=0.5,
            eta=1.0,
            eta_relative=1.0,
            textinfo=None,
            active=False,
            task="x",
            elapsed=0,
            status="idle",
        )

    def ask(self, path: str, id_task: str = "undefined"):
        route = next(r for r in self.app.routes if isinstance(r, APIRoute) and r.path.endswith(path))
        return route.dependant.call(SimpleNamespace(id_task=id_task))


def processing(**changes):
    """Return the host's object for a job of 4 steps."""
    values = {"width": 64, "height": 64, "steps": 4, "n_iter": 1, "batch_size": 1, "iteration": 0, **changes}
    return SimpleNamespace(**values)


@pytest.fixture
def answers(bench):
    made = Answers()
    bench.session.serve(made.app)
    return made


def begin(bench, **changes):
    """Begin a job as process_images does."""
    shared.opts.data.update({"zluda_sync_mode": "observe"})
    bench.state.begin("API-TXT")
    bench.session.begin_job(processing(**changes))
    bench.begin_loop()


def test_without_a_job_the_answers_are_the_hosts(bench, answers):
    """An idle host says what it always said."""
    answer = answers.ask("/internal/progress")
    assert ("Inference", 0.5, False) == (answer.job, answer.progress, answer.active)


def test_a_page_whose_own_request_waits_is_told_that(bench, answers, monkeypatch):
    """Not the step of another's job, as if it were its own: its button and its title would disagree."""
    shown = SimpleNamespace(job="Inference", progress=0.5, eta=1.0, textinfo="Queued...", active=False)
    shown.queued = True
    monkeypatch.setattr(Answers, "answer", lambda self, req=None: shown)
    waiting = Answers()
    bench.session.serve(waiting.app)
    begin(bench)
    bench.step(0)
    answer = waiting.ask("/internal/progress", "task(mine)")
    assert ("Queued", 0.0, None, "Queued...") == (answer.job, answer.progress, answer.eta, answer.textinfo)


def test_the_page_gets_label_bar_and_eta_of_the_whole_job(bench, answers, monkeypatch):
    """Half of the steps are finished: that is less than half of the job, for the decode is to come."""
    clock = VirtualClock()
    clock.pass_time(time.perf_counter())
    monkeypatch.setattr(follower, "PausableClock", lambda: clock)
    begin(bench)
    for index in range(4):
        bench.step(index)
    for done in (1, 2):
        clock.pass_time(1.0)
        bench.finish(done)
    answer = answers.ask("/internal/progress")
    assert "Denoise 2/4" == answer.job
    assert 0.0 < answer.progress < 0.5
    assert answer.eta > 0.0
    assert answer.textinfo.startswith("Denoise 2/4, ")


def test_who_follows_whatever_runs_is_told_that_it_runs(bench, answers):
    """Between two phases the host's job has no name; it runs all the same."""
    begin(bench)
    assert answers.ask("/internal/progress", "undefined").active


def test_who_waits_for_another_task_sees_none_of_it(bench, answers):
    """The bar of a job belongs to those who asked for it."""
    begin(bench)
    answer = answers.ask("/internal/progress", "task(another)")
    assert (False, "Inference", 0.5) == (answer.active, answer.job, answer.progress)


def test_a_job_is_running_between_two_phases_too(bench, answers):
    """The host has no name for it then, and says that it is idle; scripts that wait for that end too soon."""
    assert "idle" == answers.ask("/v1/status").status
    begin(bench)
    assert "running" == answers.ask("/v1/status").status


def test_the_api_fields_say_the_same(bench, answers):
    """Clients of /sdapi/v1/progress and /status need no change."""
    begin(bench)
    for index in range(4):
        bench.step(index)
    bench.finish(2)
    job = bench.session._jobs.current.job
    now_s = job.clock()
    job.clock = lambda: now_s  # three polls of the same moment
    page, api, status = (answers.ask(p) for p in ("/internal/progress", "/v1/progress", "/v1/status"))
    assert page.progress == api.progress == status.progress
    assert page.eta == api.eta_relative == status.eta
    assert ("Denoise 2/4", 0.5) == (status.task, answers.ask("/other").progress)


def test_the_bar_stands_until_the_request_is_over_and_then_it_is_gone(bench, answers):
    """After the pictures are made the host still encodes them: no fall to 0 in between."""
    shared.opts.data.update({"zluda_sync_mode": "observe"})
    bench.state.begin("API-TXT")
    bench.session.begin_job(processing())
    bench.begin_loop()
    bench.step(0)
    bench.finish()
    bench.state.end()
    bench.session.end_job()
    assert 0.9 < answers.ask("/internal/progress").progress < 0.995
    bench.state.end()
    assert 0.0 == answers.ask("/internal/progress").progress


def test_no_job_is_told_to_have_nothing_left_before_it_is_delivered(bench, answers):
    """The host's page takes an ETA of 0 for unknown: it would write Start beside 99 %."""
    shared.opts.data.update({"zluda_sync_mode": "observe"})
    bench.state.begin("API-TXT")
    bench.session.begin_job(processing())
    bench.begin_loop()
    for index in range(4):
        bench.step(index)
    bench.finish()
    bench.state.end()
    bench.session.end_job()
    page, api, status = (answers.ask(p) for p in ("/internal/progress", "/v1/progress", "/v1/status"))
    assert (0.99, 0.99, 0.99) == (page.progress, api.progress, status.progress)
    assert 0.0 < page.eta == api.eta_relative == status.eta < 0.5  # which the page writes as 0s


def test_a_phase_that_never_ends_does_not_keep_the_request_open(bench, answers):
    """Stop breaks out of a phase; the request ends all the same, and so does the next one."""
    for _ in range(2):
        request = bench.state.begin("API-TXT")
        bench.session.begin_job(processing())
        bench.state.begin("Inference")  # Stop: this one is never ended
        bench.step(0)
        bench.finish()
        bench.session.end_job()
        assert "Inference" != answers.ask("/internal/progress").job
        bench.state.end(request)
        assert 0.0 == answers.ask("/internal/progress").progress


def test_a_job_out_of_the_blue_ends_with_its_request(bench, answers):
    """A video tab that calls a pipeline by itself leaves no job behind."""
    bench.session.reconcile()
    video = bench.state.begin("Video")
    bench.state.begin("Sample")
    bench.step(0)
    assert bench.session.snapshot() is not None
    bench.state.end(video)
    assert bench.session.snapshot() is None
    assert 0.0 == answers.ask("/internal/progress").progress


def test_a_pass_that_goes_on_after_another_phase_is_not_over(bench, answers):
    """Video in sections decodes in between: what is left of the pass is still expected."""
    begin(bench)
    bench.step(0)
    bench.finish()
    bench.state.begin("VAE Decode")
    bench.state.begin("Sample")
    bench.step(1)
    bench.finish()
    part = bench.session._jobs.current.job.passes[-1]
    assert (2, 4, None) == (part.ledger.launched, part.ledger.total, part.left_at_s)


def test_a_job_within_a_job_is_a_part_of_it(bench, answers):
    """Scripts call processing from within processing: one bar."""
    begin(bench)
    outer = bench.session._jobs.current
    bench.session.begin_job(processing())
    bench.session.end_job()
    assert outer is bench.session._jobs.current


def test_a_broken_snapshot_leaves_the_hosts_answer(bench, answers, monkeypatch, caplog):
    """A bug of ours is logged once, and every later poll is the host's own."""
    begin(bench)
    monkeypatch.setattr(bench.session._jobs.current.job, "snapshot", lambda rung: 1 / 0)
    assert 0.5 == answers.ask("/internal/progress").progress
    assert 0.5 == answers.ask("/internal/progress").progress
    assert 1 == len([record for record in caplog.records if "division" in record.getMessage()])


def test_routes_below_a_subpath_are_found_and_given_back(bench):
    """A host behind a proxy has each route twice."""
    answers = Answers("/sd")
    originals = [route.dependant.call for route in answers.app.routes if isinstance(route, APIRoute)]
    bench.session.serve(answers.app)
    begin(bench)
    assert "Inference" != answers.ask("/internal/progress").job
    bench.session.close()
    assert originals == [route.dependant.call for route in answers.app.routes if isinstance(route, APIRoute)]


def test_what_only_ends_like_a_route_of_the_host_is_left_alone(bench, answers):
    """Another extension passes such calls on to a host elsewhere, and answers with bytes."""
    answers.app.add_api_route("/sdapi/v1/txt2img", answers.answer, methods=["POST"], response_model=None)
    foreign = []
    for path in ("/internal/progress", "/sdapi/v1/txt2img"):
        answers.app.add_api_route("/elsewhere" + path, lambda: Response(b"{}"), methods=["POST"])
        foreign.append(answers.app.routes[-1])
    before = [(route.dependant.call, route.app) for route in foreign]
    bench.session.serve(answers.app)
    begin(bench)
    assert before == [(route.dependant.call, route.app) for route in foreign]
    assert "Inference" != answers.ask("/internal/progress").job


def test_an_answer_of_another_shape_is_left_alone(bench, monkeypatch, caplog):
    """Somebody has put a response into the place of the host's answer; the job is followed all the same."""
    monkeypatch.setattr(Answers, "answer", lambda self, req=None: Response(b"{}"))
    answers = Answers()
    bench.session.serve(answers.app)
    begin(bench)
    bench.session.stop()
    assert b"{}" == answers.ask("/internal/progress").body
    assert not [record for record in caplog.records if "acknowledging" in record.getMessage()]
    assert bench.session.snapshot().label


def test_each_image_and_pass_is_named(bench, answers):
    """Image 2 of 2 in its hires pass says so."""
    begin(bench, n_iter=2, iteration=1, is_hr_pass=True, enable_hr=True, hr_scale=2, denoising_strength=0.5)
    bench.step(0)
    assert "Image 2/2: Hires 0/4" == answers.ask("/internal/progress").job


@pytest.mark.parametrize("title", ["VAE Decode", "VAE", "Remote VAE"])
def test_decode_is_named_in_every_version_of_the_host(bench, answers, title):
    """And never by the bare name at which the page hides the percentage."""
    begin(bench)
    bench.step(0)
    bench.finish()
    bench.state.begin(title)
    assert "VAE decode" == answers.ask("/internal/progress").job


def test_a_host_that_names_phases_by_writing_the_job_is_followed(bench, answers):
    """Until September 2025 a phase was a name in state.job."""
    begin(bench)
    bench.step(0)
    bench.finish()
    bench.state.job = "VAE"
    assert "VAE decode" == answers.ask("/internal/progress").job
    bench.state.job = "Text"
    assert "Saving" == answers.ask("/internal/progress").job


def test_finished_jobs_teach_and_stopped_ones_do_not(bench, answers):
    """The second job has an ETA before its first step; a stopped job before it has not spoiled it."""
    for is_stopped in (True, False):
        begin(bench)
        assert answers.ask("/internal/progress").eta is None
        for index in range(4):
            bench.step(index)
            bench.finish()
        bench.state.begin("VAE Decode")
        bench.state.interrupted = is_stopped
        bench.session.end_job()
        bench.state.interrupted = False
    begin(bench)
    assert answers.ask("/internal/progress").eta is not None


def test_latents_of_no_job_are_kept(bench, answers):
    """After the job no tensor of it is alive in our hands."""
    begin(bench)
    bench.step(0)
    tracked = bench.session._jobs.current
    bench.session.end_job()
    assert all(len(one.frames) == 0 for one in tracked._passes)
    assert torch.is_tensor(bench.state.current_latent)
