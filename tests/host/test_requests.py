"""Which request a press means: the one whose job runs, else the oldest that makes pictures."""

from __future__ import annotations

import threading

import pytest

from zluda_sync.host.requests import Requests


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
    requests = Requests()
    waiting, _ = threads.run(requests.open)
    running = requests.open()
    requests.job_began(running)
    assert requests.meant is running
    requests.job_ended(running)
    assert requests.meant is waiting


def test_without_a_job_the_oldest_is_meant(threads):
    """It is the one that loads or makes ready; the others wait behind it."""
    requests = Requests()
    first, thread_id = threads.run(requests.open)
    second, _ = threads.run(requests.open)
    assert requests.meant is first
    requests.close(thread_id)
    assert requests.meant is second


def test_loading_a_model_at_start_is_no_request_for_pictures(threads):
    """It may have failed and been left open; a press means a request that makes pictures."""
    requests = Requests()
    errand, _ = threads.run(lambda: requests.open(is_errand=True))
    assert requests.meant is errand
    pictures = requests.open()
    assert requests.meant is pictures


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
    requests.open().stop()
    assert not requests.open().is_stopped


def test_requests_left_open_are_bounded(threads):
    """Each of a hundred threads leaves one."""
    requests = Requests()
    for _ in range(100):
        threads.run(requests.open)
    assert 64 == len(requests._by_thread)
