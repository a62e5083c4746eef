"""The guard, which catches what fails in an observer and tells it once; and the notices of a job."""

import pytest

from zluda_sync.core.guard import NEW_S, Guard, Notices, Told


def test_a_notice_is_new_for_some_seconds_and_then_kept():
    """The label goes back to what the device does; the text can still be read."""
    now_s = [5.0]
    notices = Notices(lambda: now_s[0])
    assert ("", False) == notices.read()
    notices.tell("first")
    notices.tell("second")
    assert ("second", True) == notices.read()
    now_s[0] += NEW_S
    assert ("second", False) == notices.read()


def test_text_and_newness_are_of_one_notice():
    """A notice that comes in the middle of the reading is told with the next one, whole."""
    now_s = [5.0]

    def clock():
        if meanwhile:
            meanwhile.pop()()
        return now_s[0]

    meanwhile = []
    notices = Notices(clock)
    notices.tell("old")
    now_s[0] += NEW_S
    meanwhile.append(lambda: notices.tell("new"))
    assert ("old", False) == notices.read()
    assert ("new", True) == notices.read()


def test_a_failure_is_told_once_and_switches_off_each_time():
    """The same failure again is no news; another one is."""
    said, switched_off = [], []
    guard = Guard.saying(said.append)
    for text in ("no", "no", "never"):
        with guard.watching("looking", switched_off.append):
            raise ValueError(text)
    assert ["looking: ValueError: no", "looking: ValueError: never"] == said
    assert ["no", "no", "never"] == [str(error) for error in switched_off]


def test_only_errors_are_kept_back():
    """Whoever ends the program, or a thread, is not held up; and what goes well is not touched."""
    guard = Guard(pytest.fail)
    with guard.watching("looking"):
        pass
    with pytest.raises(KeyboardInterrupt), guard.watching("looking"):
        raise KeyboardInterrupt


def test_what_is_told_may_be_remembered_for_several():
    """A guard and whoever shares its memory tell nothing twice."""
    told, said = Told(), []
    for _ in range(2):
        with Guard(lambda what, error: said.append(what), told).watching("looking"):
            raise ValueError
    assert ["looking"] == said
    assert [True, False] == [told.is_new("active"), told.is_new("active")]
