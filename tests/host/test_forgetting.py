"""A campaign begins with nothing learned, in the middle of a process."""

from __future__ import annotations

import torch

from bench.host import job as bench_job
from zluda_sync.core.progress.job import Job
from zluda_sync.core.progress.shape import JobShape
from zluda_sync.core.steps.policy import SyncMode
from zluda_sync.device.preview.projection import DecodedPair

SHAPE = JobShape(device="card", model="model")


def finished_job() -> Job:
    """A job of three steps."""
    job = Job(SyncMode.OBSERVE, SHAPE)
    _, ledger = job.begin_pass()
    for step in range(3):
        ledger.record_launch()
        ledger.record_completion(step)
    job.deliver()
    return job


def test_forgetting_leaves_no_file_and_no_memory(bench, monkeypatch, tmp_path):
    """Durations and projections both; nor does a file come later."""
    monkeypatch.setattr(bench_job, "current_session", lambda: bench.session)
    bench.session.register_options()
    learning, projections = bench.session._lessons.durations, bench.session._preview_setup._projections
    job = finished_job()
    part = job.passes[0]
    learning.learn(job)
    latents = torch.rand(4, 8, 8)
    projections.learn("model, vae", [DecodedPair(latents, (latents[:3] * 255).permute(1, 2, 0))])
    assert learning.memory_for(SHAPE).recall(part.kind, part.pixels) is not None
    bench_job.forget_learned()
    assert learning.memory_for(SHAPE).recall(part.kind, part.pixels) is None
    assert projections.find("model, vae", 4) is None
    bench.session._lessons.saver.flush(20.0)
    assert [] == [path for path in (tmp_path / "zluda_sync").rglob("*") if path.is_file()]


def test_the_host_ends_and_what_was_learned_is_written(bench, tmp_path):
    """At once, however long it would have waited for more."""
    bench.session._lessons.saver._pause_s = 1000.0
    bench.session._lessons.durations.learn(finished_job())
    bench.session.close()
    assert (tmp_path / "zluda_sync" / "durations.json").is_file()
