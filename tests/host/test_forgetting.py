"""A campaign begins with nothing learned, in the middle of a process."""

from __future__ import annotations

import torch

from bench.host import job as bench_job
from zluda_sync.core.progress.job import Job
from zluda_sync.core.progress.shape import JobShape
from zluda_sync.core.steps.policy import SyncMode
from zluda_sync.device.preview.projection import DecodedPair

SHAPE = JobShape(device="card", model="model")


def test_forgetting_leaves_no_file_and_no_memory(bench, monkeypatch, tmp_path):
    """Durations and projections both."""
    monkeypatch.setattr(bench_job, "current_session", lambda: bench.session)
    bench.session.register_options()
    learning, projections = bench.session._lessons.durations, bench.session._preview_setup._projections
    job = Job(SyncMode.OBSERVE, SHAPE)
    part, ledger = job.begin_pass()
    for step in range(3):
        ledger.record_launch()
        ledger.record_completion(step)
    job.deliver()
    learning.learn(job)
    latents = torch.rand(4, 8, 8)
    projections.learn("model, vae", [DecodedPair(latents, (latents[:3] * 255).permute(1, 2, 0))])
    assert learning.memory_for(SHAPE).recall(part.kind, part.pixels) is not None
    bench_job.forget_learned()
    assert learning.memory_for(SHAPE).recall(part.kind, part.pixels) is None
    assert projections.find("model, vae", 4) is None
    assert [] == [path for path in (tmp_path / "zluda_sync").rglob("*") if path.is_file()]
