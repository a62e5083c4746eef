"""What is said of a release of SD.Next, and of the rings' tests with another Python."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.commands.ring_tests import read_outcome
from bench.real_host.releases import (
    Release,
    build_grid,
    build_release_ways,
    find_log_misses,
    find_step_misses,
    named_host,
    read_release,
    tell_failure,
)
from bench.real_host.server import NAMES


@pytest.fixture
def release(tmp_path: Path) -> Release:
    """A release with a list of changes."""
    (tmp_path / "launch.py").touch()
    (tmp_path / "CHANGELOG.md").write_text(
        "# Changes\n\n## Update for 2025-10-18\n\n## Update for 2025-09-15\n"
    )
    (tmp_path / "python").touch()
    return Release(tmp_path, tmp_path / "python")


def test_a_release_is_named_by_its_newest_change(release):
    """As SD.Next's own list of changes tells it."""
    assert "2025-10-18" == release.name


def test_a_release_without_a_list_of_changes_is_named_by_its_folder(tmp_path: Path):
    """A name is better than none."""
    assert tmp_path.name == Release(tmp_path, Path("python")).name


def test_a_release_is_read_from_its_folder_and_python(release):
    """As the command line gives both."""
    assert release == read_release(f"{release.folder}={release.python}")


@pytest.mark.parametrize(
    ("text", "named"), [("{}/none={}/python", "no folder"), ("{}", "no Python"), ("{}={}/none", "none")]
)
def test_what_is_no_release_is_told_in_one_line(release, text, named, capsys):
    """Before anything is started."""
    with pytest.raises(SystemExit) as exit_:
        read_release(text.format(release.folder, release.folder))
    assert 2 == exit_.value.code
    (line,) = capsys.readouterr().err.splitlines()
    assert named in line


def test_the_environment_names_a_release_only_while_it_is_measured(release, monkeypatch):
    """What stood there before stands there after, absence too."""
    monkeypatch.setenv(NAMES[0], "before")
    monkeypatch.delenv(NAMES[1], raising=False)
    with named_host(release):
        assert [str(release.folder), str(release.python)] == [os.environ[name] for name in NAMES]
    assert ["before", None] == [os.environ.get(name) for name in NAMES]


XYZ = {"X type": "Nothing", "X values": "", "Y type": "Nothing", "Use text inputs": False}
AXES = ["Nothing", "[Prompt] Prompt", "[Param] Steps"]
ARGUMENTS = [
    {"label": label, "value": value, "choices": AXES if label.endswith("type") else None}
    for label, value in XYZ.items()
]
SCRIPTS = [
    {"name": "xyz grid", "is_alwayson": True, "args": [{"label": "Enabled", "value": False}, *ARGUMENTS]},
    *[{"name": "xyz grid", "is_alwayson": False, "args": ARGUMENTS}] * 2,
]


def test_each_release_is_asked_for_what_the_bars_differ_in():
    """One picture, several, several passes, and several cells."""
    assert ["picture", "2 pictures", "hires", "grid"] == [way.name for way in build_release_ways(SCRIPTS)]


def test_a_grid_is_asked_for_in_the_words_of_the_release():
    """What is not asked for stays as it has it, what it has not is not sent, and an axis is a number."""
    assert {
        "script_name": "xyz grid",
        "script_args": [2, "4,8,12", 0, True],
    } == build_grid(SCRIPTS)


@pytest.mark.parametrize(
    ("error", "leads", "missed"),
    [
        (0, 0, []),
        (1, 0, []),
        (2, 0, ["told a step 2 late"]),
        (1, 3, ["told 3 steps before they were finished"]),
    ],
)
def test_a_step_is_told_one_late_at_most_and_never_early(error, leads, missed):
    """In every release."""
    assert missed == find_step_misses(error, leads)


@pytest.mark.parametrize(
    ("log", "missed"),
    [
        ("12:00 INFO ZLUDA Sync: self-test in 1 s", []),
        ("12:00 ERROR GFPGan failed to initialize", []),
        ("12:00 ERROR ZLUDA Sync: progress failed", ["12:00 ERROR ZLUDA Sync: progress failed"]),
        ("Traceback (most recent call last)", ["a traceback in the log"]),
    ],
)
def test_errors_are_found_in_a_hosts_log(log, missed):
    """Ours, and any traceback; not what the host says of itself."""
    assert missed == find_log_misses(log)


@pytest.mark.parametrize(
    ("printed", "code", "outcome"),
    [
        ("....\n4 passed in 1.2s", 0, (4, 0, 0, "")),
        ("1 passed, 2 skipped in 1.2s", 0, (1, 2, 0, "")),
        (
            "FAILED tests/a.py::b - assert 1\n1 failed, 3 passed, 1 error in 2s",
            1,
            (3, 0, 2, "FAILED tests/a.py::b - assert 1"),
        ),
        ("no tests ran in 0.1s", 5, (0, 0, 0, "no tests ran in 0.1s")),
        ("", 1, (0, 0, 0, "exit code 1")),
    ],
)
def test_the_outcome_of_tests_is_read_from_their_last_line(printed, code, outcome):
    """A run without a test is a miss, too."""
    read = read_outcome(printed, code)
    assert outcome == (read["passed"], read["skipped"], read["failed"], read["missed"])


@pytest.mark.parametrize(
    ("failure", "told"), [(AssertionError("not ready\nlog"), "not ready"), (OSError(), "OSError")]
)
def test_what_ended_a_measurement_is_told_in_one_line(failure, told):
    """It stands in the table, beside the releases that were measured."""
    assert told == tell_failure(failure)
