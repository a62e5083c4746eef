"""Work beside the steps: what a clock must not be read behind."""

import contextlib

from zluda_sync.core.steps.other_work import OtherWork


def test_what_is_under_way_or_begins_is_seen():
    """A preview that is over before, or begins after, has kept no reading waiting."""
    other_work = OtherWork()
    with other_work.under_way():
        during = other_work.watch()
    after = other_work.watch()
    assert (True, False) == (during(), after())
    with other_work.under_way():
        assert after()
    assert after()


def test_what_has_failed_may_still_be_queued():
    """Nobody has waited for it, until the next one was waited for."""
    other_work = OtherWork()
    with contextlib.suppress(RuntimeError), other_work.under_way():
        raise RuntimeError("out of memory")
    assert other_work.watch()()
    with other_work.under_way():
        pass
    assert not other_work.watch()()
