"""Whether a picture call may come again is read in the code around it."""

from __future__ import annotations

import contextlib
import sys

import pytest

from zluda_sync.host.job.call_loop import may_come_again


class Host:
    """Stands for the module of the host in which scripts find the function."""

    def __init__(self) -> None:
        self.answers: list[bool] = []
        self.last = ()

    def process_images(self, fails: bool = False) -> list[int]:
        caller = sys._getframe(1)
        self.answers.append(
            may_come_again(caller, "process_images", lambda frame: frame.f_code.co_name == "ask", self.last)
        )
        if fails:
            raise ValueError
        return [1]


def once(host):
    """A plain request: an error before the call was handled, one of the call would be."""
    try:
        pictures = [int("1")]
    except ValueError:
        pictures = []
    with contextlib.nullcontext():
        try:
            pictures = host.process_images()
        except ValueError:
            pictures = []
        finally:
            pictures += [0]
    return [picture for picture in pictures if picture]


def either(host):
    if host.answers:
        return host.process_images()
    return host.process_images()


def counted(host):
    pictures = []
    for _ in range(2):
        pictures += host.process_images()
    return pictures


def endless(host):
    while True:
        try:
            host.process_images(fails=not host.answers)
        except ValueError:
            continue
        return


def twice(host):
    host.process_images()
    return host.process_images()


def comprehended(host):
    return [host.process_images() for _ in range(2)]


def through_a_helper(host):
    def cell():
        return host.process_images()

    for _ in range(2):
        cell()


@pytest.fixture
def ask():
    def ask(script):
        host = Host()
        script(host)
        return host.answers

    return ask


@pytest.mark.parametrize("script", [once, either])
def test_a_call_on_a_straight_way_comes_once(ask, script):
    """Plain requests and scripts like them: their bar is not held back for cells that never come."""
    assert [False] == ask(script)


@pytest.mark.parametrize("script", [counted, comprehended, through_a_helper])
def test_a_call_within_a_loop_may_come_again(ask, script):
    """However deep the loop lies."""
    assert [True, True] == ask(script)


def test_a_loop_that_only_an_error_repeats_is_a_straight_way(ask):
    """Calls mostly have none, and a bar that is held back for it would be wrong each time."""
    assert [False, False] == ask(endless)


def test_a_second_call_further_down_is_seen(ask):
    """And after it no more comes."""
    assert [True, False] == ask(twice)


def test_the_search_ends_where_the_request_begins():
    """What loops over requests says nothing of one."""
    host = Host()

    def request():
        return host.process_images()

    host.last = (request.__code__,)
    for _ in range(2):
        request()
    assert [False, False] == host.answers
