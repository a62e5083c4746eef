"""The user's settings file: whole at every moment, and no change lost, whoever else saves or fails."""

from __future__ import annotations

import errno
import json
import os
import stat
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from modules.options import OptionInfo
from tests.full_disk import full_disk
from tests.host.truncating_options import TruncatingOptions
from tests.options import PROFILE
from zluda_sync.core.settings.profiles import ENTRY
from zluda_sync.host.profiles import settings_file
from zluda_sync.host.profiles.option_saver import OptionSaver
from zluda_sync.host.profiles.save_turns import HostSaves
from zluda_sync.host.profiles.store import ProfileRefusedError, ProfileStore

RULES = [{"profile": "off", "steps_min": 3}]
STORED = {"sd_model_checkpoint": "mine", "unknown": {"nested": [1, None]}, "samples_format": "webp"}
SAVE = TruncatingOptions.__dict__["save_atomic"]


class Bench:
    """A host with a settings file, whose saves the test holds where it wants, and the store over it."""

    def __init__(self, folder: Path, stored: dict | None = None) -> None:
        self.file = folder / "config.json"
        self.opts = TruncatingOptions(
            {
                PROFILE: OptionInfo("balanced", "Profile"),
                "sd_model_checkpoint": OptionInfo("", "Model"),
                "samples_format": OptionInfo("jpg", "Format"),
            }
        )
        self.opts.filename = str(self.file)
        if stored is not None:
            self.file.write_text(json.dumps(stored), encoding="utf-8")
        self.opts.load()
        self.queue = threading.Lock()
        self.said: list[str] = []
        host = SimpleNamespace(opts=self.opts, are_settings_frozen=False, settings_file=self.file)
        self.saver = OptionSaver(host, lambda: self.queue, self.said.append)
        self.store = ProfileStore(host, self.saver)

    @property
    def stored(self) -> dict:
        return json.loads(self.file.read_text(encoding="utf-8"))

    @property
    def names(self) -> list[str]:
        return sorted(path.name for path in self.file.parent.iterdir())


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path, STORED)
    yield made
    made.opts.wait_for_saves()
    made.saver.close()
    assert SAVE is TruncatingOptions.__dict__["save_atomic"]


def in_thread(action, *args) -> threading.Thread:
    thread = threading.Thread(target=action, args=args)
    thread.start()
    return thread


def wait_until(is_so) -> None:
    give_up_at_s = time.monotonic() + 20.0
    while not is_so():
        assert time.monotonic() < give_up_at_s
        time.sleep(0.001)


def test_choice_and_rules_are_one_save(bench, monkeypatch):
    """Both stand in the memory before the file is written, so that a save of the host's has them too."""
    synced = []
    sync = os.fsync

    def look(number: int) -> None:
        synced.append((bench.opts.data[ENTRY], bench.opts.data[PROFILE]))
        sync(number)

    monkeypatch.setattr(os, "fsync", look)
    bench.store.save(chosen="auto", rules=RULES)
    assert [({"rules": RULES}, "auto")] == synced
    assert {**STORED, ENTRY: {"rules": RULES}, PROFILE: "auto"} == bench.stored
    assert [] == bench.opts.threads


def test_nothing_else_in_the_file_changes(bench):
    """Its order and its unknown entries stay, and a choice that is the default is not written."""
    bench.store.save(chosen="off")
    assert [*STORED, PROFILE] == list(bench.stored)
    bench.store.save(chosen="balanced")
    assert json.dumps(STORED, indent=2) == bench.file.read_text(encoding="utf-8")
    assert ["config.json"] == bench.names


def test_a_save_of_the_hosts_that_knows_nothing_of_a_change_ends_before_it(bench):
    """It has collected what it writes before the change; written after it, the change would be lost."""
    bench.opts.set("samples_format", "png")
    bench.opts.may_truncate.clear()
    bench.opts.save()
    assert bench.opts.collected.wait(20.0)
    saving = in_thread(lambda: bench.store.save(rules=RULES))
    saving.join(0.3)  # a save that does not wait is over by now, and overwritten in a moment
    bench.opts.wait_for_saves()
    saving.join(20.0)
    assert (RULES, "png") == (bench.stored[ENTRY]["rules"], bench.stored["samples_format"])


def test_a_half_written_file_is_waited_for(bench):
    """Nobody takes it for a broken one."""
    bench.opts.may_finish.clear()
    bench.opts.save()
    assert bench.opts.half_written.wait(20.0)
    saving = in_thread(lambda: bench.store.save(rules=RULES))
    saving.join(0.3)
    bench.opts.wait_for_saves()
    saving.join(20.0)
    assert {**STORED, ENTRY: {"rules": RULES}} == bench.stored
    assert ["config.json"] == bench.names


def test_a_save_of_the_hosts_that_begins_meanwhile_loses_nothing(bench, monkeypatch):
    """It waits until ours is done, and the change that it is for is in the file afterwards."""
    sync = os.fsync

    def save_beside(number: int) -> None:
        monkeypatch.setattr(os, "fsync", sync)
        bench.opts.set("samples_format", "png")
        bench.opts.save()
        bench.opts.threads[0].join(0.3)
        sync(number)

    monkeypatch.setattr(os, "fsync", save_beside)
    bench.store.save(rules=RULES)
    bench.opts.wait_for_saves()
    assert (RULES, "png") == (bench.stored[ENTRY]["rules"], bench.stored["samples_format"])


def test_saves_of_the_hosts_wait_for_each_other_while_somebody_asks_for_that(bench):
    """Two at once leave a file that is no JSON; afterwards the host has its own function back."""
    saves = HostSaves(SimpleNamespace(opts=bench.opts))
    saves.keep("one")
    saves.keep("another")
    bench.opts.may_finish.clear()
    bench.opts.set("samples_format", "png" * 1000)
    bench.opts.save()
    assert bench.opts.half_written.wait(20.0)
    bench.opts.collected.clear()
    bench.opts.set("samples_format", "png")
    bench.opts.save()
    assert not bench.opts.collected.wait(0.3)
    bench.opts.wait_for_saves()
    assert "png" == bench.stored["samples_format"]
    saves.let_go("one")
    assert SAVE is not TruncatingOptions.__dict__["save_atomic"]
    saves.let_go("another")


def test_what_a_request_has_set_for_itself_does_not_get_into_the_file(bench):
    """A checkpoint, for one: it would be the user's for good."""
    with bench.queue:
        bench.opts.data["sd_model_checkpoint"] = "the request's"
        bench.store.save(chosen="auto", rules=RULES)
        assert {**STORED, ENTRY: {"rules": RULES}, PROFILE: "auto"} == bench.stored
        assert bench.saver.not_saved is None
        bench.opts.data["sd_model_checkpoint"] = "mine"
    assert "auto" == bench.opts.data[PROFILE]


def test_a_choice_made_over_a_requests_own_goes_when_the_request_has_ended(bench):
    """The host puts back what stood before the request, and would lose the user's choice with it."""
    with bench.queue:
        bench.opts.data[PROFILE] = "off"
        bench.store.save(chosen="precise")
        bench.store.save(chosen="throughput")
        assert "throughput" == bench.stored[PROFILE]
        bench.opts.data[PROFILE] = "balanced"
    wait_until(lambda: bench.opts.data[PROFILE] == "throughput" and not bench.queue.locked())
    assert "throughput" == bench.stored[PROFILE]


def test_what_the_user_chooses_by_hand_after_that_goes(bench):
    """Also where it is what the host would have put back."""
    with bench.queue:
        bench.opts.data[PROFILE] = "off"
        bench.store.save(chosen="precise")
        bench.opts.set(PROFILE, "balanced")
        bench.saver.note_change_by_hand()
    wait_until(lambda: bench.saver._late._thread is None)
    with bench.queue:
        assert "balanced" == bench.opts.data[PROFILE]


def test_without_a_file_the_host_tells_what_belongs_into_it(tmp_path):
    """While a request runs it has what was chosen only, and the rest when that has ended."""
    bench = Bench(tmp_path)
    bench.opts.data.update(sd_model_checkpoint="mine", samples_format="jpg")
    with bench.queue:
        bench.opts.data["sd_model_checkpoint"] = "the request's"
        bench.store.save(rules=RULES)
        assert {ENTRY: {"rules": RULES}} == bench.stored
        bench.opts.data["sd_model_checkpoint"] = "mine"
    wait_until(lambda: bench.saver._late._thread is None)
    with bench.queue:
        assert {ENTRY: {"rules": RULES}, "sd_model_checkpoint": "mine"} == bench.stored
    bench.file.unlink()
    bench.store.save(chosen="auto")
    assert {ENTRY: {"rules": RULES}, "sd_model_checkpoint": "mine", PROFILE: "auto"} == bench.stored


def test_a_broken_file_is_made_whole_and_kept_aside(bench, monkeypatch):
    """Two saves of the host's have left it so: the memory is the truth, and the text the user's."""
    monkeypatch.setattr(settings_file, "READ_PAUSE_S", 0.0)
    bench.file.write_text('{"sd_model_che')
    bench.store.save(rules=RULES)
    assert {**STORED, ENTRY: {"rules": RULES}} == bench.stored
    assert '{"sd_model_che' == bench.file.with_name("config.json.broken").read_text()


def test_on_a_full_disk_the_file_stays_and_the_user_is_told(bench):
    """The change lasts until the host ends; saved again later, it is in the file with all before it."""
    before = bench.file.read_bytes()
    with full_disk(10):
        bench.store.save(rules=RULES)
        bench.store.save(chosen="auto")
    assert (before, ["config.json"]) == (bench.file.read_bytes(), bench.names)
    assert 1 == len(set(bench.said))
    assert bench.said[0] == bench.saver.not_saved.text
    assert "config.json cannot be written to (File too large)" in bench.said[0]
    assert ({"rules": RULES}, "auto") == (bench.opts.data[ENTRY], bench.opts.data[PROFILE])
    bench.store.save_profile("day", {})
    assert {"rules": RULES, "profiles": {"day": {}}} == bench.stored[ENTRY]
    assert bench.saver.not_saved is None


def test_a_save_of_the_hosts_can_make_good_for_a_failed_one(bench):
    """Nothing false is said when the change is in the file after all."""
    with full_disk(10):
        bench.store.save(rules=RULES)
    bench.opts.save()
    bench.opts.wait_for_saves()
    assert bench.saver.not_saved is None


def refuse_new_files(monkeypatch, number: int) -> None:
    made = os.open

    def refuse(path, flags, *args, **kwargs):
        if str(path).endswith(".tmp"):
            raise OSError(number, os.strerror(number), str(path))
        return made(path, flags, *args, **kwargs)

    monkeypatch.setattr(os, "open", refuse)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_in_a_folder_that_takes_no_files_the_file_itself_is_written(bench, monkeypatch, number):
    """As the host does; with less room than that takes it is as it was."""
    refuse_new_files(monkeypatch, number)
    bench.store.save(rules=RULES)
    assert {**STORED, ENTRY: {"rules": RULES}} == bench.stored
    before = bench.file.read_bytes()
    with full_disk(len(before) + 20):
        bench.store.save(rules=[{"profile": "off", "steps_min": 30}, {"profile": "precise", "images_min": 5}])
    assert before == bench.file.read_bytes()
    assert bench.saver.not_saved is not None


def test_a_file_that_is_mounted_by_itself_is_written_in_place(bench, monkeypatch):
    """Containers mount config.json alone, and nothing can take its place."""

    def refuse(self, _target):
        raise OSError(errno.EBUSY, "Device or resource busy")

    monkeypatch.setattr(Path, "replace", refuse)
    bench.store.save(rules=RULES)
    assert {**STORED, ENTRY: {"rules": RULES}} == bench.stored
    assert ["config.json"] == bench.names


def test_a_file_that_must_not_be_written_to_is_not_replaced(bench, monkeypatch):
    """A right to the folder is none to the file."""
    opened = Path.open

    def refuse(self, mode="r", *args, **kwargs):
        if self == bench.file and "+" in mode:
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(self, mode, *args, **kwargs)

    monkeypatch.setattr(Path, "open", refuse)
    bench.store.save(rules=RULES)
    assert STORED == bench.stored
    assert "Permission denied" in bench.saver.not_saved.text


def test_links_and_rights_stay(bench):
    """A file that several names lead to is still one file, and its rights are what they were."""
    bench.file.chmod(0o640)
    link = bench.file.with_name("link.json")
    link.symlink_to(bench.file)
    bench.saver._host.settings_file = link
    bench.store.save(rules=RULES)
    assert link.is_symlink()
    assert 0o640 == stat.S_IMODE(bench.file.stat().st_mode)
    hard = bench.file.with_name("hard.json")
    hard.hardlink_to(bench.file)
    bench.store.save(chosen="auto")
    assert {**STORED, ENTRY: {"rules": RULES}, PROFILE: "auto"} == bench.stored
    assert hard.samefile(bench.file)


def test_what_another_process_has_saved_stays(bench, tmp_path):
    """Its settings, and its profiles beside ours."""
    bench.store.save_profile("ours", {})
    other = Bench(tmp_path)
    other.opts.set("samples_format", "png")
    other.store.save_profile("theirs", {})
    other.opts.save()
    other.opts.wait_for_saves()
    bench.store.save_profile("ours too", {})
    assert ["ours", "theirs", "ours too"] == list(bench.stored[ENTRY]["profiles"])
    assert "png" == bench.stored["samples_format"]
    assert "theirs" in bench.store.book.profiles


def test_what_somebody_writes_who_heeds_no_lock_is_read_again(bench, monkeypatch):
    """Between our reading and our writing, by hand for one."""
    sync = os.fsync

    def write_beside(number: int) -> None:
        monkeypatch.setattr(os, "fsync", sync)
        bench.file.write_text(json.dumps({**STORED, "samples_format": "by hand"}))
        sync(number)

    monkeypatch.setattr(os, "fsync", write_beside)
    bench.store.save(rules=RULES)
    assert {**STORED, "samples_format": "by hand", ENTRY: {"rules": RULES}} == bench.stored


@pytest.mark.parametrize("value", ["\ud800", float("nan")])
def test_what_would_cost_the_host_every_setting_is_refused(bench, value):
    """Its reader knows neither: the whole file would count as broken at the next start."""
    bench.opts.data[ENTRY] = {"profiles": {"broken": {"note": value}}}
    bench.file.unlink()
    with pytest.raises(ProfileRefusedError, match="cannot be kept as JSON"):
        bench.store.save(rules=RULES)
    assert not bench.file.exists()
