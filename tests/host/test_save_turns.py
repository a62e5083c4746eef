"""Two processes that save to one file: one after the other, and nothing is left over."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from zluda_sync.host.profiles import save_turns
from zluda_sync.host.profiles.save_turns import others_kept_off

#: A process that takes the lock as SD.Next's package does, and keeps it until its input ends.
HOLDER = """
import fcntl, os, sys
held = open(sys.argv[1], "a+")
fcntl.lockf(held, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
if len(sys.argv) > 2:
    os.remove(sys.argv[1])
"""
pytestmark = pytest.mark.skipif(os.name == "nt", reason="the other process takes the lock of POSIX")


def assert_nobody_else_gets_it(file: Path) -> None:
    tried = "import fcntl, sys; fcntl.lockf(open(sys.argv[1], 'a+'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    command = [sys.executable, "-c", tried, f"{file}.lock"]
    tries = subprocess.run(command, capture_output=True, check=False)
    assert b"BlockingIOError" in tries.stderr


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "config.json"


@pytest.fixture
def hold(file):
    """Start another process that has the lock; it removes the lock's file at its end if told so."""
    started = []

    def start(*removes: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", HOLDER, f"{file}.lock", *removes]
        made = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(made)
        assert made.stdout.readline() == "held\n"
        return made

    yield start
    for process in started:
        process.stdin.close()
        process.wait(20.0)
        process.stdout.close()


def test_another_process_is_waited_for(file, hold):
    """Then nobody else gets the lock."""
    other = hold()
    order = []

    def save() -> None:
        with others_kept_off(file):
            order.append("ours")
            assert_nobody_else_gets_it(file)
            order.append("alone")

    saving = threading.Thread(target=save)
    saving.start()
    saving.join(0.2)
    order.append("theirs")
    other.stdin.close()
    saving.join(20.0)
    assert ["theirs", "ours", "alone"] == order


def test_a_lock_on_a_file_that_is_gone_is_none(file, hold, monkeypatch):
    """The host removes the lock's file when it is done, also while others have it open and wait."""
    other, lock = hold("removes"), save_turns._lock

    def lock_after_the_other_has_ended(held) -> None:
        other.stdin.close()
        other.wait(20.0)
        lock(held)

    monkeypatch.setattr(save_turns, "_lock", lock_after_the_other_has_ended)
    with others_kept_off(file):
        assert_nobody_else_gets_it(file)


def test_while_it_is_held_no_other_process_gets_it(file):
    """And its file is gone afterwards."""
    with others_kept_off(file):
        assert_nobody_else_gets_it(file)
    assert [] == list(file.parent.iterdir())


def test_who_never_lets_go_is_not_waited_for_for_ever(file, hold, monkeypatch):
    """As the host does: better a save without a lock than none."""
    monkeypatch.setattr(save_turns, "OTHERS_LIMIT_S", 0.05)
    hold()
    with others_kept_off(file):
        assert Path(f"{file}.lock").exists()
    assert Path(f"{file}.lock").exists()


def test_without_a_right_to_the_folder_there_is_no_lock(file):
    """Nothing else is to be had there."""
    with others_kept_off(file.parent / "nowhere" / "config.json"):
        assert not (file.parent / "nowhere").exists()
