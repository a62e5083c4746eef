"""Runs jobs with the version of the extension in a folder, and prints what is kept. For a process of its own.

It uses only what each of the last versions has.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from pathlib import Path

#: How long the self-test, which runs by itself once the host is idle, is waited for.
SELF_TEST_LIMIT_S = 60.0
PROFILE = {"values": {"mode": "run-ahead", "depth": 1}}
RULE = {"steps_min": 50, "profile": "kept"}


class Warnings(logging.Handler):
    """Keeps the lines of the extension that warn."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line."""
        if "ZLUDA Sync" in record.getMessage():
            self.lines.append(record.getMessage())


def run_jobs(tree: Path, data_dir: Path, model: str) -> None:
    """Start the stand-in of that version, make two pictures in one request, and print what is kept."""
    sys.path[:0] = [str(tree), str(tree / "scripts")]
    from modules import processing, shared, webui

    warnings = Warnings()
    logging.getLogger("sd").addHandler(warnings)
    webui.start_host(
        [
            "--data-dir", str(data_dir), "--extensions-dir", str(tree / "extensions"), "--device", "emulated",
            "--model", model, "--step-ms", "20", "--encode-ms", "5", "--decode-ms", "10",
        ]
    )  # fmt: skip
    from zluda_sync.host.entry import current_session

    session = current_session()
    assert session is not None
    profiles = session.profiles
    if "kept" not in profiles.book.profiles:
        profiles.save_profile("kept", PROFILE["values"])
        profiles.save(chosen="kept", rules=[RULE])
        shared.opts.set("zluda_sync_depth", 3)
        shared.opts.save()
    phase = shared.state.begin("Text", "task(test)")
    for seed in (1, 2):
        processing.process_images(
            processing.StableDiffusionProcessingTxt2Img(
                prompt="x", seed=seed, steps=4, width=128, height=128, do_not_save_samples=True
            )
        )
    shared.state.end(phase)
    own = data_dir / "zluda_sync"
    deadline_s = time.monotonic() + SELF_TEST_LIMIT_S
    while not (own / "selftest.json").exists() and time.monotonic() < deadline_s:
        time.sleep(0.05)
    is_acting, book = session.is_acting, profiles.book
    told = {
        "is_acting": is_acting,
        "mode": str(getattr(session.records.recent(1)[0], "mode", "")),
        "chosen": shared.opts.data.get("zluda_sync_profile"),
        "profiles": sorted(name for name in book.profiles if name == "kept"),
        "rules": len(book.rules),
        "depth": shared.opts.data.get("zluda_sync_depth"),
        "recent": len(session.records.recent(200)),
    }
    session.close()
    jobs = (own / "jobs.jsonl").read_text(encoding="utf-8").splitlines()
    told |= {
        "job_lines": sum('"id"' in line for line in jobs),
        "files": sorted(file.name for file in own.iterdir() if file.is_file()),
        "warnings": warnings.lines,
    }
    sys.stdout.write(f"\n{json.dumps(told)}\n")


if __name__ == "__main__":
    run_jobs(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
