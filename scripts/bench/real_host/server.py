"""Starts the real SD.Next with our extension and an asynchronous test device, and is its client."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.commands.command_line import fail

TEST_EXTENSIONS = Path(__file__).parent / "extensions"
DEVICE_EXTENSION = TEST_EXTENSIONS / "async_device"
#: A busy machine is slow to start one, which is no fault of anybody measured.
START_LIMIT_S = 600.0
JOB_LIMIT_S = 240.0
#: Environment variables that name the real SD.Next: its folder, and the Python that runs it.
NAMES = ("SDNEXT_DIR", "SDNEXT_PYTHON")


def find_missing_names() -> list[str]:
    """Return those of the two environment variables that are not set."""
    return [name for name in NAMES if not os.environ.get(name)]


def demand_real_host() -> None:
    """Exit with one line and code 2 unless the environment names the real SD.Next."""
    missing = find_missing_names()
    if missing:
        fail(f"needs the real SD.Next: {' and '.join(missing)} not set")


def make_data_folder(data_dir: Path) -> None:
    """Fill a data folder with a small model and with settings that choose it."""
    from bench.real_host import small_model  # torch and diffusers

    small_model.make_small_model(data_dir / "models")
    config = {
        "sd_model_checkpoint": small_model.NAME,
        "server_rate_limit": 0,
        "show_progress_type": "Simple",
    }
    (data_dir / "config.json").write_text(json.dumps(config), encoding="utf-8")


@dataclass(frozen=True)
class Poll:
    """What the progress routes said between two moments of time.time().

    Attributes:
        sent_at_s, answered_at_s: just before the first request, just after the last answer.
        answer: of /internal/progress.
        step: the host's step count.
    """

    sent_at_s: float
    answered_at_s: float
    answer: dict[str, Any]
    step: int


@dataclass(frozen=True)
class DoneJob:
    """A job as seen from outside: its polls, and what the device truly did.

    Attributes:
        began_at_s, ended_at_s: of the request.
        images: the pictures of the answer, base64.
        polls: in order.
        loops: for each denoising loop, when each of its steps was finished.
        launches: for each denoising loop, when each of its steps was queued.
        synchronized: how often the whole device was waited for.
        blocks: blocks of text encoder and decoder that were run, where the device counts them.
        counts_on: whether the host's step count goes on from loop to loop, as it does in older versions.
    """

    began_at_s: float
    ended_at_s: float
    images: list[str]
    polls: list[Poll]
    loops: list[list[float]]
    launches: list[list[float]]
    synchronized: int
    blocks: int
    counts_on: bool

    def denoise_polls(self, loop: int = 0) -> list[Poll]:
        """Return the polls within one loop: from its first launch to its last completion.

        A host that runs ahead launches it while the device is still busy with the loop before.
        """
        before_s = self.loops[loop - 1][-1] if loop else 0.0
        first, last = max(self.launches[loop][0], before_s), self.loops[loop][-1]
        return [poll for poll in self.polls if poll.sent_at_s >= first and poll.answered_at_s <= last]

    def step_error_max(self, loop: int = 0) -> int:
        """Return by how many finished steps the report lagged at worst."""
        return max(
            finished(self.loops[loop], p.sent_at_s) - self._step(p, loop) for p in self.denoise_polls(loop)
        )

    def leads(self, loop: int = 0) -> int:
        """Return how many reports were ahead of the device."""
        return sum(
            self._step(p, loop) > finished(self.loops[loop], p.answered_at_s)
            for p in self.denoise_polls(loop)
        )

    def run_ahead_max(self, loop: int = 0) -> int:
        """Return the largest number of queued, unfinished steps."""
        launches = self.launches[loop]
        return max(finished(launches, at) - finished(self.loops[loop], at) for at in launches)

    def launched_after(self, at_s: float) -> int:
        """Return how many steps were queued after a moment."""
        return sum(launched_at_s > at_s for loop in self.launches for launched_at_s in loop)

    def _step(self, poll: Poll, loop: int) -> int:
        return poll.step - (sum(map(len, self.loops[:loop])) if self.counts_on else 0)


def finished(ends_s: list[float], at_s: float) -> int:
    """Return how many of these moments have passed."""
    return sum(end <= at_s for end in ends_s)


def _basic(user: tuple[str, str] | None) -> dict[str, str]:
    if user is None:
        return {}
    return {"Authorization": "Basic " + base64.b64encode(":".join(user).encode()).decode()}


class SdNextServer:
    """A real SD.Next in a process of its own, on a folder of its own.

    Args:
        step_s, decode_s: what a step and a decode of a picture of 256 x 256 cost the device.
        block_s: what each block of the text encoder and of the decoder costs the host.
        does_size_count: whether pictures of other sizes cost more or less than that.

    Attributes:
        backend: the device's name for SD.Next; of the environment if that names one.
        user: name and password that the host is started with and asked with, None for a host without users.
        theme: of the page; ``Modern/Default`` for the Modern UI.
        config: the settings' file; one of another name is given to the host by ``--config``.
    """

    def __init__(
        self,
        data_dir: Path,
        step_s: float,
        decode_s: float,
        block_s: float = 0.0,
        does_size_count: bool = True,
    ) -> None:
        self.data_dir = data_dir
        self.config = data_dir / "config.json"
        self.log = data_dir / "server.log"
        self._times = {
            "ASYNC_DEVICE_STEP_S": str(step_s),
            "ASYNC_DEVICE_DECODE_S": str(decode_s),
            "ASYNC_DEVICE_BLOCK_S": str(block_s),
            "ASYNC_DEVICE_EVEN": "0" if does_size_count else "1",
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        self._option_names: frozenset[str] = frozenset()
        self.backend = os.environ.get("ASYNC_DEVICE_BACKEND", "zluda")
        self.user: tuple[str, str] | None = None
        self.theme = "standard/black-teal"
        self._page_progress_has_step = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def install(self, source: Path, name: str) -> None:
        """Copy an extension into the data folder, as a user does."""
        ignored = shutil.ignore_patterns("__pycache__", ".*", "build", "*.egg-info")
        shutil.copytree(source, self.data_dir / "extensions" / name, ignore=ignored)

    def start(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        folder, python = Path(os.environ["SDNEXT_DIR"]), os.environ["SDNEXT_PYTHON"]
        command = [
            python, "launch.py", "--skip-all", "--use-cpu", "all",
            "--data-dir", str(self.data_dir), "--models-dir", str(self.data_dir / "models"),
            "--port", str(self._port), "--theme", self.theme,
        ]  # fmt: skip
        if self.config.name != "config.json":
            command += ["--config", str(self.config)]
        if self.user is not None:
            command += ["--auth", ":".join(self.user)]
        environment = {
            **os.environ,
            **self._times,
            "ASYNC_DEVICE_BACKEND": self.backend,
            "GRADIO_TEMP_DIR": str(self.data_dir / "gradio"),  # a host that starts empties it for all others
            "HF_HUB_OFFLINE": "1",
            "OMP_NUM_THREADS": "1",  # more only slow a model down that is this small
            "PATH": f"{Path(python).parent}{os.pathsep}{os.environ['PATH']}",
        }
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
        self._wait_until_ready()
        self._option_names = frozenset(self.get("/async_device/options"))
        self._page_progress_has_step = "step" in self._page_progress()

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(20)

    def kill(self) -> None:
        """End it at once, as a power cut does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(20)

    def _wait_until_ready(self) -> None:
        assert self._process is not None
        deadline_s = time.time() + START_LIMIT_S
        while time.time() < deadline_s:
            assert self._process.poll() is None, f"SD.Next ended at start:\n{self.log.read_text()[-4000:]}"
            if "Startup time" in self.log.read_text(errors="replace"):
                return
            time.sleep(0.5)
        raise AssertionError(f"SD.Next was not ready in {START_LIMIT_S} s:\n{self.log.read_text()[-4000:]}")

    def ask(self, method: str, path: str, user: tuple[str, str] | None) -> int:
        """Return the status of an answer to these credentials, None for none at all."""
        request = urllib.request.Request(self.url + path, method=method, headers=_basic(user))
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refusal:
            return refusal.code

    def _request(self, path: str, body: bytes | None = None) -> urllib.request.Request:
        return urllib.request.Request(self.url + path, body, _basic(self.user))

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self._request(path), timeout=60) as answer:
            return json.loads(answer.read())

    def get_text(self, path: str) -> str:
        with urllib.request.urlopen(self._request(path), timeout=60) as answer:
            return str(answer.read(), "utf-8")

    def put(self, path: str, body: dict[str, Any]) -> Any:
        request = self._request(path, json.dumps(body).encode())
        request.method = "PUT"
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    def post(self, path: str, body: dict[str, Any] | None = None, limit_s: float = 60.0) -> Any:
        request = self._request(path, json.dumps(body or {}).encode())
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=limit_s) as answer:
            return json.loads(answer.read() or b"null")

    @property
    def can_switch_its_sync(self) -> bool:
        """Whether the host's own synchronize is an option; versions before 2026-06 always synchronize."""
        return "torch_sync" in self._option_names

    @property
    def encode_label(self) -> str:
        """What stands on the page while text is encoded; versions before 2025-09 name no such phase."""
        return "Text encode" if self._page_progress_has_step else "Preparing"

    def set_options(self, **options: Any) -> None:
        """Set options; ``torch_sync`` is left out where the host has no such option."""
        if not self.can_switch_its_sync:
            options.pop("torch_sync", None)
        self.post("/sdapi/v1/options", options)

    def run_job(
        self,
        period_s: float = 0.05,
        on_poll: Callable[[Poll], None] | None = None,
        route: str = "txt2img",
        **request: Any,
    ) -> DoneJob:
        """Run one job through the API and poll its progress all the while.

        Args:
            period_s: time between two polls.
            on_poll: called with each poll.
            route: of the API, ``txt2img`` or ``img2img``.
            request: fields of the request.
        """
        self.post("/async_device/forget")
        body = {"prompt": "a red circle", "seed": 1, "steps": 12, "width": 256, "height": 256, **request}
        result: dict[str, Any] = {}

        def generate() -> None:
            result.update(self.post(f"/sdapi/v1/{route}", body, JOB_LIMIT_S))

        job = threading.Thread(target=generate)
        began_at_s = time.time()
        job.start()
        polls = []
        while job.is_alive():
            polls.append(self._poll())
            if on_poll is not None:
                on_poll(polls[-1])
            job.join(period_s)
        truth = self.get("/async_device/truth")
        loops = [loop for loop in truth["step_ends_s"] if loop]
        launches = [loop for loop in truth["launched_at_s"] if loop]
        return DoneJob(
            began_at_s,
            time.time(),
            result.get("images", []),
            polls,
            loops,
            launches,
            truth["synchronized"],
            truth["blocks"],
            counts_on=not self._page_progress_has_step,
        )

    def _poll(self) -> Poll:
        sent_at_s = time.time()
        answer = self._page_progress()
        if self._page_progress_has_step:
            return Poll(sent_at_s, time.time(), answer, answer["step"])
        # Versions before 2025-09 tell the step elsewhere.
        state = self.get("/sdapi/v1/progress?skip_current_image=true")["state"]
        return Poll(sent_at_s, time.time(), answer, state["sampling_step"])

    def _page_progress(self) -> dict[str, Any]:
        # A job of the API has no task; to ask for none is to ask for it, in every version.
        answer: dict[str, Any] = self.post("/internal/progress", {"id_live_preview": 0})
        return answer
