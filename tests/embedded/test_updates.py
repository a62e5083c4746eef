"""A version goes on with what the one before it has left: settings, profiles, and all that was learned."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from bench.host.tiny_model import make_tiny_model
from bench.updates.chain import NOW, Updated, Version, find_versions, run_version, unpack

VERSIONS = 20


@pytest.fixture(scope="module")
def updated(tmp_path_factory) -> Sequence[Updated]:
    """The oldest of the last versions, one of the middle, and what lies here, over one data folder."""
    versions = find_versions(VERSIONS)
    if len(versions) < 2:
        pytest.skip("needs the history of this repository")
    folder = tmp_path_factory.mktemp("updates")
    model = make_tiny_model(tmp_path_factory.mktemp("model"))
    chosen = [versions[0], versions[len(versions) // 2], Version(NOW)]
    return [run_version(one, unpack(one, folder / one.commit), folder / "data", model) for one in chosen]


def test_each_version_goes_on_with_what_those_before_it_have_left(updated):
    """No file is set aside, nothing is warned of, settings and profiles act, and each job is kept."""
    assert [[]] * len(updated) == [one.find_misses(number) for number, one in enumerate(updated)]


def test_times_that_were_learned_are_kept_and_added_to(updated):
    """A version that could not read them would begin anew, with those of one job."""
    counts = [one.samples for one in updated]
    assert counts[0] > 0
    assert counts[-1] > counts[0]


def test_a_file_that_cannot_be_read_is_a_miss(tmp_path):
    """The check itself: what a version sets aside, warns of or loses is told."""
    told = {
        "is_acting": True,
        "mode": "SyncMode.EVERY_STEP",
        "chosen": "kept",
        "profiles": [],
        "rules": 1,
        "depth": 3,
        "recent": 1,
        "warnings": [],
        "files": ["durations.broken.json", "jobs.jsonl", "estimates.json", "grids.json", "selftest.json"],
    }
    misses = Updated(Version("abc"), json.loads(json.dumps(told)), 5).find_misses(1)
    assert [
        "mode is SyncMode.EVERY_STEP",
        "profiles is []",
        "recent is 1",
        "set aside: durations.broken.json",
        "no durations.json",
    ] == misses
