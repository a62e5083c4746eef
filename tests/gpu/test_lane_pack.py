"""The packed lane: small enough to travel, and complete without the repository and what is installed here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.commands.environment import SetupError
from bench.lane.pack import ENTRY, MOST_BYTES, choose_wheels, copy_repository, measure_bytes, pack
from bench.lane.parts import PARTS
from bench.lane.report import read_records

#: Those that need most of what has travelled.
QUICK_PARTS = ("environment", "pipeline", "host")


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packed folder; where packages cannot be fetched the tests are skipped."""
    folder = tmp_path_factory.mktemp("packed") / "lane"
    try:
        pack(folder)
    except SetupError as failure:
        pytest.skip(str(failure))
    return folder


def run_entry(folder: Path, out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the entry as on another machine: another folder, an empty home, no path but Python's own."""
    home = out.parent / "home"
    home.mkdir()
    environment = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    return subprocess.run(
        [sys.executable, ENTRY, "--out", str(out), "--emulated", "--quick", *options],
        cwd=folder,
        env={**environment, "HOME": str(home), "PIP_NO_INDEX": "1", "OMP_NUM_THREADS": "1"},
        check=False,
        capture_output=True,
        text=True,
        timeout=250,
    )


def test_the_pack_is_small_enough_to_travel(packed: Path):
    """With its packages; each of them is in it, once."""
    assert measure_bytes(packed) <= MOST_BYTES
    wheels = [wheel.name.partition("-")[0].lower() for wheel in (packed / "wheels").glob("*.whl")]
    wanted = [one.partition("==")[0].replace("-", "_").lower() for one in choose_wheels()]
    assert sorted(wanted) == sorted(wheels)


def test_the_packed_lane_runs_without_the_repository(packed: Path, tmp_path: Path):
    """Its modules and its diffusers are its own, it writes to its output alone, and says what it ran on."""
    before = sorted(packed.rglob("*"))
    options = [word for name in QUICK_PARTS for word in ("--part", name)]
    run = run_entry(packed, tmp_path / "out", *options)
    assert 0 == run.returncode, run.stdout + run.stderr
    assert before == sorted(packed.rglob("*"))
    assert [] == list((tmp_path / "home").iterdir())
    summary = (tmp_path / "out" / "summary.md").read_text(encoding="utf-8")
    assert "3 of 3 parts were done." in summary
    assert "- device: Emulated asynchronous device" in summary
    rows = [row for record in read_records(tmp_path / "out") for row in record.get("rows", ())]
    assert {"host alone", "every-step", "run-ahead", "observe"} < {row["mode"] for row in rows}


def test_every_part_is_in_the_pack(tmp_path: Path):
    """What a part is made of travels, down to what its modules import of ours."""
    copy_repository(tmp_path)
    code = (
        "import sys, importlib; sys.path[:0] = ['scripts', '.', 'extensions/zluda_sync']; "
        "mods = [importlib.import_module(name) for name in sys.argv[1:]]; "
        "import bench.host.process, bench.host.tiny_model, modules.webui, zluda_sync.host.entry; "
        "ours = [m.__file__ for n, m in list(sys.modules.items()) "
        "if n.split('.')[0] in ('bench', 'modules', 'zluda_sync') and getattr(m, '__file__', None)]; "
        "print('\\n'.join(ours))"
    )
    names = sorted({one.module for one in PARTS})
    run = subprocess.run(
        [sys.executable, "-c", code, *names],
        cwd=tmp_path,
        env={name: text for name, text in os.environ.items() if name != "PYTHONPATH"},
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert 0 == run.returncode, run.stderr
    files = [Path(line) if Path(line).is_absolute() else tmp_path / line for line in run.stdout.splitlines()]
    assert files
    assert all(file.resolve().is_relative_to(tmp_path.resolve()) for file in files)


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path):
    """Nothing in it is overwritten."""
    (tmp_path / "mine").write_text("mine", encoding="utf-8")
    with pytest.raises(SetupError, match="is not empty"):
        pack(tmp_path)
    assert ["mine"] == [file.name for file in tmp_path.iterdir()]
