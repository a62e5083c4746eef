"""Notices: told beside the label for a while, and kept for reading later."""

from zluda_sync.core.guard import NEW_S, Notices


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
