"""A request that fails anywhere leaves nothing behind, and the next one of any kind is whole."""

from __future__ import annotations

import http.client
import itertools
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import torch
import uvicorn

from bench.host.job import current_session, hold_self_test, set_mode
from bench.host.tiny_model import make_tiny_model
from modules import call_queue, extensions, processing, script_callbacks, shared, webui
from modules.emulated_device import QUEUE

# diffusers turns a tensor into an array in a way that NumPy 2 warns of
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

ROOT = Path(__file__).parents[2]
LIMIT_S = 60
STEPS = 4
JOB = {"prompt": "x", "seed": 7, "steps": STEPS, "width": 64, "height": 64}
MODES = ("every-step", "run-ahead", "observe")


class Client:
    """Asks a real server, one connection for each question."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
        """Return the answer's status and its JSON, None if it has none."""
        connection = self.begin(method, path, body)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        is_json = text and "json" in answer.headers.get("Content-Type", "")
        return answer.status, json.loads(text) if is_json else None

    def begin(self, method: str, path: str, body: dict[str, Any] | None = None) -> http.client.HTTPConnection:
        """Send a question, and return the connection on which its answer will come."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_S)
        text = None if body is None else json.dumps(body)
        connection.request(method, path, text, {"Content-Type": "application/json"})
        return connection


def wait_until(is_so: Callable[[], bool]) -> None:
    """Return once it is so."""
    end_s = time.monotonic() + LIMIT_S
    while not is_so():
        assert time.monotonic() < end_s
        time.sleep(0.01)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client of the embedded host with the extension, on a real port."""
    folder = tmp_path_factory.mktemp("failed")
    host = webui.start_host(
        [
            "--data-dir", str(folder), "--extensions-dir", str(ROOT / "extensions"), "--device", "emulated",
            "--model", make_tiny_model(folder), "--step-ms", "8", "--encode-ms", "4", "--decode-ms", "8",
        ]
    )  # fmt: skip
    hold_self_test()
    listener = webui.listen(0)
    server = uvicorn.Server(uvicorn.Config(host.app, log_level="critical"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    wait_until(lambda: server.started)
    yield Client(listener.getsockname()[1])
    server.should_exit = True
    thread.join(LIMIT_S)
    listener.close()
    current_session().close()
    script_callbacks.clear_callbacks()
    extensions.extensions.clear()
    shared.opts.filename = ""
    shared.opts.data.clear()
    logging.getLogger("sd").setLevel(logging.NOTSET)


@pytest.fixture
def counted(client: Client) -> Iterator[list[int]]:
    """Grows by one with each call of the UNet."""
    calls: list[int] = []
    handle = shared.sd_model.unet.register_forward_pre_hook(lambda *_: calls.append(1))
    yield calls
    handle.remove()


@contextmanager
def failing(where: str, error: BaseException | None, before: Callable[[], object] = int) -> Iterator[None]:
    """A context in which a part of the model raises, or fails on the device where the error is None."""
    part, healthy_calls = {
        "text encoder": (shared.sd_model.text_encoder, 0),
        "first step": (shared.sd_model.unet, 0),
        "third step": (shared.sd_model.unet, 2),
        "decode": (shared.sd_model.vae.decoder, 0),
    }[where]
    calls = itertools.count()

    def fail(*_: object) -> None:
        if next(calls) < healthy_calls:
            return
        before()
        if error is not None:
            raise error
        QUEUE.enqueue_failure("a kernel that fails")

    handle = part.register_forward_pre_hook(fail)
    try:
        yield
    finally:
        handle.remove()


FAILURES = {
    f"{where}, {what}": (where, make)
    for where in ("text encoder", "first step", "third step", "decode")
    for what, make in {
        "error": lambda: RuntimeError("size mismatch"),
        "other error": lambda: TypeError("no such argument"),
        "out of memory": lambda: torch.OutOfMemoryError("HIP out of memory. Tried to allocate 2.00 GiB"),
        "on the device": lambda: None,
    }.items()
}
BAD_BODIES = {
    "no images": {**JOB, "n_iter": 0},
    "no steps": {**JOB, "steps": 0},
    "no number": {**JOB, "steps": "many"},
    "no such sampler": {**JOB, "sampler_name": "Nonsense"},
}


PAGE: dict[str, Any] = {"job": "", "active": False, "queued": False, "paused": False}
PAGE |= {"step": 0, "progress": 0, "eta": None, "live_preview": None}
#: What each route says of a host that does nothing.
IDLE: dict[str, dict[str, Any]] = {
    "undefined": PAGE,
    "task(newcomer)": PAGE,
    "progress": {"progress": 0, "eta_relative": 0, "current_image": None},
    "state": {"skipped": False, "interrupted": False, "sampling_step": 0, "job": ""},
    "status": {"status": "idle", "task": "", "step": 0, "progress": 0, "eta": None},
    "own": {"job": None},
}


def find_left(client: Client) -> dict[str, Any]:
    """Return by "route field" what the routes say that an idle host would not."""
    answers: dict[str, Any] = {}
    for task in ("undefined", "task(newcomer)"):
        _, answers[task] = client.ask("POST", "/internal/progress", {"id_task": task, "id_live_preview": 0})
    _, answers["progress"] = client.ask("GET", "/sdapi/v1/progress")
    answers["state"] = answers["progress"]["state"]
    _, answers["status"] = client.ask("GET", "/sdapi/v1/status")
    _, answers["own"] = client.ask("GET", "/zluda_sync/v1/status")
    return {
        f"{route} {field}": answers[route][field]
        for route, fields in IDLE.items()
        for field, value in fields.items()
        if value != answers[route][field]
    }


def check_nothing_is_left(client: Client, counted: list[int]) -> None:
    """Every route is idle, nothing is there to stop, and the next requests of API and page are whole."""
    left = find_left(client)
    stopped, _answer = client.ask("POST", "/zluda_sync/v1/stop", {"when": "now"})
    counted.clear()
    status, answer = client.ask("POST", "/sdapi/v1/txt2img", JOB)
    assert (200, 1, STEPS) == (status, len(answer["images"]), len(counted))
    assert 1 == len(press_generate("task(next)", JOB))
    assert 2 * STEPS == len(counted)
    assert 409 == stopped
    assert {} == left
    assert {} == find_left(client)


def press_generate(task_id: str, job: dict[str, Any]) -> list[Any]:
    """Press the page's button, on this thread; return its pictures."""

    def txt2img() -> tuple[list[Any], str]:
        request = processing.StableDiffusionProcessingTxt2Img(**job, do_not_save_samples=True)
        return processing.process_images(request).images, ""

    pictures, _text = call_queue.wrap_gradio_gpu_call(lambda *_: txt2img(), [None], "Text")(task_id)
    return pictures or []


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES)
def test_a_refused_request(client, counted, mode, body):
    """It never begins, or begins and is refused."""
    set_mode(mode)
    status, _answer = client.ask("POST", "/sdapi/v1/txt2img", body)
    assert status in (422, 500)
    assert [] == counted
    check_nothing_is_left(client, counted)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("where", "make"), FAILURES.values(), ids=FAILURES)
def test_a_request_of_the_api_that_fails(client, counted, mode, where, make):
    """Whether the host catches the error and delivers nothing, or answers with it."""
    set_mode(mode)
    with failing(where, make()):
        status, answer = client.ask("POST", "/sdapi/v1/txt2img", JOB)
    assert status == 500 or [] == answer["images"] or len(answer["images"]) == 1
    drain()
    check_nothing_is_left(client, counted)


@pytest.mark.parametrize(("where", "make"), FAILURES.values(), ids=FAILURES)
def test_a_press_of_generate_that_fails(client, counted, where, make):
    """The page's button shows the error."""
    set_mode("run-ahead")
    with failing(where, make()):
        press_generate("task(failing)", JOB)
    drain()
    check_nothing_is_left(client, counted)


@pytest.mark.parametrize("wish", ["interrupt", "skip"])
@pytest.mark.parametrize(
    "failure", [name for name in FAILURES if name.endswith((", error", "on the device"))]
)
def test_a_wish_for_a_request_that_fails_is_not_kept(client, counted, wish, failure):
    """It was pressed just before the error."""
    set_mode("run-ahead")
    where, make = FAILURES[failure]
    with failing(where, make(), lambda: client.ask("POST", f"/sdapi/v1/{wish}")):
        client.ask("POST", "/sdapi/v1/txt2img", JOB)
    drain()
    check_nothing_is_left(client, counted)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("wish", ["interrupt", "skip"])
def test_a_request_that_is_ended_midway(client, counted, mode, wish):
    """By Stop or Skip, while steps are queued."""
    set_mode(mode)

    def press(*_: object) -> None:
        if len(counted) == 3:
            client.ask("POST", f"/sdapi/v1/{wish}")

    handle = shared.sd_model.unet.register_forward_pre_hook(press)
    client.ask("POST", "/sdapi/v1/txt2img", {**JOB, "steps": 20})
    handle.remove()
    assert 20 > len(counted)
    check_nothing_is_left(client, counted)


@pytest.mark.parametrize("mode", MODES)
def test_a_client_that_leaves(client, counted, mode):
    """The host goes on to the end, which nobody fetches."""
    set_mode(mode)
    connection = client.begin("POST", "/sdapi/v1/txt2img", {**JOB, "steps": 20})
    wait_until(lambda: len(counted) > 2)
    connection.close()
    wait_until(lambda: not call_queue.queue_lock.locked())
    check_nothing_is_left(client, counted)


def drain() -> None:
    """Let what a failing device raises be raised here, and not in the next request."""
    with suppress(RuntimeError):
        torch.emulated.synchronize()
