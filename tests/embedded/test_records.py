"""Records, traces and events of real jobs on the emulated asynchronous device."""

from __future__ import annotations

import contextlib
import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.host.job import current_session, set_mode
from bench.host.tiny_model import make_tiny_model
from modules import extensions, processing, script_callbacks, shared, webui
from tests.embedded.test_host import Client
from tests.trace_events import check_trace, slices_of
from zluda_sync.core.answers import to_json_text
from zluda_sync.core.records.job_answers import tell_job
from zluda_sync.core.records.job_record import ImageCount, Outcome
from zluda_sync.core.records.trace import DEVICE, HOST, build_chrome_trace

# diffusers turns a tensor into an array in a way that NumPy 2 warns of
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

ROOT = Path(__file__).parents[2]
STEPS = 6


@pytest.fixture(scope="module")
def host(tmp_path_factory) -> Iterator[webui.Host]:
    """The embedded host with the extension, without a page."""
    folder = tmp_path_factory.mktemp("records")
    model = make_tiny_model(tmp_path_factory.mktemp("model"))
    yield webui.start_host(
        [
            "--data-dir", str(folder), "--extensions-dir", str(ROOT / "extensions"), "--device", "emulated",
            "--model", model, "--step-ms", "30", "--encode-ms", "10", "--decode-ms", "20",
        ]
    )  # fmt: skip
    current_session().close()
    script_callbacks.clear_callbacks()
    extensions.extensions.clear()
    shared.opts.filename = ""
    shared.opts.data.clear()
    logging.getLogger("sd").setLevel(logging.NOTSET)


def run(mode, **changes):
    """Run a job to its pictures, and return its record."""
    set_mode(mode)
    values = {"prompt": "x", "seed": 7, "steps": STEPS, "width": 128, "height": 128}
    request = processing.StableDiffusionProcessingTxt2Img(
        **{**values, "do_not_save_samples": True, **changes}
    )
    phase = shared.state.begin("Text", "task(test)")
    processing.process_images(request)
    shared.state.end(phase)
    return current_session().records.recent(1)[0]


@pytest.mark.parametrize("mode", ["every-step", "run-ahead", "observe"])
@pytest.mark.parametrize("changes", [{}, {"n_iter": 2}, {"enable_hr": True}], ids=["one", "batch", "hires"])
def test_the_record_has_what_the_job_has_counted(host, monkeypatch, mode, changes):
    """Steps, totals and times are the ledgers'; the trace's numbers are the record's."""
    seen = []
    keep = current_session().records.keep

    def note(tracked):
        seen.append(tracked.job)
        keep(tracked)

    monkeypatch.setattr(current_session()._jobs, "_keep_record", note)
    record = run(mode, **changes)
    (job,) = seen
    ledgers = [part.ledger.snapshot() for part in job.passes]
    assert Outcome.FINISHED is record.outcome
    assert mode == record.mode.value
    passes = [part for part in record.parts if part.has_steps]
    assert [STEPS] * len(passes) == [len(part.completed_at_s) for part in passes]
    for part, ledger in zip(passes, ledgers, strict=True):
        assert (ledger.total, ledger.launched) == (part.total, len(part.launched_at_s))
        assert [at_s - job.began_at_s for at_s in ledger.completed_at_s] == list(part.completed_at_s)
        assert all(start <= end for start, end in zip(part.launched_at_s, part.completed_at_s, strict=True))
    assert mode == "observe" or record.wait_s > 0  # there the first reports are waited for, to be checked
    trace = build_chrome_trace(record)
    check_trace(trace)
    assert record.steps == sum("step" in event["args"] for event in slices_of(trace, DEVICE))
    assert record.steps == sum(event["name"].startswith("launch") for event in slices_of(trace, HOST))
    run_ahead = [event["args"]["steps"] for event in trace["traceEvents"] if event["ph"] == "C"]
    most = {"every-step": 1, "run-ahead": 2, "observe": STEPS * len(passes)}[mode]
    assert 1 <= max(run_ahead) <= most
    assert 0 == run_ahead[-1] == min(run_ahead)


def test_the_steps_add_up_to_the_pass(host):
    """Device time is neither counted twice nor lost."""
    record = run("run-ahead")
    (part,) = [part for part in record.parts if part.has_steps]
    assert part.completed_at_s[-1] - part.began_s == pytest.approx(sum(part.step_s))
    assert record.duration_s >= part.ended_s


def test_the_api_tells_the_record(host):
    """Of a job that has run, over the host's own application."""
    record = run("run-ahead")
    client = Client(host.app)
    assert json.loads(to_json_text(tell_job(record))) == client.get(f"/zluda_sync/v1/jobs/{record.id}").json()
    listed = client.get("/zluda_sync/v1/jobs").json()["jobs"][0]
    assert ("page", "1 image, 128 x 128", STEPS) == (listed["source"], listed["title"], listed["steps"])
    status = client.get("/zluda_sync/v1/status").json()
    assert (None, True) == (status["job"], status["is_acting"])
    assert "zluda_sync_steps_total" in client.get("/zluda_sync/v1/metrics").text


def test_a_job_of_the_api_is_told_from_one_of_the_page(host):
    """By how the host begins it."""
    set_mode("run-ahead")
    body = {"steps": 2, "width": 64, "height": 64, "seed": 3}
    assert 200 == Client(host.app).post("/sdapi/v1/txt2img", json=body).status_code
    assert "api" == current_session().records.recent(1)[0].traits.asked_by.value


def test_a_job_that_the_host_refuses_has_failed(host):
    """An error of the host ends it."""
    with pytest.raises(Exception, match="steps=0"):
        run("run-ahead", steps=0)
    assert Outcome.FAILED is current_session().records.recent(1)[0].outcome


@pytest.mark.parametrize(
    ("wish", "outcome", "finished"),
    [
        (lambda: None, Outcome.FINISHED, 6),
        (shared.state.skip, Outcome.SKIPPED, 4),
        (lambda: current_session().stop(after_image=True), Outcome.STOPPED, 4),
        (lambda: current_session().stop(), Outcome.STOPPED, 2),
    ],
    ids=["none", "skip", "stop after image", "stop"],
)
def test_the_record_counts_the_images(host, wish, outcome, finished):
    """Of three batches of two; the wish comes within the second."""
    # A Stop right after a request that was stopped is taken for that one's: one that was not comes between.
    run("run-ahead", steps=1)
    steps = []

    def press(*_):
        steps.append(None)
        if len(steps) == STEPS + 2:
            thread = threading.Thread(target=wish)
            thread.start()
            thread.join()

    handle = shared.sd_model.unet.register_forward_pre_hook(press)
    try:
        record = run("run-ahead", n_iter=3, batch_size=2)
    finally:
        handle.remove()
    assert (outcome, ImageCount(6, finished)) == (record.outcome, record.images)
    told = Client(host.app).get(f"/zluda_sync/v1/jobs/{record.id}").json()
    assert {"asked": 6, "finished": finished} == told["images"]


@pytest.mark.parametrize("error", [RuntimeError("out of memory"), KeyError("unet")], ids=["caught", "raised"])
def test_the_record_of_a_failed_job_counts_the_images(host, error):
    """Of three batches of two; the error comes within the second, and the host catches it or does not."""
    steps = []

    def fail(*_):
        steps.append(None)
        if len(steps) == STEPS + 2:
            raise error

    handle = shared.sd_model.unet.register_forward_pre_hook(fail)
    try:
        with contextlib.suppress(KeyError):
            run("run-ahead", n_iter=3, batch_size=2)
    finally:
        handle.remove()
    record = current_session().records.recent(1)[0]
    assert (Outcome.FAILED, ImageCount(6, 2)) == (record.outcome, record.images)
    told = Client(host.app).get(f"/zluda_sync/v1/jobs/{record.id}").json()
    assert {"asked": 6, "finished": 2} == told["images"]


def test_the_first_job_of_a_size_is_a_guess(host):
    """Of one larger than all that were made; the next one is foreseen from it."""
    guessed = []

    def look(*_):
        guessed.append(current_session().snapshot().is_eta_guessed)

    handle = shared.sd_model.unet.register_forward_pre_hook(look)
    try:
        for _ in range(2):
            run("run-ahead", width=320, height=320)
    finally:
        handle.remove()
    assert [True] * STEPS + [False] * STEPS == guessed
