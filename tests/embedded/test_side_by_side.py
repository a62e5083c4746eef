"""The second host: what it may be asked for, and how it ends."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from bench.host.tiny_model import make_tiny_model
from modules import paths, side_by_side


@pytest.fixture
def second(tmp_path, monkeypatch):
    """A second host with a model that takes no time; it has not been started."""
    monkeypatch.setattr(paths, "data_path", str(tmp_path / "data"))
    arguments = ("--device", "cpu", "--model", make_tiny_model(tmp_path))
    made = side_by_side.SecondHost(arguments)
    yield made
    if made._process is not None:
        made._process.kill()


@pytest.fixture
def client(second):
    """A client of an app with the tab's routes."""
    app = FastAPI()
    side_by_side.add_routes(app, second)

    async def post(path: str, body: Any) -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://host", timeout=120) as opened:
            return await opened.post(path, json=body)

    return SimpleNamespace(post=lambda path, json=None: asyncio.run(post(path, json)))


def test_it_runs_a_job_without_extensions(client, second, tmp_path):
    """The routes of the tab are those of the second host, and it has a folder of its own."""
    assert {"ready": True} == client.post("/side-by-side/start").json()
    job = {"prompt": "a red circle on blue", "steps": 1, "width": 64, "height": 64}
    answer = client.post("/side-by-side/without/sdapi/v1/txt2img", json=job)
    assert 1 == len(answer.json()["images"])
    progress = client.post("/side-by-side/without/internal/progress", json={"id_task": "undefined"}).json()
    assert progress["textinfo"] == "Waiting..."
    assert client.post("/side-by-side/without/sdapi/v1/interrupt").is_success
    assert (tmp_path / "data" / "without" / "config.json").exists()


def test_what_it_refuses_is_told_as_it_was(client):
    """Status and reason of a job that cannot be run."""
    answer = client.post("/side-by-side/without/sdapi/v1/txt2img", json={"steps": 1, "sampler_name": "none"})
    assert 422 == answer.status_code
    assert "Sampler" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["sdapi/v1/options", "../sdapi/v1/txt2img", "js?file=x", ""])
def test_nothing_else_is_passed_on(client, second, path):
    """And the second host is not even started for it."""
    assert 404 == client.post(f"/side-by-side/without/{path}").status_code
    assert second._process is None


def test_a_second_host_that_cannot_start_is_told(client, second):
    """By its exit code; the page says so."""
    second._arguments = ("--model", "/no such folder")
    answer = client.post("/side-by-side/start")
    assert 503 == answer.status_code
    assert "exit code 2" in answer.json()["detail"]


def test_it_ends_with_the_process_that_started_it():
    """However that ends: its standard input does, too."""
    code = side_by_side.CHILD.replace("from modules.webui import main", "import time; time.sleep(600)")
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
    began_s = time.monotonic()
    child.stdin.close()
    assert 0 == child.wait(60)
    assert time.monotonic() - began_s < 60
