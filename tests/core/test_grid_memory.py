"""What requests of many cells teach: kept, bounded, and private."""

from __future__ import annotations

import json

import pytest

from zluda_sync.core.learning.grid_memory import (
    MAX_GRIDS,
    CellTimes,
    GridKey,
    GridMemory,
    LearnedGrid,
    digest_of,
)
from zluda_sync.core.learning.late_saver import LateSaver

GRID = LearnedGrid((CellTimes(0.1, 2.0), CellTimes(0.2, 4.0)), 0.5)


def key_of(script, asked):
    return GridKey(script, digest_of(asked))


@pytest.fixture
def saver():
    made = LateSaver(pytest.fail)
    yield made
    made.flush()


@pytest.fixture
def memory(tmp_path, saver):
    return GridMemory(tmp_path, pytest.fail, saver)


def test_what_was_learned_survives_a_restart(memory, tmp_path, saver):
    """By position, with what comes between the cells and after the last."""
    key = key_of("XYZ Grid", {"arguments": [1, "5,6"]})
    memory.learn(key, GRID)
    saver.flush(20.0)
    again = GridMemory(tmp_path, pytest.fail, saver)
    assert again.find(key.digest) == GRID
    assert again.usual_cells(key.script) == 2


def test_other_arguments_are_another_grid_of_the_same_script(memory):
    """Which still tells how many cells it mostly makes."""
    memory.learn(key_of("Loops", {"arguments": [3]}), GRID)
    other = key_of("Loops", {"arguments": [4]})
    assert memory.find(other) is None
    assert memory.usual_cells(other.script) == 2
    assert memory.usual_cells("Others") is None


def test_nothing_of_what_was_asked_for_can_be_read_in_the_file(memory, tmp_path, saver):
    """Prompts and paths among the arguments are of nobody's concern."""
    memory.learn(key_of("Prompts from file", {"arguments": ["a secret wish", "/home/somebody"]}), GRID)
    saver.flush(20.0)
    text = (tmp_path / "zluda_sync" / "grids.json").read_text()
    assert "secret" not in text
    assert "somebody" not in text


def test_what_has_no_plain_value_does_not_tell_one_request_from_the_next():
    """Pictures and handles have another address each time."""
    assert key_of("a", {"x": [object(), 1]}) == key_of("a", {"x": [object(), 1]})
    assert key_of("a", {"x": [object(), 1]}) != key_of("a", {"x": [object(), 2]})


def test_the_file_does_not_grow_for_ever(memory, tmp_path, saver):
    """The oldest grid goes."""
    keys = [key_of("script", {"arguments": [number]}) for number in range(MAX_GRIDS + 5)]
    for key in keys:
        memory.learn(key, GRID)
    assert memory.find(keys[4].digest) is None
    assert memory.find(keys[5].digest) == GRID
    saver.flush(20.0)
    tree = json.loads((tmp_path / "zluda_sync" / "grids.json").read_text())
    assert len(tree["grids"]) == MAX_GRIDS


def test_a_slower_device_is_followed_at_once_and_noise_is_averaged(memory):
    """Twice as slow is news, a few percent are not."""
    key = key_of("script", {})
    memory.learn(key, LearnedGrid((CellTimes(0.0, 2.0),)))
    memory.learn(key, LearnedGrid((CellTimes(0.0, 2.2),)))
    assert memory.find(key.digest).cells[0].duration_s == pytest.approx(2.1)
    memory.learn(key, LearnedGrid((CellTimes(0.0, 4.0),)))
    assert memory.find(key.digest).cells[0].duration_s == pytest.approx(4.0)


@pytest.mark.parametrize(
    "text",
    [
        '{"version": 99}',
        "[]",
        '{"version": 1, "grids": {"a": {"cells": [[0, -1]], "tail_s": 0}}, "counts": {}}',
    ],
)
def test_a_file_that_cannot_be_used_is_set_aside_with_a_word(tmp_path, saver, text):
    """Nothing of the user's is lost, and learning begins anew."""
    file = tmp_path / "zluda_sync" / "grids.json"
    file.parent.mkdir()
    file.write_text(text)
    said = []
    assert GridMemory(tmp_path, said.append, saver).find(digest_of({})) is None
    assert "learned grids" in said[0]
    assert (tmp_path / "zluda_sync" / "grids.broken.json").read_text() == text
