"""The lane's runner: a part costs only itself, and what it has found is on the disk at once."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.commands.environment import REPOSITORY
from bench.lane.gpu_lane import end
from bench.lane.parts import PARTS, Part
from bench.lane.report import FAILURES, Report, read_records
from bench.lane.runner import Lane, Outcome, build_summary, choose, read_leads

HERE = Path(__file__).parent
#: Well above what a process that imports nothing needs to begin.
START_S = 20.0


def part(function: str, limit_s: float = START_S, least_s: float = 0.0) -> Part:
    return Part(function, "lane_parts", function, limit_s, least_s, "a part of a test")


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    return tmp_path / "out"


def run(out: Path, *parts: Part, limit_s: float = 120.0) -> dict[str, Outcome]:
    lane = Lane(out, limit_s, parts=parts)
    lane.run()
    return {outcome.part.name: outcome for outcome in lane.outcomes}


def has_kept(out: Path, name: str) -> bool:
    text = (out / "tables.txt").read_text(encoding="utf-8")
    return f"[{name}] kept" in text and any("table" in record for record in read_records(out, name))


def test_a_part_that_hangs_is_ended_and_costs_only_itself(out: Path):
    """Its table is kept, it is told of, and the next part runs."""
    outcomes = run(out, part("hang", limit_s=4.0), part("keep_one"))
    assert ("timed out", "done") == (outcomes["hang"].word, outcomes["keep_one"].word)
    assert outcomes["hang"].took_s < START_S
    assert has_kept(out, "hang")
    assert has_kept(out, "keep_one")


def test_a_part_that_is_killed_costs_only_itself(out: Path):
    """What it had found before is there, as text and as JSON."""
    outcomes = run(out, part("die"), part("keep_one"))
    assert ("failed", "done") == (outcomes["die"].word, outcomes["keep_one"].word)
    assert "ended with -9" in outcomes["die"].what
    assert has_kept(out, "die")


def test_a_part_that_raises_leaves_its_traceback(out: Path):
    """In a file, and the next part runs."""
    outcomes = run(out, part("raise_error"), part("keep_one"))
    assert ("failed", "done") == (outcomes["raise_error"].word, outcomes["keep_one"].word)
    traceback = (out / FAILURES).read_text(encoding="utf-8")
    assert 'raise RuntimeError("no such card")' in traceback
    assert has_kept(out, "raise_error")


def test_a_case_that_fails_costs_only_itself(out: Path):
    """The part goes on with the next one, and says which one is missing."""
    outcome = run(out, part("fail_one_case"))["fail_one_case"]
    assert ("done in part", "the first") == (outcome.word, outcome.what)
    assert has_kept(out, "fail_one_case")


def test_a_case_that_there_is_no_time_for_costs_only_itself(out: Path):
    """A shorter one behind it still runs."""
    outcome = run(out, part("run_short_of_time"))["run_short_of_time"]
    assert ("done in part", "the first") == (outcome.word, outcome.what)
    assert "TimeoutError" in said_of(out)
    assert has_kept(out, "run_short_of_time")


def tables(out: Path, name: str) -> dict[str, list[str]]:
    """The cases of each table that a part has told, by its title."""
    records = [record for record in read_records(out, name) if "table" in record]
    return {record["table"]: [row["case"] for row in record["rows"]] for record in records}


def test_the_rows_of_a_part_that_is_ended_are_told(out: Path, capsys: pytest.CaptureFixture[str]):
    """As a table, on the screen too, each row in its last state; a lead among them counts."""
    assert "timed out" == run(out, part("hang_in_a_table", limit_s=4.0))["hang_in_a_table"].word
    assert {"growing, cut off": ["one", "two"]} == tables(out, "hang_in_a_table")
    assert 3 == read_leads(out)
    said = capsys.readouterr().out
    assert said == f"\n=== hang_in_a_table: a part of a test\n{said_of(out)}" + said[said.rindex("===") :]
    assert ["growing: one, lead 0", "growing: two, lead 0", "growing, cut off"] == [
        line.partition("] ")[2] for line in said.splitlines() if line.startswith("[")
    ]


def said_of(out: Path) -> str:
    return (out / "tables.txt").read_text(encoding="utf-8")


def test_a_row_that_fails_costs_only_itself(out: Path):
    """The others are in the table, also where the part fails before its end; it is told once."""
    outcome = run(out, part("fail_in_a_table"))["fail_in_a_table"]
    assert ("done in part", "two, the part") == (outcome.word, outcome.what)
    assert {"growing": ["one", "three"]} == tables(out, "fail_in_a_table")


def test_a_part_is_left_out_where_too_little_time_is_left(out: Path):
    """It is told of, and is not counted as done."""
    outcomes = run(out, part("keep_one", least_s=60.0), limit_s=30.0)
    assert "left out" == outcomes["keep_one"].word
    assert "0 of 1 parts were done." in (out / "summary.md").read_text(encoding="utf-8")


def test_a_step_that_was_reported_too_early_fails_the_lane(out: Path, capsys: pytest.CaptureFixture[str]):
    """Though every part was done."""
    assert "done" == run(out, part("lead"))["lead"].word
    assert 1 == end(True, out)
    assert "1 times a step was reported before it was finished" in capsys.readouterr().err


@pytest.mark.skipif(os.name != "posix", reason="signals are of POSIX")
def test_a_part_ends_with_its_runner(out: Path):
    """However that was ended: nobody is left behind on the card."""
    code = (
        "import sys; from pathlib import Path; from bench.lane.parts import Part; "
        "from bench.lane.runner import Lane; "
        "Lane(Path(sys.argv[1]), parts=[Part('hang', 'lane_parts', 'hang', 90.0, 0.0, '')]).run()"
    )
    path = os.pathsep.join((str(REPOSITORY / "scripts"), str(HERE)))
    runner = subprocess.Popen(
        [sys.executable, "-c", code, str(out)],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: bool(read_records(out, "hang")))
        assert 1 == len(parts_in(out))
    finally:
        runner.kill()
        runner.wait()
    wait_until(lambda: not parts_in(out))


def parts_in(out: Path) -> list[int]:
    """The processes of parts that report to this folder."""
    listed = subprocess.run(
        ["ps", "-ww", "-eo", "pid,args"], capture_output=True, text=True, check=True
    ).stdout
    lines = [line for line in listed.splitlines() if "child.py" in line and str(out) in line]
    return [int(line.split()[0]) for line in lines]


def wait_until(is_so) -> None:
    end_s = time.monotonic() + START_S
    while not is_so():
        assert time.monotonic() < end_s
        time.sleep(0.05)


def test_records_that_were_cut_off_are_left_out(tmp_path: Path):
    """A process may be ended while it writes."""
    report = Report(tmp_path, "a part", time.monotonic() + 1.0)
    report.line("whole")
    with (tmp_path / "records.jsonl").open("a", encoding="utf-8") as records:
        records.write('{"part": "a part", "li')
    assert ["whole"] == [record["line"] for record in read_records(tmp_path)]
    report.line("what comes next")
    assert ["whole", "what comes next"] == [record["line"] for record in read_records(tmp_path)]


def test_the_summary_names_device_versions_and_parts():
    """In Markdown, for whoever has the card."""
    outcome = Outcome(part("hang"), "timed out", 4.0)
    text = build_summary({"device": "a card", "torch": "2.11.0"}, [outcome])
    assert "- device: a card\n- torch: 2.11.0\n" in text
    assert "| hang | a part of a test | timed out | 4 |  |" in text


def test_parts_are_chosen_by_name_and_keep_their_order():
    """All if none is named; a name that is none is told."""
    assert PARTS == choose([])
    assert ["environment", "sd15"] == [one.name for one in choose(["sd15", "environment"])]
    with pytest.raises(ValueError, match="no such part: sd16"):
        choose(["sd16"])


def test_the_lane_fits_into_its_time():
    """Every part has the time that it needs at least, even where all before it take theirs in full."""
    names = [one.name for one in PARTS]
    assert len(names) == len(set(names))
    assert sum(one.least_s for one in PARTS) < 480.0
    assert all(one.least_s < one.limit_s for one in PARTS)
