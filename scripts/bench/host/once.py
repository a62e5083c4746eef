"""One job without a page: a bar on the terminal, the picture in a file, the figures as JSON."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.host.job import PROMPT, FinishedJob, WantedJob, newest_mode, run_job, set_mode
from bench.host.process import build_host_arguments, check_writable, start
from bench.terminal.bar import TerminalBar
from bench.truth.figures import build_figures
from bench.truth.measured_job import Sample

DEFAULT_STEPS = 20
DEFAULT_PICTURE = "once.png"


def run_once(options: argparse.Namespace) -> int:
    """Run the job that the options ask for; its figures are the last line of stdout."""
    picture: Path = options.out or options.data_dir / DEFAULT_PICTURE
    for file in (picture, options.json):
        if file is not None:
            check_writable(file)
    host = start(build_host_arguments(options))
    if options.mode is not None:
        set_mode(options.mode)
    wanted = WantedJob(
        options.steps or DEFAULT_STEPS, options.batch or 1, options.hires, prompt=options.prompt or PROMPT
    )
    job = _run_with_bar(wanted, host.app)
    for file in save_pictures(job.images, picture):
        print(f"picture: {file}", file=sys.stderr)
    line = json.dumps(build_report(job, newest_mode(), wanted))
    if options.json is not None:
        options.json.write_text(line + "\n", encoding="utf-8")
    print(line, flush=True)
    return 0


def build_report(job: FinishedJob, mode: str, wanted: WantedJob) -> dict[str, str | float | int | None]:
    """Return the job's figures by name, with what it was."""
    return {
        "mode": mode,
        "steps": wanted.steps,
        **build_figures(job.measured),
        "image_sha256": job.image_sha256,
    }


def save_pictures(images: Sequence[Any], file: Path) -> list[Path]:
    """Write the pictures as PNG and return their files: the first under this name, others numbered from 2."""
    files = [file] + [file.with_stem(f"{file.stem}-{number}") for number in range(2, len(images) + 1)]
    for image, target in zip(images, files, strict=True):
        image.save(target, format="PNG")
    return files


def _run_with_bar(wanted: WantedJob, app: Any) -> FinishedJob:
    bar = TerminalBar()

    def show(sample: Sample) -> None:
        text = f"step {sample.step}/{sample.steps}  {sample.job}"
        if sample.eta_s is not None:
            text += f"  ETA {sample.eta_s:.1f} s"
        bar.show(sample.progress or 0.0, text)

    try:
        job = run_job(wanted, app=app, on_sample=show)
        bar.show(1.0, f"done in {job.measured.total_s:.1f} s")
        return job
    finally:
        bar.close()
