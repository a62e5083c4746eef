"""The wheel: `track` works where there is nothing of ours but that, beside torch and diffusers."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from bench.commands.environment import REPOSITORY

PROGRAM = """
import sys
from pathlib import Path
from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel
import zluda_sync
from zluda_sync import Progress, SyncMode, track

assert Path(sys.prefix) in Path(zluda_sync.__file__).parents, zluda_sync.__file__
unet = UNet2DModel(
    sample_size=16, block_out_channels=(8, 8), layers_per_block=1, norm_num_groups=2,
    down_block_types=("DownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "UpBlock2D"),
)
pipe = DDPMPipeline(unet, DDPMScheduler(num_train_timesteps=10))
told = []
with track(pipe, on_progress=told.append, folder=sys.argv[1]) as job:
    pipe(num_inference_steps=5)
assert isinstance(told[-1], Progress) and job.progress.mode is SyncMode.EVERY_STEP
print(job.progress.completed, job.progress.total, job.progress.fraction, job.explanation, sep="|")
"""


def run(*command: str | Path, folder: Path) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, as anybody builds it."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"  # a build leaves folders behind, and takes in what an earlier one has left
    shutil.copytree(REPOSITORY / "extensions" / "zluda_sync", source / "extensions" / "zluda_sync")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, source)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--no-deps")
    try:
        run(*pip, source, "--wheel-dir", folder, folder=folder)
    except AssertionError as failure:
        if "No matching distribution" in str(failure) or "connection" in str(failure).lower():
            pytest.skip("what builds a wheel cannot be had here")
        raise
    (built,) = folder.glob("zluda_sync-*.whl")
    return built


def test_track_works_from_the_wheel_alone(wheel, tmp_path):
    """In an environment with torch and diffusers, and no way to this repository."""
    place = tmp_path / "environment"
    venv.create(place, with_pip=False)
    python = place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python, "install")
    run(*pip, "--no-deps", "--no-index", wheel, folder=tmp_path)
    library = run(
        python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", folder=tmp_path
    ).strip()
    (Path(library) / "torch_and_diffusers.pth").write_text(sysconfig.get_path("purelib"))
    out = run(python, "-I", "-c", PROGRAM, tmp_path, folder=tmp_path)
    assert "5|5|1.0|the cpu blocks by itself" in out
