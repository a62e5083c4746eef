"""The stand-in host with the extension on the card, which it takes for one that ZLUDA drives.

The real SD.Next is too big to travel. The host's page is not made, and its model has random weights.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path
from typing import Any

from bench.lane.machine import find_device
from bench.lane.pipeline import COLUMNS
from bench.lane.report import Report
from bench.truth.figures import build_figures
from zluda_sync.device.steps.accelerator import device_module

BACKEND = "zluda"
HOST_MODES = ("off", "auto", "every-step", "run-ahead", "observe")
QUICK_HOST_MODES = ("off", "run-ahead")
#: On the emulated device.
SPEED = ("--step-ms", "100", "--encode-ms", "40", "--decode-ms", "200")
BLOCKS = (320, 640, 640)


def measure_hosted(report: Report) -> None:
    """Keep a table of jobs in the host: with the extension off, and in every mode, learned."""
    device = find_device()
    is_cuda = device.type == "cuda"
    from bench.host import job as jobs
    from bench.host.process import start

    with tempfile.TemporaryDirectory() as folder:
        with report.case("starting the host"):
            model = make_model(Path(folder), is_cuda)
            kind = ("--device", "cuda") if is_cuda else ("--device", "emulated", *SPEED)
            host = start((*kind, "--data-dir", folder, "--model", model))
            from modules import devices

            devices.backend = BACKEND
            jobs.hold_self_test()
        if report.failed:
            return
        session = jobs.current_session()
        with report.case("the host's self-test"):
            session.self_testing.run_now()
            accelerator = session._acting.find_accelerator()
            why = session._acting.decide(session.profile_choice.settings, accelerator).why
            report.line(f"presented as {BACKEND}: {accelerator.kind.title}; {why}")
        size, steps = (768, 30) if is_cuda else (256, 10)
        wanted = jobs.WantedJob(steps=6 if report.is_quick else steps, size_px=size)
        bare_s: float | None = None
        with report.case("warm-up"):
            jobs.run_job(jobs.WantedJob(steps=2, size_px=size), app=host.app)
        with report.rows(f"the stand-in host, its backend presented as {BACKEND}", COLUMNS) as rows:
            for mode in QUICK_HOST_MODES if report.is_quick else HOST_MODES:
                with report.case(f"the host in {mode}"):
                    report.need(4.0)
                    jobs.set_mode(mode)
                    jobs.run_job(wanted, app=host.app)
                    device_module(device).synchronize()
                    runs = [jobs.run_job(wanted, app=host.app) for _ in range(1 if report.is_quick else 2)]
                    figures: dict[str, Any] = build_figures(runs[-1].measured)
                    total_s = statistics.median(run.measured.total_s for run in runs)
                    if mode == "off":
                        bare_s = total_s
                    row = {"case": f"host {size}", "mode": "host alone" if mode == "off" else mode, **figures}
                    row |= {"total_s": total_s, "ratio": total_s / bare_s if bare_s else None}
                    row["leads"] = None if mode == "off" else figures["lead_samples"]
                    rows.put(row)
        jobs.wait_saved()  # nothing comes into a folder that is gone


def make_model(folder: Path, is_cuda: bool) -> str:
    """Save a pipeline with random weights, and return its folder: a tiny one, on a card a middling one."""
    from bench.host import tiny_model

    pipe = tiny_model.build_pipeline()
    if is_cuda:
        from diffusers import UNet2DConditionModel

        pipe.register_modules(
            unet=UNet2DConditionModel(
                sample_size=64,
                block_out_channels=BLOCKS,
                layers_per_block=2,
                cross_attention_dim=pipe.text_encoder.config.hidden_size,
                down_block_types=("CrossAttnDownBlock2D",) * (len(BLOCKS) - 1) + ("DownBlock2D",),
                up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * (len(BLOCKS) - 1),
            ).eval()
        )
    target = folder / "middling-random"
    pipe.save_pretrained(str(target), safe_serialization=True)
    return str(target)
