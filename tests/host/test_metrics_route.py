"""The route of ours for Prometheus, read by Prometheus' own parser."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from modules import shared
from tests.host.test_job_records import picture, run
from tests.host.test_stop_route import Client, HostApi
from zluda_sync.host.api.status_route import METRICS_PATH


@pytest.fixture
def scrape(bench, monkeypatch):
    """Return the samples of a scrape: values by name and labels."""
    api = HostApi()
    monkeypatch.setattr(shared, "api", api, raising=False)
    bench.session.serve(api.app)

    def scrape() -> dict:
        answer = Client(api.app).get(METRICS_PATH)
        assert "text/plain; version=0.0.4; charset=utf-8" == answer.headers["content-type"]
        families = text_string_to_metric_families(answer.text)
        return {
            (sample.name.removeprefix("zluda_sync_"), *sample.labels.values()): sample.value
            for family in families
            for sample in family.samples
        }

    return scrape


def test_before_the_first_job_everything_is_zero(scrape):
    """And what is not known is left out."""
    samples = scrape()
    assert 1.0 == samples["acting",]
    assert (0.0, 0.0) == (samples["jobs_total", "finished"], samples["steps_total",])
    assert not {("progress_ratio",), ("eta_seconds",), ("run_ahead_steps",)} & samples.keys()


def test_jobs_are_counted_when_they_end(bench, scrape):
    """Once each, with their steps."""
    run(bench)
    run(bench, steps=1, decodes=False)
    bench.begin("observe", processing=picture())
    bench.step(0)
    samples = scrape()
    assert (1.0, 1.0) == (samples["jobs_total", "finished"], samples["jobs_total", "failed"])
    assert 4.0 == samples["steps_total",] == samples["step_seconds_count",]
    assert samples["step_seconds_bucket", "+Inf"] == 4.0
    assert samples["barrier_wait_seconds_total",] > 0
    assert 1.0 == samples["run_ahead_steps",]


def test_a_stop_is_counted_with_its_time(bench, scrape):
    """From the press to the end of the job."""
    bench.switch_on()
    bench.begin("observe", processing=picture(n_iter=2))
    bench.step(0)
    bench.in_thread(bench.state.interrupt)
    bench.session.end_job()
    samples = scrape()
    assert (1.0, 1.0, 1.0) == (
        samples["stops_total",], samples["stop_seconds_count",], samples["jobs_total", "stopped"],
    )  # fmt: skip


def test_what_runs_here_is_told_as_labels(bench, scrape):
    """Version, mode, rung and device; a job's own mode goes before the settings'."""
    bench.begin("observe", processing=picture())
    bench.step(0)
    (info,) = (key for key in scrape() if key[0] == "info")
    assert info[1:3] == ("0.2.0", "observe")
