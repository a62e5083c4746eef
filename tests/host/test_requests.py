"""Which request a press means: the one whose job runs, else the oldest that makes pictures."""

from __future__ import annotations

import gc
import sys
import threading

import pytest

from zluda_sync.host.job.request import CallSite
from zluda_sync.host.job.requests import Requests


def page(requests, task_id=None):
    """Begin a request on the calling thread, and return its control."""
    requests.begin_phase(is_outermost=True, makes_pictures=True, task_id=task_id)
    return requests.own


def errand(requests):
    """Begin to load a model on the calling thread, and return the request's control."""
    requests.begin_phase(is_outermost=False, makes_pictures=False, task_id=None)
    return requests.own


class Threads:
    """Runs things on threads that live until the test is over, so that each keeps its identity."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._all: list[threading.Thread] = []

    def run(self, action):
        """Return what ``action`` returned, and the identity of its thread."""
        results, done = [], threading.Event()

        def work():
            results.append(action())
            done.set()
            self._over.wait(20.0)

        thread = threading.Thread(target=work, daemon=True)
        self._all.append(thread)
        thread.start()
        assert done.wait(20.0)
        return results[0], thread.ident

    def end(self) -> None:
        self._over.set()
        for thread in self._all:
            thread.join(20.0)


@pytest.fixture
def threads():
    made = Threads()
    yield made
    made.end()


def test_nothing_is_meant_when_nothing_runs():
    """Stop on an idle host is the host's own affair."""
    assert Requests().meant is None


def test_the_running_job_is_meant(threads):
    """Whoever waits behind it was asked for later, or earlier by another page."""
    requests = Requests({"task(1)"}.__contains__)
    waiting, _ = threads.run(lambda: page(requests, "task(1)"))
    running = page(requests)
    requests.job_began(running)
    assert requests.meant is running
    requests.job_ended(running)
    assert requests.meant is running
    requests.close(threading.get_ident())
    assert requests.meant is waiting


def test_who_waits_is_not_meant_though_it_is_older(threads):
    """The page's button begins a request before it waits, the API's route when it has the host's lock."""
    waiting_tasks = {"task(1)"}
    requests = Requests(waiting_tasks.__contains__)
    first, _ = threads.run(lambda: page(requests, "task(1)"))
    api, api_thread = threads.run(lambda: page(requests))
    assert requests.meant is api
    requests.close(api_thread)
    assert requests.meant is first


def test_without_task_ids_the_one_that_has_moved_is_meant(threads):
    """In versions of 2025 nothing else tells who waits."""
    requests = Requests()

    def move():
        control = page(requests)
        requests.begin_phase(is_outermost=False, makes_pictures=False, task_id=None)
        return control

    moved, _ = threads.run(move)
    threads.run(lambda: page(requests))
    assert requests.meant is moved


def test_loading_a_model_at_start_is_no_request_for_pictures(threads):
    """It may have failed and been left open; a press means a request that makes pictures."""
    requests = Requests()
    loading, _ = threads.run(lambda: errand(requests))
    assert requests.meant is loading
    pictures = page(requests)
    assert requests.meant is pictures


def test_a_request_goes_on_on_another_thread(threads):
    """A tab whose work is a generator: each of its steps may run on a thread of its own."""
    requests = Requests()
    first, first_thread = threads.run(lambda: page(requests))
    first.stop()
    second, second_thread = threads.run(requests.own_or_implied)
    assert second is first
    requests.job_began(second)
    requests.job_ended(second)
    requests.close(second_thread)
    assert requests.meant is first
    requests.close(first_thread)
    assert requests.meant is None


def test_nobody_joins_a_request_that_waits(threads):
    """It has not left the queue: what begins elsewhere is not a part of it."""
    requests = Requests({"task(1)"}.__contains__)
    waiting, _ = threads.run(lambda: page(requests, "task(1)"))
    assert waiting is not requests.own_or_implied()


def test_a_request_that_its_job_implied_ends_with_it():
    """A script calls the host's processing outside of any phase."""
    requests = Requests()
    control = requests.own_or_implied()
    requests.job_began(control)
    requests.close(threading.get_ident())
    assert requests.own is control
    requests.job_ended(control)
    assert requests.own is None


def test_a_new_request_on_a_thread_ends_the_one_left_open():
    """Its Stop must not be found by the new one."""
    requests = Requests()
    page(requests).stop()
    assert not page(requests).is_stopped


def test_what_was_left_open_is_over_when_another_job_runs(threads):
    """The host runs one at a time: what has begun and does not wait was abandoned."""
    requests = Requests({"task(1)"}.__contains__)

    def abandon():
        control = page(requests)
        requests.begin_phase(is_outermost=False, makes_pictures=False, task_id=None)
        return control

    abandoned, _ = threads.run(abandon)
    waiting, _ = threads.run(lambda: page(requests, "task(1)"))
    abandoned.stop()
    running = page(requests)
    requests.job_began(running)
    requests.job_ended(running)
    requests.close(threading.get_ident())
    assert requests.meant is waiting


def test_requests_left_open_are_bounded(threads):
    """Each of a hundred threads leaves one, and whoever it held is let go."""
    requests = Requests()
    first, _ = threads.run(lambda: page(requests))
    first.pause(True)
    for _ in range(100):
        threads.run(lambda: page(requests))
    assert 64 == len(requests._by_thread)
    assert not first.is_held


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="the interpreter does not collect garbage there")
@pytest.mark.parametrize("is_collecting", [True, False])
def test_no_garbage_is_collected_while_all_stacks_are_looked_at(monkeypatch, is_collecting):
    """The interpreter would hang; afterwards it is as it was."""
    seen = []
    monkeypatch.setattr(sys, "_current_frames", lambda: seen.append(gc.isenabled()) or {})
    if not is_collecting:
        gc.disable()
    try:
        assert not CallSite(0, (), is_generator=False).is_running()
        assert ([False], is_collecting) == (seen, gc.isenabled())
    finally:
        gc.enable()
