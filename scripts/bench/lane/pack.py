"""Packs the lane for a machine with torch and transformers, without diffusers and without a registry.

That machine is taken to run CPython 3.12 on 64-bit Linux. What it has itself is used from there.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

from bench.commands.environment import REPOSITORY, SetupError, read_extra

MOST_BYTES = 64 * 2**20
TARGET_PYTHON = "3.12"
_PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64", "manylinux1_x86_64")
ENTRY = "run_lane.py"
#: What travels, from the repository's root.
FOLDERS = ("extensions/zluda_sync", "modules", "scripts/bench")
#: Models with weights, and what nobody reads there.
LEFT_OUT = (
    "__pycache__",
    "shapes_model",
    "moving_shapes",
    "docs",
    "campaigns",
    "tiny_pipelines",
    "real_host",
)
#: In the versions of the repository's own environment.
PINNED = ("diffusers", "gradio", "fastapi", "uvicorn")
#: What these ask for and transformers does not bring along.
THEIR_NEEDS = (
    "importlib_metadata==10.2.0",
    "zipp==4.1.2",
    "starlette==1.10.0",
    "pydantic==2.14.4",
    "pydantic_core==2.50.5",
    "annotated-types==0.8.0",
    "annotated-doc==0.0.7",
    "typing-inspection==0.4.5",
    "opentelemetry-api==1.45.2",
    "gradio_client==2.7.2",
    "python-multipart==0.0.34",
    "orjson==3.13.0",
    "semantic-version==2.10.0",
    "safehttpx==0.1.7",
    "groovy==0.1.2",
    "hf-gradio==0.4.1",
    "pydub==0.25.1",
    "brotli==1.2.1",
    "pytz==2026.6",
    "tomlkit==0.15.2",
    "ffmpy==1.0.0",
)
#: Gradio's page, nine tenths of it: the lane makes none.
_PAGE = ("gradio/templates/", "gradio/_frontend_code/")


def pack(folder: Path) -> int:
    """Make the folder that travels, and return its size in bytes.

    Args:
        folder: must be empty, or not be there.

    Raises:
        SetupError: it is not empty, packages cannot be had, or all is more than 64 MiB.
    """
    if folder.exists() and any(folder.iterdir()):
        raise SetupError(f"{folder} is not empty")
    copy_repository(folder)
    download_wheels(folder / "wheels", choose_wheels())
    size_bytes = measure_bytes(folder)
    if size_bytes > MOST_BYTES:
        raise SetupError(f"{folder} has {size_bytes / 2**20:.1f} MiB, more than {MOST_BYTES / 2**20:.0f}")
    return size_bytes


def copy_repository(folder: Path) -> None:
    """Copy what the lane needs of the repository, and its entry."""
    for name in FOLDERS:
        ignored = shutil.ignore_patterns(*LEFT_OUT)
        shutil.copytree(REPOSITORY / name, folder / name, ignore=ignored, dirs_exist_ok=True)
    shutil.copyfile(REPOSITORY / "LICENSE", folder / "LICENSE")
    shutil.copyfile(Path(__file__).with_name(ENTRY), folder / ENTRY)


def choose_wheels() -> list[str]:
    """Return the packages that travel, each with its version."""
    known = read_extra((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"), "host")
    mine = [one.partition(";") for one in known if one.partition("==")[0] in PINNED]
    # Of two versions the one for newer Pythons.
    return [pin.strip() for pin, _, marker in mine if "<" not in marker] + list(THEIR_NEEDS)


def download_wheels(folder: Path, requirements: Sequence[str]) -> None:
    """Fetch the packages as they are for the machine that the lane travels to.

    Raises:
        SetupError: one cannot be had.
    """
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
        "--only-binary=:all:", "--implementation", "cp", "--python-version", TARGET_PYTHON,
        "--dest", str(folder),
    ]  # fmt: skip
    for platform in _PLATFORMS:
        command += ["--platform", platform]
    run = subprocess.run([*command, *requirements], capture_output=True, text=True, check=False)
    if run.returncode != 0:
        said = [line for line in run.stderr.splitlines() if line.startswith("ERROR")]
        raise SetupError(f"cannot fetch the packages: {said[0] if said else run.stderr.strip()[-300:]}")
    for wheel in folder.glob("gradio-*.whl"):
        leave_out_page(wheel)


def leave_out_page(wheel: Path) -> None:
    """Write Gradio's wheel anew without its page."""
    smaller = wheel.with_suffix(".smaller")
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(smaller, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            if not entry.filename.startswith(_PAGE):
                new.writestr(entry, old.read(entry), zipfile.ZIP_DEFLATED)
    smaller.replace(wheel)


def measure_bytes(folder: Path) -> int:
    """Return the size of all files in a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
