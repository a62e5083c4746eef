"""Stop by name: it ends the request that was named, running or waiting, and never touches another one."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
from fastapi import Body, FastAPI

from modules import call_queue, processing_diffusers, progress, shared
from tests.host.test_job_records import picture, run
from tests.host.test_stop_route import Client, HostApi
from tests.interleaving import run_at_each_instruction
from zluda_sync.core.wishes.control import Control
from zluda_sync.core.wishes.request_wishes import Ending
from zluda_sync.host.hooks.arrival_routes import name_of
from zluda_sync.host.job.queue import Found

STOP = "/zluda_sync/v1/stop"


class Line:
    """Requests of the page and calls of the API, each on a thread of its own, behind the host's lock."""

    def __init__(self, bench, app: FastAPI) -> None:
        self.bench = bench
        self.client = Client(app)
        self.threads: list[threading.Thread] = []
        self.made: dict[str, list[str]] = {}

    def start(self, work, *args) -> threading.Thread:
        thread = threading.Thread(target=work, args=args, daemon=True)
        self.threads.append(thread)
        thread.start()
        return thread

    def page(self, task: str) -> None:
        """Press Generate on a page, and wait until it is in line."""
        self.start(self._run_page, task)
        self.bench.wait_until(lambda: task in self.names)

    def call(self, name: str) -> None:
        """Call the API, and wait until it is in line."""
        headers = {"X-Request-ID": name}
        self.start(lambda: self.client.post("/sdapi/v1/txt2img", json=name, headers=headers))
        self.bench.wait_until(lambda: name in self.names)

    @property
    def names(self) -> list[str]:
        return [one.name for one in self.bench.session.queue.waiting]

    def stop(self, name: str, **body):
        return self.client.post(STOP, json={"id": name, **body})

    def end(self) -> dict[str, list[str]]:
        """Wait for all, and return which pictures each has made."""
        for thread in self.threads:
            thread.join(20)
            assert not thread.is_alive()
        return self.made

    def _run_page(self, task: str) -> None:
        phase = shared.state.begin("Text", task_id=task)
        progress.pending_tasks[task] = 0.0
        with call_queue.queue_lock:
            progress.start_task(task)
            self._make(task)
            progress.finish_task(task)
        shared.state.end(phase)

    def answer(self, name: str) -> None:
        """The host's route for pictures."""
        with call_queue.queue_lock:
            phase = shared.state.begin("API-TXT", api=True)
            self._make(name)
            shared.state.end(phase)

    def _make(self, name: str) -> None:
        state, made = self.bench.state, self.made.setdefault(name, [])
        processing = picture(n_iter=2)
        self.bench.session.begin_job(processing)
        phase = state.begin("Process")
        for image in range(2):
            processing.iteration = image
            if state.interrupted:
                break
            pictures = processing_diffusers.process_diffusers(processing)
            made += pictures
            if state.interrupted:
                break
        state.end(phase)
        self.bench.session.end_job(processing)


@pytest.fixture
def line(bench, monkeypatch):
    """Requests in line behind a lock that the test holds: ``line.go()`` lets them run."""
    api = HostApi()
    monkeypatch.setattr(shared, "api", api, raising=False)
    made = Line(bench, api.app)

    def endpoint(name: str = Body(...)) -> dict:
        made.answer(name)
        return {}

    api.app.add_api_route("/sdapi/v1/txt2img", endpoint, methods=["POST"])

    def process_diffusers(p):
        inference = bench.state.begin("Inference")
        if bench.state.interrupted or bench.session._jobs.current.control.take_leave():
            return []
        bench.state.end(inference)
        return [f"picture {p.iteration}"]

    monkeypatch.setattr(processing_diffusers, "process_diffusers", process_diffusers)
    bench.switch_on()
    bench.session.serve(api.app)
    call_queue.queue_lock.acquire()
    made.go = call_queue.queue_lock.release
    yield made
    if call_queue.queue_lock.locked():
        call_queue.queue_lock.release()
    made.end()
    bench.session.close()


WHOLE = ["picture 0", "picture 1"]


def test_what_waits_is_told_with_an_id_and_its_name(bench, line):
    """Calls of the API from their arrival, requests of the page from the press."""
    line.page("task(a)")
    line.call("mine")
    told = line.client.get("/zluda_sync/v1/status").json()["queue"]
    assert [("1", "task(a)", False), ("2", "mine", False)] == [
        (one["id"], one["name"], one["is_stopped"]) for one in told
    ]
    assert told[0]["asked_at_s"] <= told[1]["asked_at_s"]
    line.go()
    assert {"task(a)": WHOLE, "mine": WHOLE} == line.end()
    assert () == bench.session.queue.waiting
    assert {"1", "2"} == {one.id for one in bench.session.records.recent(9)}


@pytest.mark.parametrize("by", ["id", "name"])
@pytest.mark.parametrize("stopped", ["task(a)", "task(b)", "first", "second"])
def test_a_request_that_waits_ends_without_pictures(line, stopped, by):
    """The others make all of theirs, whatever the order in which they get the lock."""
    for task in ("task(a)", "task(b)"):
        line.page(task)
    for name in ("first", "second"):
        line.call(name)
    told = {one["name"]: one["id"] for one in line.client.get("/zluda_sync/v1/status").json()["queue"]}
    answer = line.stop(told[stopped] if by == "id" else stopped)
    assert (200, "queued", None) == (answer.status_code, answer.json()["was"], answer.json()["label"])
    assert [stopped] == [one.name for one in line.bench.session.queue.waiting if one.is_stopped]
    line.go()
    expected = {name: [] if name == stopped else WHOLE for name in ("task(a)", "task(b)", "first", "second")}
    assert expected == line.end()
    assert not line.bench.polled("interrupted")[0]


def test_the_id_of_the_task_is_known_without_its_brackets(line):
    """As SD.Next's own status tells it."""
    line.page("task(abc)")
    assert 200 == line.stop("abc").status_code
    line.go()
    assert {"task(abc)": []} == line.end()


def test_a_request_that_waits_may_make_one_image(line):
    """Stop after image, said before there is one."""
    line.page("task(a)")
    assert 200 == line.stop("task(a)", when="after-image").status_code
    line.go()
    assert {"task(a)": ["picture 0"]} == line.end()


def test_the_job_that_runs_is_stopped_by_its_id(bench, line):
    """And the flag is the host's own, where a script looks for it; who waits is not stopped."""
    line.page("task(waits)")
    bench.begin("observe", processing=picture())
    job_id = bench.session.records.current_id
    answer = line.stop(job_id)
    assert (200, "running") == (answer.status_code, answer.json()["was"])
    assert answer.json()["label"].startswith("Stopping: ")
    assert bench.state.interrupted and vars(bench.state)["interrupted"]
    bench.session.end_job()
    line.go()
    assert {"task(waits)": WHOLE} == line.end()


@pytest.mark.parametrize("name", ["9", "task(z)", "no such", "1.2"])
def test_an_unknown_name_stops_nothing(bench, line, name):
    """It is said, and where the ids are."""
    line.page("task(a)")
    bench.begin("observe", processing=picture())
    answer = line.stop(name)
    assert (404, True) == (answer.status_code, "GET status" in answer.json()["detail"])
    assert not bench.polled("interrupted")[0]
    bench.session.end_job()
    line.go()
    assert {"task(a)": WHOLE} == line.end()


def test_what_is_over_stops_nothing(bench, line):
    """By the id of its job, and by the name that it had."""
    line.page("task(a)")
    line.call("mine")
    told = [one.id for one in bench.session.queue.waiting]
    line.go()
    line.end()
    run(bench)
    bench.begin("observe", processing=picture())
    for name in (*told, "task(a)", "mine", bench.session.records.recent(2)[1].id):
        answer = line.stop(name)
        assert (409, True) == (answer.status_code, "over already" in answer.json()["detail"])
    assert not bench.polled("interrupted")[0]


def test_two_of_one_name_are_both_left_alone(line):
    """Which is meant nobody can tell; their ids can."""
    line.call("same")
    first = line.bench.session.queue.waiting[0].id
    line.start(lambda: line.client.post("/sdapi/v1/txt2img", json="other", headers={"X-Request-ID": "same"}))
    line.bench.wait_until(lambda: len(line.names) == 2)
    answer = line.stop("same")
    assert (409, True) == (answer.status_code, "several" in answer.json()["detail"])
    assert 200 == line.stop(first).status_code
    line.go()
    assert {"same": [], "other": WHOLE} == line.end()


@pytest.mark.parametrize("name", [5, None, "", [], {}, "x" * 201, True])
def test_an_id_of_no_form_is_refused(bench, line, name):
    """It names the field, and stops nothing."""
    bench.begin("observe", processing=picture())
    answer = line.stop(name)
    assert (422, "id") == (answer.status_code, answer.json()["detail"][0]["where"])
    assert not bench.polled("interrupted")[0]


def test_while_the_extension_does_not_act_nothing_is_stopped(bench, line):
    """The host's own route is named."""
    bench.session._installation.take_out()
    assert 409 == line.stop("1").status_code


def test_all_cells_of_a_request_are_one_job(bench):
    """A loopback: it has one id, by which it is stopped for as long as any of it runs."""
    bench.switch_on()
    bench.state.begin("API-IMG", api=True)
    first, second = run(bench_within(bench)), run(bench_within(bench))
    assert ("1", "1") == (first.id, second.id)
    bench.session.begin_job(picture())
    assert Found.RUNNING == bench.session.queue.stop("1", False)
    assert bench.state.interrupted


def bench_within(bench):
    """Return a bench whose jobs begin within the request that is under way."""

    def begin(mode, processing):
        bench.state.begin("Process")
        bench.session.begin_job(processing)
        bench.state.begin("Inference")

    return SimpleNamespace(
        begin=begin, step=bench.step, finish=bench.finish, state=bench.state, session=bench.session
    )


# What becomes of the flag.


@pytest.fixture
def pressed():
    """A control, and what it had set of the host's flags."""
    flags = []
    return Control(press=flags.append), flags


def test_the_flag_is_set_by_the_thread_of_the_request(pressed):
    """Once, when it asks; whoever stops sets none."""
    control, flags = pressed
    assert control.stop_by_name()
    assert [] == flags
    control.pay_flag()
    control.pay_flag()
    assert [Ending.STOP] == flags


@pytest.mark.parametrize("clear", ["forget", "withdraw"])
def test_a_flag_that_is_cleared_before_it_was_seen_is_not_set(pressed, clear):
    """As the button's would be gone; the wish is kept where a phase has cleared it."""
    control, flags = pressed
    control.stop_by_name()
    getattr(control, clear)(Ending.STOP)
    control.pay_flag()
    assert ([], clear == "forget") == (flags, control.is_stopped)


def test_a_model_is_not_left_half_loaded(pressed):
    """The wish waits, the flag is not set."""
    control, flags = pressed
    control.is_loading = True
    assert control.stop_by_name()
    control.pay_flag()
    assert ([], True) == (flags, control.must_leave)


def test_a_request_that_is_over_owes_nothing(pressed):
    """And says so."""
    control, flags = pressed
    control.end_request()
    assert (False, False) == (control.stop_by_name(), control.stop_after_image())
    control.pay_flag()
    assert [] == flags


def test_a_stop_at_any_moment_of_the_change_to_the_next_request_is_not_the_next_ones(bench):
    """Named while the request ends: it stops that one or nothing."""
    bench.switch_on()

    def prepare():
        bench.state.begin("API-TXT", api=True)
        bench.session.begin_job(picture())
        job_id = bench.session.records.current_id

        def change() -> bool:
            bench.session.end_job()
            bench.state.end(bench.state.id)
            bench.state.begin("API-TXT", api=True)
            bench.session.begin_job(picture())
            is_next_stopped = bench.state.interrupted or bench.session._jobs.current.control.is_stopped
            bench.session.end_job()
            bench.state.end(bench.state.id)
            return is_next_stopped

        # The other way round would wait for a lock that the change holds.
        return lambda: bench.session.queue.stop(job_id, False), lambda: outcomes.append(change())

    outcomes: list[bool] = []
    found = run_at_each_instruction(prepare, "zluda_sync.host.job.queue")
    assert len(found) > 50
    assert set(found) <= {Found.RUNNING, Found.OVER}
    assert {False} == set(outcomes)


def test_a_stop_at_any_moment_of_a_calls_turn_holds(bench):
    """From a call that waits to a request that runs it is one control: no press falls between."""
    bench.switch_on()
    requests, queue = bench.session._requests, bench.session.queue

    def prepare():
        stops = []
        requests.ended.clear()

        def answer() -> tuple[Found | None, bool]:
            with requests.arrivals.answering("mine"):
                requests.begin_phase(is_outermost=True, makes_pictures=True, task_id=None)
                control = requests.own
                requests.close(threading.get_ident())
            return next(iter(stops), None), control.is_stopped

        return answer, lambda: stops.append(queue.stop("mine", False))

    modules = ("zluda_sync.host.job.arrivals", "zluda_sync.host.job.requests")
    outcomes = {one for module in modules for one in run_at_each_instruction(prepare, module)}
    stopped = {(Found.QUEUED, True), (Found.RUNNING, True)}
    # Before it has come and after it has gone there is nothing of this name that could be stopped.
    assert stopped < outcomes <= stopped | {(Found.UNKNOWN, False), (Found.OVER, False)}


@pytest.mark.parametrize(
    ("header", "name"),
    [(b"job-7", "job-7"), (b"", ""), (b"a b", ""), (b"\xff", ""), (b"x" * 101, ""), (b"task(1)", "task(1)")],
)
def test_a_name_is_short_and_plain(header, name):
    """What is none is left out; the call goes on without."""
    assert name == name_of({"headers": [(b"accept", b"*"), (b"X-Request-Id", header)]})
    assert "" == name_of({})


def test_a_call_that_is_refused_leaves_the_line(bench, line):
    """Before the host has begun anything for it."""
    answer = line.client.post("/sdapi/v1/txt2img", json={}, headers={"X-Request-ID": "bad"})
    assert 422 == answer.status_code
    assert ((), Found.OVER) == (bench.session.queue.waiting, bench.session.queue.stop("bad", False))


def test_switched_off_the_routes_are_the_hosts_own(bench, line):
    """Exactly the object that was there."""
    route = next(one for one in shared.api.app.routes if getattr(one, "path", "") == "/sdapi/v1/txt2img")
    assert route.app.__module__ == "zluda_sync.host.hooks.arrival_routes"
    bench.session.close()
    assert route.app.__module__ != "zluda_sync.host.hooks.arrival_routes"
