"""What was seen ahead in use: kept over a restart, bounded, and never trusted blindly."""

from __future__ import annotations

import json

import pytest

from zluda_sync.core.learning.late_saver import LateSaver
from zluda_sync.core.learning.sightings import MOST_KEPT, Sightings


@pytest.fixture
def saver():
    made = LateSaver(pytest.fail)
    yield made
    made.flush()


def test_what_was_seen_survives_a_restart(tmp_path, saver):
    """Of this kind of job, and no other."""
    Sightings(tmp_path, pytest.fail, saver).keep("a graph", 12)
    saver.flush()
    again = Sightings(tmp_path, pytest.fail, saver)
    assert (12, None) == (again.find("a graph"), again.find("eager"))


def test_only_the_newest_are_kept(tmp_path, saver):
    """However many models somebody compiles."""
    kept = Sightings(tmp_path, pytest.fail, saver)
    for number in range(MOST_KEPT + 1):
        kept.keep(f"kind {number}", 5)
    assert (None, 5) == (kept.find("kind 0"), kept.find("kind 1"))


@pytest.mark.parametrize(
    "tree",
    [[], {}, {"version": 2, "steps": {}}, {"version": 1, "steps": {"a": -1}}, {"version": 1, "steps": [1]}],
)
def test_a_damaged_file_is_set_aside(tmp_path, saver, tree):
    """And said so once."""
    file = tmp_path / "zluda_sync" / "seen_ahead.json"
    file.parent.mkdir()
    file.write_text(json.dumps(tree), encoding="utf-8")
    said = []
    assert Sightings(tmp_path, said.append, saver).find("a") is None
    assert 1 == len(said)
