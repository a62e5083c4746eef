"""Notices: told beside the label for a while, and kept for reading later."""

from zluda_sync.core.notices import NEW_S, Notices


def test_a_notice_is_new_for_some_seconds_and_then_kept():
    """The label goes back to what the device does; the text can still be read."""
    now_s = [5.0]
    notices = Notices(lambda: now_s[0])
    assert ("", False) == (notices.text, notices.is_new)
    notices.tell("first")
    notices.tell("second")
    assert ("second", True) == (notices.text, notices.is_new)
    now_s[0] += NEW_S
    assert ("second", False) == (notices.text, notices.is_new)
