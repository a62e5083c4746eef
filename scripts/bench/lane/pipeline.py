"""A whole pipeline of diffusers under `track`: bar and time left against what CUDA's own events say."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from bench.lane.machine import lend_book
from bench.lane.measuring import MODES, Bench
from bench.lane.networks import REAL, build_network
from bench.lane.report import Report
from bench.truth.figures import SAMPLE_PERIOD_S, build_figures
from bench.truth.measured_job import MeasuredJob, Sample
from bench.truth.recorder import TruthRecorder, build_marks
from bench.truth.sampler import Poller
from zluda_sync import track
from zluda_sync.core.steps.policy import SyncMode
from zluda_sync.pipeline.track_session import session_in

PROMPT = "a red circle on blue"
COLUMNS = (
    ("case", "case", ""),
    ("mode", "mode", ""),
    ("total_s", "wall s", ".3f"),
    ("ratio", "/ bare", ".3f"),
    ("run_ahead_max", "run-ahead", "d"),
    ("step_error_max", "step error", "d"),
    ("leads", "lead", "d"),
    ("bar_error_mean", "bar error", ".3f"),
    ("bar_error_max", "max", ".3f"),
    ("falls", "falls", "d"),
    ("early_full_s", "early 100 % s", ".2f"),
    ("eta_error_mean", "ETA error", ".3f"),
    ("eta_coverage", "coverage", ".2f"),
)
SLOW_S = {"text_encoder": 0.05, "unet": 0.12, "vae.decoder": 0.4}


def measure_pipeline(report: Report) -> None:
    """Keep a table of text to image in every mode: the first job of its kind, and one once it is known."""
    bench = Bench(report)
    with report.case("the pipeline"):
        pipe, arguments = build_pipeline(bench)
        if report.is_quick:
            arguments = {**arguments, "num_inference_steps": 4}
        pipe(PROMPT, **{**arguments, "num_inference_steps": 2})  # loads kernels
    if report.failed:
        return
    case = f"SD1.5 {arguments['height']}"
    bare_s: float | None = None
    with report.rows("text to image under `track`", COLUMNS) as rows:
        with report.case("the bare pipeline", keeps_memory=True):
            bare_s = min(_run_bare(bench, pipe, arguments) for _ in range(2))
            rows.put({"case": case, "mode": "bare pipeline", "total_s": bare_s, "ratio": 1.0})
        for mode in MODES:
            with (
                report.case(f"the pipeline in {mode.value}", keeps_memory=True),
                tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
            ):
                lend_book(report, Path(folder))
                for run in ("first", "learned"):
                    figures = build_figures(_run_tracked(bench, pipe, arguments, mode, folder))
                    total_s = figures["total_s"]
                    ratio = total_s / bare_s if total_s and bare_s else None
                    row = {"case": f"{case} {run}", "mode": mode.value, **figures, "ratio": ratio}
                    rows.put({**row, "leads": figures["lead_samples"]})
                session_in(folder)._saver.flush()  # nothing comes into a folder that is gone


def build_pipeline(bench: Bench) -> tuple[Any, dict[str, Any]]:
    """Return Stable Diffusion of its real size with random weights, and what to ask it for.

    On the emulated device it is a tiny one.
    """
    from bench.host import tiny_model

    pipe = tiny_model.build_pipeline()
    if bench.is_cuda:
        from diffusers import AutoencoderKL
        from transformers import CLIPTextConfig, CLIPTextModel

        config = {**pipe.text_encoder.config.to_dict(), "hidden_size": 768, "intermediate_size": 3072}
        config |= {"num_hidden_layers": 12, "num_attention_heads": 12, "projection_dim": 768}
        with torch.device(bench.device):
            vae = AutoencoderKL(
                block_out_channels=(128, 256, 512, 512),
                down_block_types=("DownEncoderBlock2D",) * 4,
                up_block_types=("UpDecoderBlock2D",) * 4,
                layers_per_block=2,
                sample_size=512,
            )
            encoder: Any = CLIPTextModel(CLIPTextConfig(**config))
        pipe.register_modules(
            unet=build_network(REAL["sd15"], bench.device), vae=vae.eval(), text_encoder=encoder.eval()
        )
        return pipe.to(bench.device, torch.float16), {
            "height": 1024,
            "width": 1024,
            "num_inference_steps": 30,
        }
    from modules.emulated_device import slow_down

    pipe.to(bench.device)
    for name, slow_s in SLOW_S.items():
        slow_down(_find(pipe, name), lambda args, kwargs, slow_s=slow_s: slow_s, name)
    return pipe, {"height": 256, "width": 256, "num_inference_steps": 8}


def _find(owner: Any, path: str) -> Any:
    for name in path.split("."):
        owner = getattr(owner, name)
    return owner


def _run_bare(bench: Bench, pipe: Any, arguments: dict[str, Any]) -> float:
    bench.module.synchronize()
    began_s = time.perf_counter()
    pipe(PROMPT, **arguments)
    bench.module.synchronize()
    return time.perf_counter() - began_s


def _run_tracked(
    bench: Bench, pipe: Any, arguments: dict[str, Any], mode: SyncMode, folder: str
) -> MeasuredJob:
    samples: list[Sample] = []
    marks = build_marks(bench.device.type)
    with TruthRecorder(type(pipe.scheduler), marks) as truth, track(pipe, mode=mode, folder=folder) as job:

        def look() -> None:
            asked_s, progress = time.perf_counter(), job.progress
            answered_s = time.perf_counter()
            if progress is None:
                samples.append(Sample(asked_s, answered_s))
                return
            told = progress.fraction, progress.eta_s, progress.completed, progress.total
            samples.append(Sample(asked_s, answered_s, *told))

        looking = Poller("lane-client", look)
        bench.module.synchronize()
        started_s = time.perf_counter()
        looking.start()
        try:
            pipe(PROMPT, **arguments)
            bench.module.synchronize()
            ended_s = time.perf_counter()
            time.sleep(SAMPLE_PERIOD_S)
        finally:
            looking.stop()
    return MeasuredJob(started_s, ended_s, truth.passes(), tuple(samples))
