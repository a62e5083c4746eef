"""Stop, Skip and Pause are kept for one request, hold in all of it, and never reach the next one."""

from __future__ import annotations

import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.interleaving import run_interrupted
from tests.virtual_clock import VirtualClock
from zluda_sync.core.wishes.control import Control
from zluda_sync.core.wishes.request_wishes import Ending


class Request:
    """A control, and the place that the test says the request is at."""

    def __init__(self, in_job: bool = True) -> None:
        self.control = Control()
        self.image = 0
        self.told = 0
        if in_job:
            self.begin_job()

    def begin_job(self, image: int = 0) -> None:
        self.image = image
        self.control.begin_job(lambda: self.image, self._count)

    def _count(self) -> None:
        self.told += 1


def test_a_stop_holds_until_the_request_is_over():
    """Over phases, images and further jobs of a grid."""
    request = Request()
    request.control.stop()
    for move in (request.control.begin_phase, request.control.end_job, request.begin_job):
        move()
        assert request.control.is_stopped
        assert request.control.must_leave


def test_a_second_stop_changes_nothing():
    """Two clients press: the first press counts."""
    control = Control(clock=iter([1.0, 2.0]).__next__)
    control.stop()
    control.stop()
    assert 1.0 == control.stopped_at_s


def test_a_skip_ends_its_image_only():
    """The next image is wanted, and its blocks are not left."""
    request = Request()
    request.control.skip()
    assert request.control.is_skipped
    assert request.control.wants_out()
    request.image = 1
    assert not request.control.is_skipped
    assert not request.control.wants_out()
    assert not request.control.take_leave()
    assert not request.control.must_leave


def test_a_skip_before_the_job_means_its_first_image():
    """Pressed while the model is loaded."""
    request = Request(in_job=False)
    request.control.skip()
    assert not request.control.is_skipped
    request.begin_job()
    assert request.control.is_skipped


def test_a_skip_ends_with_its_job():
    """In a batch of files each is a job: the next one is wanted."""
    request = Request()
    request.control.skip()
    request.control.end_job()
    assert not request.control.must_leave
    request.begin_job()
    assert not request.control.is_skipped


@pytest.mark.parametrize("image", [0, 2])
def test_stop_after_image_waits_for_the_next_one(image):
    """The image under way is wanted whole."""
    request = Request()
    request.image = image
    request.control.stop_after_image()
    assert not request.control.is_stopped
    request.image = image + 1
    assert request.control.is_stopped


def test_stop_after_image_ends_a_grid_with_its_picture():
    """Between two jobs of a request its picture is whole."""
    request = Request()
    request.control.stop_after_image()
    request.control.end_job()
    assert request.control.is_stopped


def test_stop_after_image_before_the_job_leaves_it_one_image():
    """Pressed while the model is loaded."""
    request = Request(in_job=False)
    request.control.stop_after_image()
    request.begin_job()
    assert not request.control.is_stopped
    request.image = 1
    assert request.control.is_stopped


def test_stop_ends_a_pause_and_bars_another():
    """A paused job that is stopped must not hang."""
    control = Request().control
    control.pause(True)
    control.stop()
    assert not control.is_paused
    control.pause(True)
    assert not control.is_paused


@pytest.mark.parametrize("release", ["pause", "stop", "skip", "end_request"])
def test_a_pause_is_over_at_once(release):
    """By going on, Stop, Skip, and the end of the request."""
    control = Request().control
    control.pause(True)
    waiting = threading.Thread(target=control.wait_while_paused, daemon=True)
    waiting.start()
    getattr(control, release)(*([False] if release == "pause" else []))
    waiting.join(20.0)
    assert not waiting.is_alive()


def test_a_picture_that_is_whole_is_not_thrown_away():
    """The host asks once, right after it has made the picture; then the Stop holds again."""
    control = Request().control
    control.stop()
    control.note_whole_picture()
    assert [False, True] == [control.answer_interrupted(True), control.answer_interrupted(True)]


@pytest.mark.parametrize("move", ["next image", "end of the job"])
def test_a_picture_that_is_whole_excuses_no_other(move):
    """Some versions of the host do not ask; the answer is not for the next image, nor for the next job."""
    request = Request()
    request.control.note_whole_picture()
    request.control.stop()
    if move == "next image":
        request.image = 1
    else:
        request.control.end_job()
    assert request.control.answer_interrupted(True)


def test_a_late_stop_holds_in_the_next_phase():
    """The host has begun another phase without asking."""
    control = Request().control
    control.note_whole_picture()
    control.stop()
    control.begin_phase()
    assert control.answer_interrupted(True)


def test_the_strongest_wish_is_shown():
    """Stop before Skip before Stop after this image."""
    control = Request().control
    seen = []
    for wish in (control.stop_after_image, control.skip, control.stop):
        wish()
        seen.append(control.ending)
    assert [Ending.STOP_AFTER_IMAGE, Ending.SKIP, Ending.STOP] == seen


def test_whoever_runs_the_job_is_told_of_each_wish():
    """A host that waits for the device must look again."""
    request = Request()
    for wish in (request.control.stop_after_image, request.control.skip, request.control.stop):
        wish()
    request.control.pause(True)
    assert 4 == request.told
    request.control.end_job()
    request.control.skip()
    assert 4 == request.told


def test_a_stop_is_not_undone_by_a_look_at_the_same_time():
    """A block looks whether it is to be left in the moment in which Stop is pressed."""
    control = Request().control
    looks = threading.Thread(target=lambda: [control.wants_out() for _ in range(3000)], daemon=True)
    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        looks.start()
        control.stop()
        looks.join(20.0)
    finally:
        sys.setswitchinterval(interval_s)
    assert control.must_leave


WISHES = st.lists(
    st.sampled_from(
        ["stop", "skip", "stop_after_image", "pause", "next", "end_job", "begin_job", "begin_phase"]
    )
)


@given(WISHES)
def test_no_order_of_presses_loses_a_stop_or_makes_one_up(wishes):
    """After a Stop the host is told to stop, whatever else is pressed; without any it is not."""
    request = Request()
    in_job, was_stopped, was_limited = True, False, False
    for wish in wishes:
        if wish == "next":
            request.image += 1
        elif wish == "begin_job":
            if not in_job:
                request.begin_job()
            in_job = True
        elif wish == "end_job":
            request.control.end_job()
            in_job = False
        elif wish == "pause":
            request.control.pause(True)
        else:
            getattr(request.control, wish)()
        was_stopped = was_stopped or wish == "stop"
        was_limited = was_limited or wish == "stop_after_image"
        if was_stopped:
            assert request.control.is_stopped
            assert request.control.must_leave
            assert not request.control.is_paused
        elif not was_limited:
            assert not request.control.is_stopped
            assert not request.control.answer_interrupted(False)


@pytest.mark.parametrize("wish", ["stop", "skip"])
@pytest.mark.parametrize("learns_by", ["asking", "leaving"])
def test_a_host_that_knows_is_left_to_end_in_its_own_way(wish, learns_by):
    """It pastes, decodes and saves what it has, in full knowledge of the press."""
    control = Request().control
    getattr(control, wish)()
    assert control.must_leave
    if learns_by == "leaving":
        assert control.take_leave()
    else:
        assert control.answer_interrupted(True) if wish == "stop" else control.answer_skipped(True)
    assert not control.must_leave
    assert not control.take_leave()
    assert control.wants_out()


@pytest.mark.parametrize("wish", [Ending.STOP, Ending.SKIP])
def test_a_host_that_has_forgotten_is_told_again_by_its_own_flag(wish):
    """A phase that begins clears its flag; the work that follows is left, as if pressed at that moment."""
    flags = []
    control = Control(press=flags.append)
    control.begin_job(lambda: 0, lambda: None)
    getattr(control, wish.value)()
    assert control.take_leave()
    control.forget(wish)
    assert control.must_leave
    control.press_again()
    assert control.take_leave()
    assert [wish, wish, wish] == flags


def test_nothing_is_pressed_again_while_the_host_knows():
    """It has its flag."""
    flags = []
    control = Control(press=flags.append)
    control.begin_job(lambda: 0, lambda: None)
    control.press_again()
    control.stop()
    control.answer_interrupted(True)
    control.press_again()
    assert [] == flags


@pytest.mark.parametrize("wish", [Ending.STOP, Ending.SKIP])
def test_a_wish_that_a_script_has_answered_is_over(wish):
    """It clears the flag on purpose, and goes on: nothing is left early any more."""
    control = Request().control
    getattr(control, wish.value)()
    control.withdraw(wish)
    assert not control.must_leave
    assert control.ending is None
    getattr(control, wish.value)()
    assert control.must_leave


def test_a_skip_ends_its_cell_only():
    """The cells of a grid lie within the picture call that returns it: each has a first image of its own."""
    control = Request().control
    wanted_out = []
    for cell in range(3):
        control.begin_cell(lambda: 0)
        if cell == 1:
            control.skip()
        wanted_out.append(control.wants_out())
        control.end_cell()
    assert [False, True, False] == wanted_out
    assert not control.wants_out()


def test_a_skip_between_two_cells_is_the_hosts_own():
    """There is no image that could be meant: neither the next cell nor the grid is left for it."""
    control = Request().control
    control.begin_cell(lambda: 0)
    control.end_cell()
    assert control.skip()
    assert not control.wants_out()
    control.begin_cell(lambda: 0)
    assert not control.wants_out()


def test_stop_after_image_ends_a_grid_after_its_cell():
    """The next cell is not made; the call around them all is not left, for it returns the grid."""
    control = Request().control
    control.begin_cell(lambda: 0)
    control.stop_after_image()
    assert not control.is_stopped
    control.end_cell()
    control.begin_cell(lambda: 0)
    assert control.is_stopped
    control.end_cell()
    assert not control.is_stopped


@pytest.mark.parametrize(("after_s", "is_repeated"), [(0.1, True), (0.5, False)])
@pytest.mark.parametrize("since", ["the press", "it was obeyed"])
def test_a_double_click_is_one_stop(after_s, is_repeated, since):
    """Its second half comes when the first was obeyed, and the host puts together what there is."""
    clock = VirtualClock()
    control = Control(clock)
    control.begin_job(lambda: 0, lambda: None)
    assert not control.is_stop_repeated()
    control.stop()
    assert not control.is_stop_repeated()
    if since == "it was obeyed":
        clock.pass_time(60.0)
    assert control.take_leave()
    control.forget(Ending.STOP)
    clock.pass_time(after_s)
    assert is_repeated == control.is_stop_repeated()
    control.withdraw(Ending.STOP)
    assert not control.is_stop_repeated()


@pytest.mark.parametrize(("after_s", "is_repeated"), [(0.1, True), (0.5, False)])
def test_the_second_half_of_a_double_click_that_a_script_has_answered(after_s, is_repeated):
    """The script has cleared the flag after the first half: alone both would have come before that."""
    clock = VirtualClock()
    control = Control(clock)
    control.begin_job(lambda: 0, lambda: None)
    control.stop()
    assert control.take_leave()
    assert not control.is_answered_stop_repeated()
    control.withdraw(Ending.STOP)
    assert not control.is_stopped
    assert control.was_stopped
    clock.pass_time(after_s)
    assert is_repeated == control.is_answered_stop_repeated()


def test_a_stop_that_was_withdrawn_unseen_is_no_first_half():
    """A script that clears the flags before each cell has answered nothing."""
    control = Control(VirtualClock())
    control.begin_job(lambda: 0, lambda: None)
    control.stop()
    control.withdraw(Ending.STOP)
    assert not control.is_answered_stop_repeated()


def test_a_script_skips_no_more_than_alone_after_a_skip_of_the_users():
    """SD.Next alone leaves out the image after a skipped one: the user was spared that, the script is too."""
    request = Request()
    request.control.skip()
    assert request.control.answer_skipped(True)
    request.image = 1
    request.control.take_over_skip()
    assert request.control.answer_skipped(True)
    assert not request.control.must_leave
    request.image = 2
    assert not request.control.answer_skipped(True)


def test_a_script_that_skips_by_itself_skips_as_alone():
    """Without a Skip of the user's before it, the flag is SD.Next's, with what follows from it."""
    request = Request()
    request.control.take_over_skip()
    assert not request.control.is_skipped
    request.image = 1
    assert request.control.answer_skipped(True)


def test_a_double_click_skips_one_image():
    """The second press comes when the first has been obeyed; a later one means the next image."""
    moments = iter([1.0, 1.1, 2.0])
    control, image = Control(clock=moments.__next__), [0]
    control.begin_job(lambda: image[0], lambda: None)
    assert control.skip()
    image[0] = 1
    assert not control.skip()
    assert not control.is_skipped
    assert control.skip()
    assert control.is_skipped


def test_the_image_after_a_skipped_one_is_made():
    """SD.Next's flag stands until the next phase begins: the loop over images is told that it does not."""
    request = Request()
    request.control.skip()
    assert request.control.answer_skipped(True)
    request.image = 1
    assert not request.control.answer_skipped(True)


def test_a_job_that_begins_does_not_bring_the_skip_of_the_one_before_back():
    """Between any two instructions of its begin: the place is of the old job or of the new one."""
    request = Request()
    request.control.skip()
    request.control.end_job()
    seen = []
    run_interrupted(request.begin_job, lambda: seen.append(request.control.is_skipped))
    assert {False} == set(seen)


def test_a_skip_after_a_whole_picture_means_the_next_image():
    """Pressed while it is saved: SD.Next leaves the next one out."""
    request = Request()
    request.control.note_whole_picture()
    request.control.skip()
    assert not request.control.is_skipped
    request.image = 1
    assert request.control.is_skipped
    assert request.control.answer_skipped(True)
    request.image = 2
    assert not request.control.is_skipped
