"""How true the bar of whatever one press makes is, in the real SD.Next: first and learned, mode by mode."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.commands.environment import REPOSITORY
from bench.real_host.server import DEVICE_EXTENSION, TEST_EXTENSIONS, SdNextServer, make_data_folder
from bench.real_host.small_captioner import make_small_captioner
from bench.real_host.small_film_model import make_small_film_model
from bench.real_host.small_upscaler import make_small_upscaler
from bench.real_host.whole_requests import (
    Request,
    build_requests,
    find_misses,
    make_input_folder,
    watch,
)
from bench.terminal.bar import TerminalBar
from bench.terminal.table import Row, build_table
from bench.truth.figures import build_figures

MODES = ("every-step", "run-ahead", "observe")
#: Each request is made so often; the first and the last are judged.
RUNS = 3
#: What a step and a decode of a picture of 256 x 256 cost the device, in seconds.
STEP_S, DECODE_S = 0.4, 1.2
COLUMNS = (
    ("case", "request", ""),
    ("mode", "mode", ""),
    ("run", "run", ""),
    ("total_s", "total s", ".2f"),
    ("bar_error_mean", "bar error", ".3f"),
    ("falls", "falls", "d"),
    ("early_full_s", "early 100 % s", ".2f"),
    ("eta_error_mean", "ETA error", ".3f"),
    ("eta_coverage", "coverage", ".2f"),
    ("missed", "missed", ""),
)


def run_bars(words: Sequence[str], modes: Sequence[str], with_extension: bool) -> int:
    """Measure, and print a table; 0 if every request is as it should be.

    Args:
        words: requests with one of these in their name, all if empty.
        modes: of the extension.
        with_extension: False measures SD.Next alone, which is not judged.
    """
    with tempfile.TemporaryDirectory() as folder:
        server = start_server(Path(folder), with_extension)
        try:
            pictures = Path(folder) / "pictures"
            make_input_folder(pictures)
            requests = [
                one for one in build_requests(pictures) if not words or any(w in one.name for w in words)
            ]
            rows = _measure(server, requests, modes if with_extension else ("alone",))
        finally:
            server.stop()
    print(build_table(rows, COLUMNS))
    missed = [row for row in rows if row["missed"]]
    print(f"{len(rows) - len(missed)} of {len(rows)} as they should be")
    return int(bool(missed) and with_extension)


def start_server(
    data_dir: Path,
    with_extension: bool = True,
    has_ways: bool = False,
    step_s: float = STEP_S,
    decode_s: float = DECODE_S,
) -> SdNextServer:
    """Start an SD.Next with the asynchronous device and scripts that make many pictures.

    Args:
        data_dir: of its own.
        with_extension: False for SD.Next alone.
        has_ways: whether its other ways to make pictures have a device and models, too.
        step_s: what a step of a picture of 256 x 256 costs the device.
        decode_s: what its decode costs.
    """
    make_data_folder(data_dir)
    (model,) = (data_dir / "models" / "Diffusers").iterdir()
    shutil.copytree(model, model.with_name("models--tests--other"), symlinks=True)  # to change between
    server = SdNextServer(data_dir, step_s, decode_s)
    server.install(DEVICE_EXTENSION, "async_device")
    if has_ways:
        make_small_upscaler(data_dir / "models")
        make_small_captioner(data_dir / "models")
        make_small_film_model(data_dir / "models")
        server.install(TEST_EXTENSIONS / "ways_device", "ways_device")
    for name in ("many_cells", "unruly_scripts", "press_device"):
        server.install(TEST_EXTENSIONS / name, name)
    if with_extension:
        server.install(REPOSITORY / "extensions" / "zluda_sync", "zluda_sync")
    server.start()
    if with_extension:
        server.set_options(zluda_sync_enabled=True, zluda_sync_mode="off", torch_sync=False)
    server.run_job(steps=2)  # the first job in a process warms torch up
    return server


def _measure(server: SdNextServer, requests: Sequence[Request], modes: Sequence[str]) -> list[Row]:
    rows: list[Row] = []
    bar, total = TerminalBar(), len(requests) * len(modes)
    try:
        for mode in modes:
            if mode != "alone":
                server.set_options(zluda_sync_mode=mode)
            for request in requests:
                bar.show(len(rows) / 2 / total, f"{mode}: {request.name}")
                rows += _measure_one(server, request, mode)
        bar.show(1.0, "done")
    finally:
        bar.close()
    return rows


def _measure_one(server: SdNextServer, request: Request, mode: str) -> list[Row]:
    watched = [watch(server, request) for _ in range(RUNS)]
    return [
        {
            "case": request.name,
            "mode": mode,
            "run": run,
            **build_figures(seen.job),
            "missed": "; ".join(find_misses(request, seen, run == "first")) if mode != "alone" else "",
        }
        for run, seen in (("first", watched[0]), ("learned", watched[-1]))
    ]
