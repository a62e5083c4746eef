"""Files of ours are replaced whole: by many at once, on a full disk, over links and rights."""

from __future__ import annotations

import json
import os
import stat
import threading
from pathlib import Path

import pytest

from tests.full_disk import full_disk
from zluda_sync.core import files
from zluda_sync.core.files import LEFT_OVER_S, JsonFile, replacing


@pytest.fixture
def file(tmp_path) -> Path:
    """A file that has been there before."""
    made = tmp_path / "durations.json"
    made.write_text('{"old": true}')
    return made


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write(file: Path, text: str = "new") -> None:
    with replacing(file) as new:
        new.write_text(text)


def test_many_threads_save_one_file_at_once(file):
    """Each writes a file of its own: no save fails, none is mixed with another, and nothing is left over."""
    warnings: list[str] = []
    saved = JsonFile(file, "durations", lambda tree: tree, warnings.append)
    together = threading.Barrier(8)

    def save(number: int) -> None:
        together.wait(20.0)
        for _ in range(40):
            saved.save({"number": number, "rest": "x" * 1000 * number})

    threads = [threading.Thread(target=save, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60.0)
    tree = json.loads(file.read_text())
    assert ([], [file.name]) == (warnings, names(file.parent))
    assert 1000 * tree["number"] == len(tree["rest"])


def test_on_a_full_disk_the_old_file_stays_and_one_message_says_why(file):
    """The message is the same each time, so that a log has it once and not after each job."""
    warnings: list[str] = []
    saved = JsonFile(file, "durations", lambda tree: tree, warnings.append)
    with full_disk(10_000):
        for _ in range(3):
            saved.save(["x" * 100_000])
    assert '{"old": true}' == file.read_text()
    assert [file.name] == names(file.parent)
    assert 3 == len(warnings)
    assert 1 == len(set(warnings))
    assert "too large" in warnings[0]


def test_one_message_says_that_a_folder_takes_no_files(file, monkeypatch):
    """Without the name of the file that was tried, which is another one each time."""
    warnings: list[str] = []

    def refuse(path, *_args):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "open", refuse)
    for _ in range(2):
        JsonFile(file, "durations", lambda tree: tree, warnings.append).save([])
    assert 1 == len(set(warnings))
    assert f"cannot be saved to {file} (Permission denied)" in warnings[0]


def test_whatever_goes_wrong_nothing_is_left_over(file):
    """A program that is ended in the middle included."""

    def end_halfway() -> None:
        with replacing(file) as new:
            new.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        end_halfway()
    assert ('{"old": true}', [file.name]) == (file.read_text(), names(file.parent))


def test_rights_and_links_stay(file):
    """Who could read it can read it, and who has put it elsewhere finds it there."""
    file.chmod(0o640)
    link = file.parent / "folder" / "link.json"
    link.parent.mkdir()
    link.symlink_to(file)
    write(link)
    assert link.is_symlink()
    assert ("new", 0o640) == (file.read_text(), stat.S_IMODE(file.stat().st_mode))
    assert ["link.json"] == names(link.parent)


def test_a_new_file_has_the_rights_of_any_other(tmp_path):
    """Not those of a temporary one, which nobody else may read."""
    (tmp_path / "plain").write_text("")
    write(tmp_path / "ours")
    assert (tmp_path / "plain").stat().st_mode == (tmp_path / "ours").stat().st_mode


def test_what_a_killed_process_has_left_is_removed_in_time(file):
    """Not at once: another process may be at work on it."""
    old, young, others = (file.parent / f".{name}.tmp" for name in (f"{file.name}.1", f"{file.name}.2", "x"))
    for left in (old, young, others):
        left.write_text("half")
    for left in (old, others):
        os.utime(left, (0, left.stat().st_mtime - LEFT_OVER_S - 1))
    write(file)
    assert sorted([young.name, others.name, file.name]) == names(file.parent)


def test_a_file_that_somebody_reads_is_tried_again(file, monkeypatch):
    """Windows replaces none that is open; readers of small files are soon done."""
    replace, tries = Path.replace, []

    def refuse_twice(self: Path, target: Path) -> Path:
        tries.append(target)
        if len(tries) < 3:
            raise PermissionError(13, "used by another process")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refuse_twice)
    monkeypatch.setattr(files, "HELD_TRIES", 5)
    monkeypatch.setattr(files, "HELD_PAUSE_S", 0.0)
    write(file)
    assert (3, "new") == (len(tries), file.read_text())
