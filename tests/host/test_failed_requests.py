"""A request that fails, wherever it does, leaves nothing behind: no bar, no wish, no name of a phase."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from modules import call_queue, progress, shared
from tests.host.test_progress_routes import Answers, processing
from zluda_sync.core.records.job_record import Outcome


class RequestError(Exception):
    """What the request fails by."""


@pytest.fixture
def server():
    """One thread, which does one thing after the other, as one of a server's pool does."""
    with ThreadPoolExecutor(1) as pool:
        yield lambda action: pool.submit(action).result(20.0)


@pytest.fixture
def answers(bench, monkeypatch):
    made = Answers()
    monkeypatch.setattr(shared, "api", SimpleNamespace(add_api_route=lambda *args, **kwargs: None))
    bench.session.serve(made.app)
    bench.switch_on()
    return made


def idle(answers):
    """Return what each route says of an idle host."""
    page, api, status = (answers.ask(path) for path in ("/internal/progress", "/v1/progress", "/v1/status"))
    return (page.active, page.job, page.progress, page.eta), (api.progress, api.eta_relative), status.status


IDLE = ((False, "", 0.0, None), (0.0, 0.0), "idle")


def fail_before(bench):
    """Script arguments that no script knows: refused after the request has begun."""
    bench.state.begin("API-TXT", task_id="task(api)")
    raise RequestError


def fail_in_phase(bench, title):
    """The host's ``finally`` tells of the end of the job, and nobody of the ends of the phases."""
    bench.state.begin("API-TXT", task_id="task(api)")
    p = processing()
    bench.session.begin_job(p)
    try:
        bench.state.begin("Process")
        bench.state.begin(title)
        raise RequestError
    finally:
        bench.session.end_job(p)


def fail_in_step(bench):
    bench.state.begin("API-TXT", task_id="task(api)")
    p = processing()
    bench.session.begin_job(p)
    try:
        bench.state.begin("Process")
        bench.begin_loop()
        bench.step(0)
        bench.step(1)
        raise RequestError
    finally:
        bench.session.end_job(p)


def fail_out_of_the_blue(bench):
    """A video tab that calls a pipeline by itself."""
    bench.state.begin("Video", task_id="task(video)")
    bench.step(0)
    raise RequestError


FAILURES = {
    "script arguments": fail_before,
    "no images": lambda bench: fail_in_phase(bench, "Save"),
    "text encode": lambda bench: fail_in_phase(bench, "TE Encode"),
    "step": fail_in_step,
    "decode": lambda bench: fail_in_phase(bench, "VAE Decode"),
    "out of the blue": fail_out_of_the_blue,
}


@pytest.mark.parametrize("name", FAILURES)
def test_an_idle_host_says_that_it_is_idle(bench, answers, server, name):
    """Though the host has left the name of its last phase, and its steps."""
    with pytest.raises(RequestError):
        server(lambda: FAILURES[name](bench))
    assert bench.state.job
    assert IDLE == idle(answers)


@pytest.mark.parametrize("next_title", ["API-TXT", "Load model", "Upscale", "Caption"])
@pytest.mark.parametrize("press", ["interrupt", "skip", "pause"])
@pytest.mark.parametrize("name", FAILURES)
def test_no_wish_reaches_the_next_request(bench, answers, server, name, press, next_title):
    """Of any kind, and on the thread of the one that failed: it was pressed while that one ran."""

    def fail():
        try:
            FAILURES[name](bench)
        finally:
            bench.in_thread(getattr(bench.state, press))

    with pytest.raises(RequestError):
        server(fail)

    def follow():
        begun = bench.state.begin(next_title)
        seen = [bench.state.interrupted, bench.state.skipped, bench.state.paused]
        shown = bench.polled("interrupted", "skipped", "paused")
        bench.state.end(begun)
        return seen, shown

    assert ([False] * 3, [False] * 3) == server(follow)


def test_a_press_after_a_failed_request_is_the_hosts_own(bench, answers, server):
    """Nothing runs: its flag is set, and cleared by what begins next."""
    with pytest.raises(RequestError):
        server(lambda: fail_in_step(bench))
    bench.in_thread(bench.state.interrupt)
    assert None is bench.session._requests.meant
    server(lambda: bench.state.end(bench.state.begin("API-TXT", task_id="task(api)")))
    assert not bench.state.interrupted


def test_a_press_on_the_thread_of_a_failed_request_is_a_press(bench, answers, server):
    """A server gives the thread of a route to the next one: the route of Stop, for a request elsewhere."""
    with pytest.raises(RequestError):
        server(lambda: fail_in_step(bench))
    bench.begin("observe")
    server(bench.state.interrupt)
    assert bench.session._jobs.current.control.is_stopped


@pytest.mark.parametrize("sign", ["lock", "task", "another name"])
def test_what_may_still_run_is_not_called_idle(bench, answers, server, monkeypatch, sign):
    """The host's lock is held, its page has a task, or another extension has named its work by itself."""
    with pytest.raises(RequestError):
        server(lambda: fail_in_step(bench))
    if sign == "lock":
        call_queue.queue_lock.acquire()
    elif sign == "task":
        monkeypatch.setattr(progress, "current_task", "task(page)")
    else:
        bench.state.job = "Work of another extension"
    try:
        assert 0.5 == answers.ask("/internal/progress").progress
    finally:
        if sign == "lock":
            call_queue.queue_lock.release()


def test_a_step_that_nobody_has_cleared_is_not_shown(bench, answers):
    """SD.Next alone leaves the step of a skipped request on its idle routes."""
    request = bench.state.begin("API-TXT", task_id="task(api)")
    bench.session.begin_job(processing())
    bench.begin_loop()
    bench.step(0)
    bench.session.end_job()
    bench.state.end(request)
    assert bench.state.sampling_step
    assert IDLE == idle(answers)


def test_a_self_test_is_not_held_off_by_what_failed(bench, answers, server):
    """It waits for an idle host."""
    with pytest.raises(RequestError):
        server(lambda: fail_in_step(bench))
    assert bench.state.job
    assert bench.session._is_idle()


@pytest.mark.parametrize("when", ["before the job", "before the first step"])
def test_a_job_stopped_before_its_first_step_was_stopped(bench, answers, when):
    """It has not failed."""
    bench.state.begin("Text", task_id="task(one)")
    if when == "before the job":
        bench.in_thread(bench.state.interrupt)
    bench.session.begin_job(processing())
    if when == "before the first step":
        bench.state.begin("TE Encode")
        bench.in_thread(bench.state.interrupt)
    bench.session.end_job()
    (record,) = bench.session.records.recent(1)
    assert Outcome.STOPPED is record.outcome


def test_a_stop_holds_in_what_follows_a_failed_request_on_its_thread(bench, answers, server):
    """A request that the host does not mark is one of its own, and no part of the one that failed."""
    with pytest.raises(RequestError):
        server(lambda: fail_in_step(bench))

    def follow():
        begun = bench.state.begin("Caption")
        bench.in_thread(bench.state.interrupt)
        bench.state.begin("Inner")
        shown = bench.polled("interrupted")
        bench.state.end(begun)
        return shown

    assert [True] == server(follow)


def test_a_job_that_was_stopped_before_it_began_plans_nothing(bench, answers):
    """Its remaining time is that of what still comes: nothing."""
    bench.state.begin("Text", task_id="task(one)")
    bench.in_thread(bench.state.interrupt)
    bench.session.begin_job(processing(n_iter=4))
    assert [] == [part for part in bench.session._jobs.current.job.parts if part.began_at_s is None]
    bench.session.end_job()
