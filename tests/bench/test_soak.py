"""What the soak takes for a leak, and that its footprint sees one."""

from __future__ import annotations

from dataclasses import replace

from bench.campaigns.soak import MEMORY_BOUND_MIB, OBJECTS_BOUND, Footprint, extension_threads, find_leaks
from zluda_sync.device.steps.waits import BlockingWaits

CLEAN = Footprint(400.0, ("zluda_sync-waits", "zluda_sync-watcher"), {"Ledger": 3}, ("a", "b"), ())


def test_nothing_left_is_no_leak():
    """What allocators keep, and the objects of the newest job, are allowed."""
    after = replace(CLEAN, memory_mib=400.0 + MEMORY_BOUND_MIB, objects={"Ledger": 3 + OBJECTS_BOUND})
    assert [] == find_leaks(CLEAN, after)


def test_each_kind_of_leak_is_named():
    """Memory, threads, objects, and names that are not as they were."""
    after = Footprint(
        500.0, ("zluda_sync-waits", "zluda_sync-waits"), {"Ledger": 300}, ("a", "c"), ("State.job",)
    )
    text = "\n".join(find_leaks(CLEAN, after))
    for word in ("memory", "threads left", "300 objects", "other names", "still replaced"):
        assert word in text


def test_a_thread_left_behind_is_seen():
    """Names are counted, so that a second one of a kind shows."""
    one, other = BlockingWaits(), BlockingWaits()
    for waits in (one, other):
        assert waits.begin(lambda: None).wait(20.0)
    assert 2 <= extension_threads(limit_s=0.0).count("zluda_sync-waits")
    one.stop()
    other.stop()
