"""The measured figures, as pure functions of one measured job.

One definition for every table of the project. `true share` is the time since the request over the job's whole
time, known afterwards. A figure that the job does not tell is None.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence
from dataclasses import replace

from bench.truth.measured_job import MeasuredJob, Sample

SAMPLE_PERIOD_S = 0.1
FULL_BAR = 0.995
ETA_FROM_SHARE = 0.10
ETA_TO_SHARE = 0.97

FIGURE_NAMES = (
    "total_s",
    "bar_error_mean",
    "bar_error_max",
    "falls",
    "early_full_s",
    "eta_error_mean",
    "eta_coverage",
    "step_error_max",
    "lead_samples",
    "run_ahead_max",
    "previews",
    "preview_lag_max",
)


def build_figures(job: MeasuredJob) -> dict[str, float | int | None]:
    """Return every figure of the job, by the names of FIGURE_NAMES and in their order."""
    bar_error_mean, bar_error_max = bar_error(job)
    eta_error_mean, eta_coverage = eta_error(job)
    step_error_max, lead_samples = step_error(job)
    previews, preview_lag_max = preview_lag(job)
    values = (
        job.total_s,
        bar_error_mean,
        bar_error_max,
        falls(job),
        early_full_s(job),
        eta_error_mean,
        eta_coverage,
        step_error_max,
        lead_samples,
        run_ahead_max(job),
        previews,
        preview_lag_max,
    )
    return {
        name: round(value, 4) if isinstance(value, float) else value
        for name, value in zip(FIGURE_NAMES, values, strict=True)
    }


def seen_samples(job: MeasuredJob) -> list[Sample]:
    """Return what the client had in view, ten times a second until the result was there.

    A call that blocks longer than a sample period leaves the page with the answer before it: that answer is
    repeated for every period that passed, or a host that blocks would look better than it is.
    """
    seen: list[Sample] = []
    for sample in job.samples:
        if sample.asked_s < job.started_s:
            continue
        if sample.answered_s > job.ended_s:
            break
        shown = seen[-1] if seen else Sample(asked_s=job.started_s, answered_s=job.started_s)
        missed = int((sample.answered_s - sample.asked_s) / SAMPLE_PERIOD_S)
        for period in range(missed):
            tick_s = sample.asked_s + period * SAMPLE_PERIOD_S
            seen.append(replace(shown, asked_s=tick_s, answered_s=tick_s))
        seen.append(sample)
    return seen


def bar_error(job: MeasuredJob) -> tuple[float | None, float | None]:
    """Return the mean and the largest |bar - true share|; a bar that is not shown stands at 0."""
    errors = [abs((sample.progress or 0.0) - _true_share(job, sample)) for sample in seen_samples(job)]
    return (statistics.fmean(errors), max(errors)) if errors else (None, None)


def falls(job: MeasuredJob) -> int | None:
    """Return how often the bar went back."""
    bars = [sample.progress or 0.0 for sample in seen_samples(job)]
    if not bars:
        return None
    return sum(after < before for before, after in itertools.pairwise(bars))


def early_full_s(job: MeasuredJob) -> float | None:
    """Return for how many seconds the bar stood at 99.5 % or more before the result."""
    seen = seen_samples(job)
    if not seen:
        return None
    until = [sample.answered_s for sample in seen[1:]] + [job.ended_s]
    return sum(
        (
            end_s - sample.answered_s
            for sample, end_s in zip(seen, until, strict=True)
            if (sample.progress or 0.0) >= FULL_BAR
        ),
        0.0,
    )


def eta_error(job: MeasuredJob) -> tuple[float | None, float | None]:
    """Return the mean |ETA - true remaining| as a share of the job, and the share of samples with an ETA.

    Both are taken between 10 and 97 % of the job. A missing ETA counts as 0 s.
    """
    window = [
        sample for sample in seen_samples(job) if ETA_FROM_SHARE <= _true_share(job, sample) <= ETA_TO_SHARE
    ]
    if not window:
        return None, None
    errors = [abs((sample.eta_s or 0.0) - (job.ended_s - sample.answered_s)) for sample in window]
    covered = sum(sample.eta_s is not None for sample in window)
    return statistics.fmean(errors) / job.total_s, covered / len(window)


def step_error(job: MeasuredJob) -> tuple[int | None, int | None]:
    """Return the largest |reported - truly completed| steps, and how many samples reported too many.

    Taken while the device denoises a pass. The device may finish a step during the call: the report is held
    against every count that was true between the question and the answer.
    """
    errors: list[int] = []
    leads = 0
    for sample in job.samples:
        running = job.running_pass(sample.asked_s, sample.answered_s)
        if running is None or sample.step is None:
            continue
        before, after = running.completed_at(sample.asked_s), running.completed_at(sample.answered_s)
        errors.append(max(before - sample.step, sample.step - after, 0))
        leads += sample.step > after
    return (max(errors), leads) if errors else (None, None)


def run_ahead_max(job: MeasuredJob) -> int | None:
    """Return the largest number of steps that were queued and not yet finished by the device."""
    launches = sorted(time_s for one in job.passes for time_s in one.launched_s)
    completions = [one for one in job.passes if one.completed_s]
    if not launches or not completions:
        return None
    return max(
        launched - sum(one.completed_at(time_s) for one in completions)
        for launched, time_s in enumerate(launches, start=1)
    )


def preview_lag(job: MeasuredJob) -> tuple[int | None, int | None]:
    """Return how many previews arrived, and the largest distance in steps from one to the truth.

    The distance is taken when the page first has the picture, against the steps then truly completed. Where
    nothing was sampled both are None.
    """
    if not job.samples:
        return None, None
    lags = []
    arrived = [preview for preview in job.previews if preview.arrived_s <= job.ended_s]
    for preview in arrived:
        latest = job.shown_pass(preview.arrived_s)
        if preview.step is not None and latest is not None:
            lags.append(abs(latest.completed_at(preview.arrived_s) - preview.step))
    return len(arrived), max(lags, default=None)


def first_eta(job: MeasuredJob) -> dict[str, float | None]:
    """Return the first ETA that was shown, when after the request, and how far the total it promises is off.

    The error is |time so far + ETA - total| as a share of the total. Where no ETA was shown all but the total
    is None.
    """
    figures: dict[str, float | None] = dict.fromkeys(("first_eta_at_s", "first_eta_s", "first_eta_error"))
    figures["total_s"] = round(job.total_s, 4)
    for sample in seen_samples(job):
        if sample.eta_s is not None:
            at_s = sample.answered_s - job.started_s
            error = abs(at_s + sample.eta_s - job.total_s) / job.total_s
            return figures | {
                "first_eta_at_s": round(at_s, 4),
                "first_eta_s": round(sample.eta_s, 4),
                "first_eta_error": round(error, 4),
            }
    return figures


def overhead(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Return the median of (wall time / wall time of the same job in observe, unwatched) over the pairs."""
    return round(statistics.median(wall_s / bare_s for wall_s, bare_s in pairs), 4) if pairs else None


def _true_share(job: MeasuredJob, sample: Sample) -> float:
    return (sample.answered_s - job.started_s) / job.total_s
