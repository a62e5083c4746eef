"""When the host is patched and left as it came, beside a request that is under way."""

from __future__ import annotations

import threading

from modules import call_queue, shared
from tests.options import ENABLED, MODE
from zluda_sync.core.records.job_record import Outcome
from zluda_sync.host.installation import WhenFree

LIMIT_S = 10.0


def change(bench, **values):
    """Change settings as the settings page does."""
    shared.opts.data.update(values)
    bench.session.reconcile()


def test_a_job_in_the_middle_of_which_it_is_switched_off_is_lost(bench):
    """Nobody sees how it ends: it has neither failed nor finished, and counts as neither."""
    bench.begin("observe")
    bench.step(0)
    (begun,) = bench.session.records.recent(1)
    change(bench, **{ENABLED: False})
    bench.session.end_job()
    (record,) = bench.session.records.recent(10)
    assert (begun.id, Outcome.LOST, None, None) == (
        record.id, record.outcome, record.duration_s, record.images
    )  # fmt: skip
    jobs = next(one for one in bench.session.metrics.families() if one.name == "zluda_sync_jobs_total")
    assert {0} == {count for _, _, count in jobs.samples}


def test_a_profile_that_is_off_holds_from_the_next_job_on(bench):
    """It is the checkbox alone that acts at once."""
    bench.begin("observe")
    bench.step(0)
    change(bench, **{MODE: "off"})
    assert bench.session.is_acting
    bench.step(1)
    bench.finish(2)
    assert 2 == bench.session.snapshot().launched
    bench.session.end_job()
    assert not bench.session.is_acting
    assert Outcome.LOST is not bench.session.records.recent(1)[0].outcome


def test_a_profile_that_is_off_takes_nothing_out_before_the_request_has_ended(bench):
    """A script makes more pictures in the same request: those would be half followed."""
    bench.switch_on()
    with call_queue.queue_lock:
        bench.begin("observe")
        change(bench, **{MODE: "off"})
        bench.session.end_job()
        assert bench.session.is_acting
    bench.wait_until(lambda: not bench.session.is_acting)


def test_what_has_begun_without_it_is_not_followed_from_its_middle_on(bench):
    """Each call of a grid would be taken for a request: it acts once the host is free."""
    change(bench, **{ENABLED: False, MODE: "observe"})
    with call_queue.queue_lock:
        change(bench, **{ENABLED: True})
        assert not bench.session.is_acting
        bench.session.begin_job()
        bench.session.end_job()
        assert not bench.session.is_acting
        assert () == bench.session.records.recent(1)
    bench.wait_until(lambda: bench.session.is_acting)


def test_requests_that_follow_each_other_do_not_keep_it_out_for_ever(bench):
    """A client asks for the next picture as soon as it has one: the host is never found free for long."""
    change(bench, **{ENABLED: False, MODE: "observe"})
    is_over, has_begun = threading.Event(), threading.Event()

    def ask_on_and_on() -> None:
        while not is_over.is_set():
            with call_queue.queue_lock:
                has_begun.set()
                is_over.wait(0.2)
            is_over.wait(0.001)

    client = threading.Thread(target=ask_on_and_on)
    client.start()
    try:
        assert has_begun.wait(LIMIT_S)
        change(bench, **{ENABLED: True})
        bench.wait_until(lambda: bench.session.is_acting)
    finally:
        is_over.set()
        client.join(LIMIT_S)


def test_who_asks_while_it_calls_is_called_again():
    """What has changed meanwhile was not seen by the call before."""
    calls, is_inside, go_on, is_done = [], threading.Event(), threading.Event(), threading.Event()

    def call() -> None:
        calls.append(None)
        if len(calls) == 1:
            is_inside.set()
            go_on.wait(LIMIT_S)
        else:
            is_done.set()

    when_free = WhenFree(lambda: None, lambda: False, call)
    when_free.ask()
    assert is_inside.wait(LIMIT_S)
    when_free.ask()
    go_on.set()
    assert is_done.wait(LIMIT_S)
    when_free.close()
    assert 2 == len(calls)


def test_it_calls_nobody_while_something_is_under_way():
    """And nobody once it is closed."""
    looks = []
    is_asked = threading.Event()

    def is_busy() -> bool:
        looks.append(None)
        if len(looks) == 3:
            is_asked.set()
        return True

    when_free = WhenFree(lambda: None, is_busy, lambda: looks.append("called"))
    when_free.ask()
    assert is_asked.wait(LIMIT_S)
    when_free.close()
    assert "called" not in looks
