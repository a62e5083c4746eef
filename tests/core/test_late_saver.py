"""What is learned is written by a thread of its own: soon, the newest state, and one write at a time."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from zluda_sync.core.files import JsonFile
from zluda_sync.core.learning import durations
from zluda_sync.core.learning.durations import Learning
from zluda_sync.core.learning.grid_memory import CellTimes, GridKey, GridMemory, LearnedGrid
from zluda_sync.core.learning.late_saver import LateSaver
from zluda_sync.core.learning.residuals import Estimates
from zluda_sync.core.phase import BASE
from zluda_sync.core.progress.job import Job
from zluda_sync.core.progress.shape import JobShape, PassShape
from zluda_sync.core.steps.policy import SyncMode

SHAPE = JobShape(passes=(PassShape(BASE, 3, 512, 512),))
LIMIT_S = 20.0
NEVER_S = 1000.0


class Written:
    """A file that keeps what is written to it, in order."""

    def __init__(self, on_save: Callable[[Any], None] = lambda tree: None) -> None:
        self.trees: list[Any] = []
        self.at_once = self.most_at_once = 0
        self._on_save = on_save

    def save(self, tree: Any) -> None:
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        self._on_save(tree)
        self.trees.append(tree)
        self.at_once -= 1


def yield_to_others(_tree: Any = None) -> None:
    """Let other threads go on, as a disk does."""
    time.sleep(0.0005)


def finished_job() -> Job:
    """A job of three steps."""
    job = Job(SyncMode.OBSERVE, SHAPE)
    _, ledger = job.begin_pass()
    for step in range(3):
        ledger.record_launch()
        ledger.record_completion(step)
    job.deliver()
    return job


def test_who_runs_a_job_neither_serializes_nor_writes_what_it_teaches(tmp_path, monkeypatch):
    """Of all three files; and what was learned is known before anything is written."""
    saver, threads, save = LateSaver(pytest.fail, NEVER_S), [], JsonFile.save
    write_tree = durations.write_tree

    def note_save(self, tree):
        threads.append(threading.current_thread().name)
        save(self, tree)

    def note_tree(work, requests):
        threads.append(threading.current_thread().name)
        return write_tree(work, requests)

    monkeypatch.setattr(JsonFile, "save", note_save)
    monkeypatch.setattr(durations, "write_tree", note_tree)
    learning, grids = Learning(tmp_path, pytest.fail, saver), GridMemory(tmp_path, pytest.fail, saver)
    estimates = Estimates(learning, tmp_path, pytest.fail, saver)
    job, key, grid = finished_job(), GridKey("XYZ Grid", "of a digest"), LearnedGrid((CellTimes(0.0, 2.0),))
    estimates.job_begins(SHAPE)
    estimates.job_ended(job)
    estimates.request_ended(2.0)
    learning.learn(job)
    grids.learn(key, grid)
    part = job.passes[0]
    assert [] == threads
    assert learning.memory_for(SHAPE).recall(part.kind, part.pixels) is not None
    assert grid == grids.find(key.digest)
    saver.flush(LIMIT_S)
    assert ["zluda_sync-learned"] * 4 == threads
    files = sorted((tmp_path / "zluda_sync").iterdir())
    assert ["durations.json", "estimates.json", "grids.json"] == [file.name for file in files]
    assert {1} == {len(file.read_text().splitlines()) for file in files}
    assert durations.Durations.from_json(json.loads(files[0].read_text()))


def test_several_changes_in_a_row_make_one_write():
    """Of the newest state; then no thread is left until there is something to write again."""
    saver, file, states = LateSaver(pytest.fail, NEVER_S), Written(), list[int]()
    for state in range(5):
        states.append(state)
        saver.save(file, lambda: states[-1])
    saver.flush(LIMIT_S)
    assert ([4], None) == (file.trees, saver._thread)
    states.append(7)
    saver.save(file, lambda: states[-1])
    saver.flush(LIMIT_S)
    assert [4, 7] == file.trees


def test_nobody_has_to_ask_for_the_write():
    """It comes by itself, after the pause."""
    is_written = threading.Event()
    LateSaver(pytest.fail, 0.0).save(Written(lambda tree: is_written.set()), lambda: 1)
    assert is_written.wait(LIMIT_S)


def test_what_changes_during_a_write_is_written_after_it():
    """Two changes beside a disk that hangs: their thread goes on, and the second of them wins."""
    hangs, goes_on, states = threading.Event(), threading.Event(), [1]

    def hang(_tree: Any) -> None:
        hangs.set()
        goes_on.wait(LIMIT_S)

    saver, file = LateSaver(pytest.fail, 0.0), Written(hang)
    saver.save(file, lambda: states[-1])
    assert hangs.wait(LIMIT_S)
    for state in (2, 3):
        states.append(state)
        saver.save(file, lambda: states[-1])
    assert [] == file.trees
    goes_on.set()
    saver.flush(LIMIT_S)
    assert [1, 3] == file.trees


def test_what_changes_while_it_is_serialized_is_written_again():
    """Whatever half of it was read the first time."""
    saver, file, states = LateSaver(pytest.fail, 0.0), Written(), ["old"]

    def build_tree() -> str:
        read = states[-1]
        if read == "old":
            states.append("new")
            saver.save(file, build_tree)
        return read

    saver.save(file, build_tree)
    saver.flush(LIMIT_S)
    assert ["old", "new"] == file.trees


def test_the_last_state_wins_however_many_threads_change_it():
    """None is written beside another, and none goes back behind one that was written before."""
    saver, file = LateSaver(pytest.fail, 0.0), Written(yield_to_others)
    state, changing = [0], threading.Lock()

    def build_tree() -> int:
        read = state[0]
        yield_to_others()
        return read

    def change() -> None:
        for _ in range(50):
            with changing:
                state[0] += 1
            saver.save(file, build_tree)

    threads = [threading.Thread(target=change) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_S)
    saver.flush(LIMIT_S)
    assert (200, 1) == (file.trees[-1], file.most_at_once)
    assert sorted(file.trees) == file.trees


def test_what_cannot_be_serialized_is_told_once_and_holds_up_no_other_file():
    """An error of ours ends the writing of that state alone."""
    said: list[str] = []
    saver, broken, file = LateSaver(said.append, NEVER_S), Written(), Written()
    for _ in range(2):
        saver.save(broken, lambda: 1 // 0)
        saver.save(file, lambda: "whole")
        saver.flush(LIMIT_S)
    assert ([], ["whole", "whole"]) == (broken.trees, file.trees)
    assert 1 == len(said)
    assert said[0].startswith("what was learned cannot be saved: ZeroDivisionError")
