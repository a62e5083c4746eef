"""Answers of the extension's routes, as a job of 20 steps on a GPU that runs ahead gives them."""

from __future__ import annotations

from typing import Any

STEPS = 20
STEP_S = 0.4
LAUNCH_LEAD_S = 0.38
COMPILE_S = 2.4
ENCODE_S = 0.5
DECODE_S = 1.5


def build_status(job: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return an answer of ``status``; idle without a job."""
    return {
        "version": "0.2.0",
        "is_acting": True,
        "explanation": "your GPU reports truthfully what it has finished; one step of head start is safe",
        "device": "AMD Radeon RX 7900 XTX [ZLUDA]",
        "backend": "zluda",
        "is_zluda": True,
        "profile": {
            "name": "balanced",
            "reason": "chosen in Settings",
            "values": {
                "mode": "run-ahead", "depth": 1, "rung": "auto", "preview": "fitted",
                "preview_budget": 2.0, "preview_interval": 0.0, "gate": "zluda",
            },
        },
        "self_test": {"mode": "run-ahead", "explanation": "one step of head start is safe", "progress": None},
        "problems": [],
        "page": {"bar": True, "favicon": False, "notification": False},
        "queue": [],
        "preview": None,
        "job": job,
        "loading": None,
    }  # fmt: skip


def build_running(completed: int = 7) -> dict[str, Any]:
    """Return the ``job`` of a status in the middle of the steps."""
    return {
        "id": "12", "name": "",
        "label": f"Image 2/3: Denoise {completed}/{STEPS}", "phase": "denoise", "role": "base",
        "cell": 0, "cells": 1,
        "image": 1, "images": 3, "pass_index": 1, "completed": completed, "launched": completed + 2,
        "total": STEPS, "run_ahead": 2, "elapsed_s": 4.2, "fraction": 0.41, "eta_s": 6.1,
        "eta_spread_s": 0.2, "eta_low_s": None, "eta_high_s": None, "is_eta_guessed": False,
        "stretches": build_stretches(),
        "mode": "run-ahead",
        "rung": "planted-event", "is_paused": False, "ending": None, "is_compiling": False,
        "silence_s": None, "notice": "",
    }  # fmt: skip


def build_stretches(images: int = 3) -> list[dict[str, Any]]:
    """Return the ``stretches`` of a job of some images: a short text encoding, steps and a decode of each."""
    shares = {"encode": 0.02, "denoise": 0.78, "decode": 0.2}
    return [
        {"phase": phase, "role": "base", "image": image, "share": share / images}
        for image in range(images)
        for phase, share in shares.items()
    ]


def build_job(name: str = "11", outcome: str = "finished", **changes: Any) -> dict[str, Any]:
    """Return an answer of ``jobs/{id}``; its first step compiles, its twelfth is slow."""
    step_s = [COMPILE_S if index == 0 else 1.1 if index == 11 else STEP_S for index in range(STEPS)]
    ends = [ENCODE_S + sum(step_s[: index + 1]) for index in range(STEPS)]
    launched = [ENCODE_S + 0.02, ENCODE_S + 0.04, *[end + 0.01 for end in ends[: STEPS - 2]]]
    duration = ends[-1] + DECODE_S
    ticks = [duration * index / 100 for index in range(101)]
    stock = [[at, min(1.0, max(0.0, (at - ENCODE_S) / (ends[-1] - ENCODE_S) * 1.6))] for at in ticks]
    stock = [[at, shown if at < ends[-1] else 0.0] for at, shown in stock]

    def part(phase: str, label: str, began: float, ended: float, **more: Any) -> dict[str, Any]:
        return {
            "cell": 0, "phase": phase, "role": "base", "image": 1, "label": label,
            "began_s": began, "ended_s": ended,
            "total": None, "has_compiled": False, "launched_at_s": [], "completed_at_s": [], "step_s": [],
            "outliers": [], "waits": [], **more,
        }  # fmt: skip

    job = {
        "id": name,
        "began_at_s": 1785000000.0 + 60 * int(name),
        "duration_s": duration,
        "outcome": outcome,
        "title": "1 image, 512 x 512",
        "model": "small-model",
        "device": "AMD Radeon RX 7900 XTX [ZLUDA]",
        "width": 512,
        "height": 512,
        "source": "page",
        "mode": "run-ahead",
        "rung": "planted-event",
        "profile": "balanced",
        "profile_reason": "chosen in Settings",
        "steps": STEPS,
        "median_step_s": STEP_S,
        "compile_s": COMPILE_S - STEP_S,
        "wait_s": 0.9,
        "preview_s": 0.11,
        "previews": [{"step": step, "began_s": ends[step], "duration_s": 0.006} for step in range(18)],
        "stop": None,
        "images": None,
        "notice": "",
        "parts": [
            part("encode", "Text encode", 0.0, ENCODE_S),
            part(
                "denoise",
                "Denoise",
                ENCODE_S,
                ends[-1],
                total=STEPS,
                has_compiled=True,
                launched_at_s=launched,
                completed_at_s=ends,
                step_s=step_s,
                outliers=[11],
            ),
            part("decode", "VAE decode", ends[-1], duration),
        ],
        "bar": [[at, min(1.0, at / duration + (0.02 if 1 < at < duration - 1 else 0.0))] for at in ticks],
        "stock_bar": stock,
        "cells": [],
    }
    return {**job, **changes}


def build_stop(phase: str = "decode", ended_s: float = 0.7) -> dict[str, Any]:
    """Return the ``stop`` of a job."""
    return {
        "phase": phase,
        "role": "base",
        "acknowledged_s": 0.2,
        "ended_s": ended_s,
        "launched_steps": 0,
        "queued_steps": 2,
    }


def build_self_test() -> dict[str, Any]:
    """Return an answer of ``selftest`` in which one rung lies and one was not tried."""
    names = ("passive-counter", "planted-event", "lagged-wait", "stream-synchronize", "read-back")
    truth = (True, False, True, None, True)
    reasons = ("", "reported while the GPU was busy", "", "not needed", "")
    return {
        "mode": "run-ahead",
        "explanation": "your GPU reports truthfully what it has finished; one step of head start is safe",
        "progress": None,
        "report": {
            "device": "AMD Radeon RX 7900 XTX [ZLUDA]", "versions": {"driver": "25.8", "torch": "2.7.0"},
            "taken_at_s": 1785000000.0, "duration_s": 6.1, "is_blocking": False, "runs_ahead": True,
            "blocking_launch": None, "work_s": 0.06, "queued_s": 0.001, "frees_interpreter": True,
            "event_time_error": 0.01, "unfinished": "", "event_rung": "passive-counter",
            "rungs": [
                {
                    "name": name, "is_truthful": is_truthful, "reason": reason,
                    "wait_share": None if is_truthful is None else 1.01,
                    "residual_s": None if is_truthful is None else 0.00038,
                    "cost_s": None if is_truthful is None else 2e-6,
                }
                for name, is_truthful, reason in zip(names, truth, reasons, strict=True)
            ],
        },
    }  # fmt: skip


def build_verification() -> dict[str, Any]:
    """Return an answer of ``verification`` of a card that was never checked."""
    return {"progress": None, "doing": "", "failure": "", "verification": None}


def build_checked(**changes: Any) -> dict[str, Any]:
    """Return the ``verification`` of a card on which all is well."""

    def row(mode: str, host_sync: bool, **more: Any) -> dict[str, Any]:
        names = ("bar_error", "step_error", "lead", "previews", "torn", "early")
        return {"mode": mode, "host_sync": host_sync, "wall_s": 0.875, **dict.fromkeys(names), **more}

    told = {"bar_error": 0.01, "step_error": 1, "lead": 0, "previews": 36, "torn": 0, "early": 0}
    return {
        "device": "AMD Radeon RX 7900 XTX [ZLUDA]", "versions": {"torch": "2.7.0"},
        "taken_at_s": 1785000000.0, "duration_s": 39.0, "outcome": "true",
        "sentence": "Your bar is true to 1 step; run-ahead saves 6 % against a full wait after each step.",
        "rung": "planted-event", "saved_share": 0.06, "truth": "timing events",
        "rows": [row("off", True), row("run-ahead", False, **told)],
        "trace": {"mode": "run-ahead", "steps": [[0.0, 0.06, 0.0]]},
        **changes,
    }  # fmt: skip


def own_profile(name: str, values: dict[str, Any]) -> dict[str, Any]:
    """Return a profile of the user's."""
    return {"name": name, "is_builtin": False, "explanation": "", "values": values}


def build_profiles() -> dict[str, Any]:
    """Return an answer of ``profiles`` with one profile of the user's and one rule."""

    def field(name: str, label: str, **more: Any) -> dict[str, Any]:
        empty = dict.fromkeys(("choices", "minimum", "maximum", "step", "default"))
        return {"name": name, "label": label, "info": "", "unit": "", "kind": "number", **empty, **more}

    modes = ["auto", "every-step", "run-ahead", "observe", "off"]
    builtin = {"precise": {"mode": "every-step"}, "balanced": {}, "throughput": {"mode": "observe"}}
    return {
        "chosen": "balanced",
        "profiles": [
            *[
                {"name": name, "is_builtin": True, "explanation": f"What {name} is for.", "values": values}
                for name, values in builtin.items()
            ],
            own_profile("night", {"mode": "observe", "preview_interval": 2.5}),
        ],
        "rules": [{"profile": "throughput", "images_min": 4}],
        "problems": [],
        "fields": [
            field("mode", "When to wait", kind="choice", choices=modes, default="auto", info="Which mode."),
            field("depth", "Head start", minimum=1, maximum=8, step=1, default=1, unit="steps"),
            field("preview_interval", "Time between previews", minimum=0, maximum=60, step=0.5, unit="s"),
        ],
        "conditions": [
            field("images_min", "Batch count, at least", minimum=1, maximum=1000, step=1),
            field("images_max", "Batch count, at most", minimum=1, maximum=1000, step=1),
            field("model", "Model", kind="text", info="* stands for anything"),
            field("source", "Asked for by", kind="choice", choices=["page", "api", "script"]),
        ],
        "config_file": "config.json",
        "not_saved": "",
    }
