"""Jobs over a restart: whole or not at all, of a bounded size, without what tells of the user."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from dataclasses import fields, replace
from pathlib import Path

import pytest

from tests.core.test_job_record import job_of_one_pass, record_of
from zluda_sync.core.phase import BASE, Phase
from zluda_sync.core.records import kept_jobs
from zluda_sync.core.records.job_record import ImageCount, JobRecord, Outcome, StopRecord
from zluda_sync.core.records.kept_form import MOST_BYTES, read_record, write_record
from zluda_sync.core.records.kept_jobs import MOST_APPENDED, MOST_KEPT, KeptJobs
from zluda_sync.core.records.part_record import PartRecord, TimedStep
from zluda_sync.core.settings.conditions import Asker, JobTraits
from zluda_sync.core.steps.policy import SyncMode

TRAITS = JobTraits(1, 2, 512, 768, 20, "sdxl", "folder/some model.safetensors", "Radeon [ZLUDA]", Asker.API)
STOP = StopRecord(SyncMode.RUN_AHEAD, Phase.DECODE, BASE, None, 0.5, 1, 2)


def record(job_id: str = "1", steps: int = 3, **changes) -> JobRecord:
    """Return the record of a job of so many steps, with a part of each kind."""
    made = record_of(job_of_one_pass([float(2 + step) for step in range(steps)]), id=job_id, traits=TRAITS)
    usual = {"previews": (TimedStep(1, 0.25, 0.5),), "stop": STOP, "bar": ((0.0, 0.0), (1.0, 0.5))}
    usual["images"] = ImageCount(3, 2)
    return replace(made, **{**usual, **changes})


@pytest.fixture
def keep(tmp_path):
    """Return a function that begins to keep jobs in a folder, and what it said."""
    opened, said = [], []

    def begin(is_wanted=lambda: True) -> KeptJobs:
        opened.append(KeptJobs(tmp_path / "zluda_sync" / "jobs.jsonl", is_wanted, said.append))
        return opened[-1]

    begin.said, begin.file = said, tmp_path / "zluda_sync" / "jobs.jsonl"
    yield begin
    for one in opened:
        one.close()


def write(keep, *records: JobRecord) -> None:
    """Keep records, as a host does that is started for them and ended."""
    kept = keep()
    for one in records:
        kept.put(one)
    kept.close()


def ids(kept: KeptJobs) -> list[str]:
    return [one.id for one in kept.newest_first]


def test_a_record_comes_back_as_it_was():
    """But for what is not kept, and with its figures beside it."""
    made = record()
    back = read_record(json.loads(write_record(made)))
    expected = replace(made, traits=replace(TRAITS, model="some model.safetensors"), totals=back.totals)
    assert expected == back
    for name in ("steps", "median_step_s", "compile_s", "wait_s", "preview_s", "preview_count"):
        assert getattr(made, name) == getattr(back, name) is not None


def test_nothing_is_kept_that_tells_of_the_user():
    """Neither where the model lies, nor what an error said."""
    text = write_record(record(notice="no previews of this job: /home/me/secret"))
    assert "folder" not in text and "secret" not in text
    assert {"parts", "previews", "bar", "stock_bar", "stop", "totals"} <= {
        one.name for one in fields(JobRecord)
    }
    assert not {"prompt", "image", "path"} & {one.name for one in fields(JobRecord)}


@pytest.mark.parametrize("steps", [20, 150, 2000])
@pytest.mark.parametrize("parts", [1, 10, 300])
def test_a_record_has_a_bounded_size_and_its_true_figures(steps, parts):
    """The longer a job was, the less of it is kept; its figures are those of the whole."""
    made = record(steps=steps)
    made = replace(
        made,
        parts=tuple(replace(made.parts[0], image=image) for image in range(parts)),
        bar=tuple((float(second), second / 500) for second in range(480)),
        stock_bar=tuple((float(second), second / 500) for second in range(480)),
    )
    text = write_record(made)
    back = read_record(json.loads(text))
    assert len(text) <= MOST_BYTES
    assert (steps * parts, made.median_step_s) == (back.steps, back.median_step_s)
    assert (made.stop, made.images) == (back.stop, back.images)
    assert "\n" not in text


def test_of_the_shortest_record_the_outcome_is_kept():
    """How it ended, how many images were made and how Stop went; words are cut."""
    made = record(profile_reason="because " * 9000)
    back = read_record(json.loads(write_record(made)))
    assert (made.outcome, made.images, made.stop) == (back.outcome, back.images, back.stop)


def test_a_usual_job_keeps_the_time_of_each_step():
    """20 steps, in about 3 kB."""
    text = write_record(record(steps=20))
    assert 20 == len(read_record(json.loads(text)).parts[0].step_s)
    assert len(text) < 3500


def test_what_a_later_version_adds_is_left_out_and_what_it_lacks_has_its_default():
    """A record can get fields."""
    tree = json.loads(write_record(record()))
    tree["weather"] = [1, 2]
    tree["parts"][0]["wind"] = 3
    del tree["stop"], tree["parts"][0]["waits"]
    back = read_record(tree)
    assert (None, ()) == (back.stop, back.parts[0].waits)


@pytest.mark.parametrize(
    "change",
    [
        {"outcome": "vanished"}, {"began_at_s": "today"}, {"duration_s": True}, {"parts": 3},
        {"traits": None}, {"id": 5}, {"bar": [[1.0]]}, {"parts": [{"phase": "x"}]}, {"began_at_s": 1e999},
    ],
    ids=str,
)  # fmt: skip
def test_a_tree_of_another_form_is_no_record(change):
    """It is refused with one kind of error."""
    tree = json.loads(write_record(record()))
    with pytest.raises(ValueError, match=r"."):
        read_record({**tree, **change})


def test_jobs_are_there_after_a_restart(keep):
    """Newest first."""
    write(keep, *(record(str(number), began_at_s=1e9 + number) for number in (1, 2, 3)))
    kept = keep()
    assert ["3", "2", "1"] == ids(kept)
    assert 3 == kept.find("2").steps
    assert kept.find("9") is None
    assert [] == keep.said


def test_numbers_count_on_after_a_restart(keep):
    """Those of lost jobs and of later jobs of a request too."""
    kept = keep()
    assert ["1", "2"] == [kept.new_id(), kept.new_id()]
    kept.put(record("7.2", outcome=Outcome.RUNNING))
    kept.close()
    assert "8" == keep().new_id()


def test_a_job_that_ran_when_the_host_was_killed_is_lost(keep):
    """Nobody knows for how long it ran; one that ended is not."""
    running = {"outcome": Outcome.RUNNING, "parts": (), "stop": None}
    write(keep, record("1", **running), record("1"), record("2", **running))
    kept = keep()
    assert (Outcome.LOST, None) == (kept.find("2").outcome, kept.find("2").duration_s)
    assert Outcome.FINISHED is kept.find("1").outcome
    write(keep)
    kept.close()
    write(keep, record("3"))
    assert {"1", "2", "3"} == set(ids(keep()))


def test_a_job_that_runs_now_is_not_told_as_one_that_has_ended(keep):
    """Neither here nor by another host that shares the folder."""
    kept = keep()
    kept.put(record("1", outcome=Outcome.RUNNING))
    kept.put(record("2"))
    file = kept._file
    while not (file.exists() and '"id":"2"' in file.read_text(encoding="utf-8")):
        pass
    other = keep()
    assert [["2"], ["2"]] == [ids(kept), ids(other)]


@pytest.mark.parametrize("cut", [2, 10, 200])
def test_a_line_that_a_kill_has_torn_is_not_read(keep, cut):
    """What was whole before it is, and what comes after it will be."""
    write(keep, record("1"), record("2"))
    keep.file.write_bytes(keep.file.read_bytes()[:-cut])
    kept = keep()
    assert ["1"] == ids(kept)
    kept.close()
    write(keep, record("3"))
    assert {"1", "3"} == set(ids(keep()))
    assert [] == keep.said


def test_a_kill_at_any_moment_leaves_what_was_kept(keep):
    """A process that writes without end is killed again and again."""
    write(keep, *(record(str(number)) for number in range(1, 4)))
    program = (
        "import sys; from pathlib import Path; from tests.core.test_kept_jobs import record;"
        "from zluda_sync.core.records import kept_jobs; kept_jobs.MOST_APPENDED = 1;"
        "kept = kept_jobs.KeptJobs(Path(sys.argv[1]), lambda: True, print);"
        "print('ready', flush=True);"
        "[kept.put(record(str(10 + number % 50))) for number in range(10**6)]"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for _ in range(3):
        run = [sys.executable, "-c", program, str(keep.file)]
        with subprocess.Popen(run, stdout=subprocess.PIPE, env=environment) as writer:
            writer.stdout.readline()
            size = keep.file.stat().st_mtime_ns
            while keep.file.stat().st_mtime_ns == size:
                pass
            writer.kill()
        kept = keep()
        assert {"1", "2", "3", "10"} <= set(ids(kept))
        kept.close()
    assert [] == keep.said


def test_the_file_is_bounded(keep):
    """Whatever the jobs, it is written anew before it gets larger than it says."""
    kept, largest = keep(), 0
    for number in range(MOST_KEPT + 2 * MOST_APPENDED + 10):
        kept._write(record(str(number), outcome=Outcome.RUNNING))
        kept._write(record(str(number), steps=150))
        largest = max(largest, keep.file.stat().st_size)
    assert MOST_KEPT == len(ids(kept))
    assert largest < (MOST_KEPT + MOST_APPENDED) * (MOST_BYTES + 600) < 5.2e6


@pytest.mark.parametrize("text", ['{"version": 2}\n{"id": "1"}\n', "no JSON", "", "[]\n", '"x"\n', "\xff\n"])
def test_a_file_of_another_version_is_set_aside_with_a_word(keep, text):
    """Not lost, and not written over."""
    keep.file.parent.mkdir()
    keep.file.write_text(text, encoding="latin-1")
    write(keep, record("1"))
    assert text == keep.file.with_suffix(".broken.jsonl").read_text(encoding="latin-1")
    assert ["1"] == ids(keep())
    (word,) = keep.said
    assert "cannot be used" in word and "jobs.broken.jsonl" in word


def test_a_line_of_no_form_spoils_no_other(keep):
    """As after a fault of the disk."""
    write(keep, record("1"), record("2"))
    header, first, second = keep.file.read_text("utf-8").splitlines()
    nonsense = '5\n{\n{"id": "x"}\n[]'
    keep.file.write_text(f"{header}\n{first}\n{nonsense}\n{second}\n", "utf-8")
    assert {"1", "2"} == set(ids(keep()))


def test_two_hosts_that_share_a_folder_keep_a_file_each(keep):
    """Each sees what the other had kept when it began, and no id is given twice."""
    write(keep, record("1", began_at_s=1e9))
    first, second = keep(), keep()
    assert [["1"], ["1"]] == [ids(first), ids(second)]
    names = [first.new_id(), second.new_id(), first.new_id()]
    assert ["2", "2-1", "3"] == names
    for kept, job_id in zip((first, second, first), names, strict=True):
        kept.put(record(job_id))
    first.close()
    second.close()
    assert {"1", "2", "2-1", "3"} == set(ids(keep()))
    assert [] == keep.said


def test_two_processes_do_not_write_each_others_file(keep):
    """Nor does one take the file of another that lives."""
    kept = keep()
    kept.put(record(kept.new_id()))
    program = (
        "import sys; from pathlib import Path; from tests.core.test_kept_jobs import record;"
        "from zluda_sync.core.records.kept_jobs import KeptJobs;"
        "kept = KeptJobs(Path(sys.argv[1]), lambda: True, print);"
        "[kept.put(record(kept.new_id())) for _ in range(50)]; kept.close()"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", program, str(keep.file)], env=environment, check=True, timeout=60)
    kept.put(record(kept.new_id()))
    kept.close()
    assert {"1", "2", *(f"2-{number}" for number in range(1, 51))} == set(ids(keep()))


def test_a_fifth_host_keeps_none_and_says_so(keep):
    """Its ids are unlike those of the others all the same."""
    names = [keep().new_id() for _ in range(5)]
    assert ["1", "2-1", "3-1", "4-1"] == names[:4]
    assert names[4].endswith("-1") and len(names[4]) > 6
    assert ["4 hosts" in word for word in keep.said] == [True]


def test_switched_off_nothing_is_read_written_or_deleted(keep):
    """And ids are unlike those of before and of after, since nothing tells how far they came."""
    write(keep, record("1"))
    before = keep.file.read_bytes()
    kept = keep(is_wanted=lambda: False)
    kept.put(record("5"))
    first = kept.new_id()
    kept.close()
    assert ([], before) == (ids(kept), keep.file.read_bytes())
    assert first.endswith("-1") and first != "1"
    assert ["jobs.jsonl", "jobs.lock"] == sorted(path.name for path in keep.file.parent.iterdir())


def test_switched_on_later_it_reads_what_was_there(keep):
    """Without a restart."""
    write(keep, record("1"))
    is_wanted = False
    kept = keep(lambda: is_wanted)
    is_wanted = True
    kept.put(record("2"))
    kept.close()
    assert {"1", "2"} == set(ids(keep()))


def test_who_runs_a_job_waits_for_no_disk(keep, monkeypatch):
    """A disk that hangs holds up the thread of the journal alone."""
    kept, hangs, is_over = keep(), threading.Event(), threading.Event()

    def hang(self, text, find_all):
        hangs.set()
        is_over.wait(20)

    monkeypatch.setattr(kept_jobs._Journal, "append", hang)
    kept.put(record("1"))
    assert hangs.wait(20)
    kept.put(record("2"))  # returns
    is_over.set()
    kept.close()
    assert {"1", "2"} == set(ids(kept))


def test_a_disk_that_is_full_is_said_once_and_forgotten_when_it_is_not(keep, monkeypatch):
    """The jobs of this session are kept as long as it lasts, and written as soon as that is possible."""
    kept, append = keep(), kept_jobs._Journal.append

    def fail(self, text, find_all):
        self._is_to_be_written_anew = True
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept_jobs._Journal, "append", fail)
    kept._write(record("1"))
    kept._write(record("2"))
    assert {1} == {keep.said.count(word) // 2 for word in keep.said}  # the log says the same words once
    monkeypatch.setattr(kept_jobs._Journal, "append", append)
    kept._write(record("3"))
    kept.close()
    assert {"1", "2", "3"} == set(ids(keep()))


def test_a_file_lock_ends_with_whoever_has_it(tmp_path: Path):
    """One at a time."""
    first, second = (kept_jobs.FileLock(tmp_path / "x.lock") for _ in range(2))
    assert [True, False] == [first.take(), second.take()]
    first.let_go()
    assert second.take()
    second.let_go()


def test_a_part_of_every_phase_can_be_kept():
    """By its own word."""
    parts = tuple(PartRecord(phase, BASE, 0, 0.0) for phase in Phase)
    assert parts == read_record(json.loads(write_record(record(parts=parts)))).parts
