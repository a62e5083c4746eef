"""Beside other extensions that wrap the same names: stand-ins with their hooks, before and after ours."""

from __future__ import annotations

import base64
import hashlib
import io
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from PIL import Image

from tests.sdnext.server import ROOT, TEST_EXTENSIONS, DoneJob, Poll, SdNextServer

STEP_S, DECODE_S = 0.15, 0.3
API_PROGRESS = "/sdapi/v1/progress"
#: Extensions are loaded in the order of their folders' names.
FOLDERS = {"before": "a_others", "after": "zz_others"}
CASES: dict[str, dict[str, Any]] = {
    "plain": {"steps": 6},
    "batch": {"steps": 4, "n_iter": 2},
    "detailer": {"steps": 5, "alwayson_scripts": {"Others: detailer": {"args": [True]}}},
    "tiles": {"steps": 4, "alwayson_scripts": {"Others: tiles": {"args": [True]}}},
    "regions": {"steps": 4, "alwayson_scripts": {"Others: regions": {"args": [True]}}},
    "frames": {"steps": 4, "script_name": "Others: frames", "script_args": []},
}


@dataclass(frozen=True)
class Seen:
    """What came of a job.

    Attributes:
        job: as seen from outside.
        calls: what the others' hooks were called for, in order.
    """

    job: DoneJob
    calls: list[str]

    @property
    def pictures(self) -> list[str]:
        """Their pixels, each as a short number."""
        images = (Image.open(io.BytesIO(base64.b64decode(image))) for image in self.job.images)
        return [hashlib.sha256(image.tobytes()).hexdigest()[:12] for image in images]


def run(server: SdNextServer, case: str = "plain", **options: Any) -> Seen:
    """Run a job of a kind, and read the others' book."""
    server.post("/others/forget")
    job = server.run_job(**CASES[case], **options)
    return Seen(job, server.get("/others/calls"))


def make(make_server, name: str, folder: str, with_ours: bool) -> SdNextServer:
    """Start SD.Next with the others, and with ours or without."""
    server = make_server(name, step_s=STEP_S, decode_s=DECODE_S)
    server.install(TEST_EXTENSIONS / "other_extensions", folder)
    if with_ours:
        server.install(ROOT / "extensions" / "zluda_sync", "zluda_sync")
    server.start()
    server.set_options(samples_save=False, grid_save=False, torch_sync=not with_ours)
    if with_ours:
        server.set_options(zluda_sync_enabled=True, zluda_sync_mode="run-ahead", zluda_sync_depth=1)
    server.run_job(steps=2)  # loads what the others wrap late
    server.post("/others/unwrap")
    server.post("/others/wrap")
    return server


@pytest.fixture(scope="module")
def alone(make_server) -> dict[str, Seen]:
    """What comes of each job with the others and without ours."""
    server = make(make_server, "others", "a_others", with_ours=False)
    seen = {case: run(server, case) for case in CASES}
    server.stop()
    return seen


@pytest.fixture(scope="module", params=FOLDERS)
def server(request, make_server, alone) -> Iterator[SdNextServer]:
    """SD.Next with the others and ours, these loaded before those and after them."""
    made = make(make_server, f"others {request.param}", FOLDERS[request.param], with_ours=True)
    yield made
    made.stop()


def assert_true_steps(job: DoneJob) -> None:
    """The report is never ahead of the device, and at most one step behind it."""
    loops = [loop for loop in range(len(job.loops)) if job.denoise_polls(loop)]
    assert loops
    assert [0] * len(loops) == [job.leads(loop) for loop in loops]
    assert max(job.step_error_max(loop) for loop in loops) <= 1


@pytest.mark.parametrize("case", CASES)
def test_beside_others_all_is_as_without_ours(server, alone, case):
    """The same pictures, the others' hooks called as often and in the same order, and true steps."""
    seen = run(server, case)
    assert alone[case].pictures == seen.pictures
    assert alone[case].calls == seen.calls
    assert_true_steps(seen.job)


def test_a_task_of_anothers_queue_is_followed(server):
    """A thread of theirs that takes the host's lock and names a task: the page's bar is ours, and true."""
    server.post("/async_device/forget")
    server.post("/others/queue", {"task": "others-1"})
    polls: list[Poll] = []
    deadline_s = time.time() + 30
    answer: dict[str, Any] = {}
    while not answer.get("completed") and time.time() < deadline_s:
        sent_at_s = time.time()
        answer = server.post("/internal/progress", {"id_task": "others-1", "id_live_preview": 0})
        polls.append(Poll(sent_at_s, time.time(), answer, answer["step"]))
        time.sleep(0.05)
    assert answer["completed"]
    truth = server.get("/async_device/truth")
    ends, launches = truth["step_ends_s"], truth["launched_at_s"]
    job = DoneJob(0.0, 0.0, [], polls, ends, launches, 0, 0, counts_on=False)
    assert_true_steps(job)
    bars = [poll.answer["progress"] for poll in polls if poll.answer["active"]]
    assert sorted(bars) == bars
    assert any(poll.answer["job"].startswith("Denoise") for poll in polls)


@pytest.mark.parametrize("case", ["plain", "detailer", "frames"])
def test_stop_ends_a_job_through_their_wrappers(server, case):
    """Pressed within a step: at most the steps that are queued, and the next job is whole."""
    pressed_at_s: list[float] = []

    def press(poll: Poll) -> None:
        if not pressed_at_s and poll.step >= 3:
            server.post("/sdapi/v1/interrupt")
            pressed_at_s.append(time.time())

    server.post("/others/forget")
    job = server.run_job(on_poll=press, **{**CASES[case], "steps": 12})
    assert pressed_at_s
    assert job.launched_after(pressed_at_s[0]) <= 1
    assert len(job.loops) == 1
    assert 6 == len(run(server).job.loops[0])


#: What SD.Next alone answers a client of its API with.
ANSWER = {
    "id": str,
    "progress": float,
    "eta_relative": float,
    "state": dict,
    "current_image": str | None,
    "textinfo": str | None,
}
STATE = {
    "skipped": bool,
    "interrupted": bool,
    "job": str,
    "job_count": int,
    "job_timestamp": str,
    "job_no": int,
    "sampling_step": int,
    "sampling_steps": int,
}


def test_a_client_of_the_api_is_answered_in_the_words_that_it_knows(server):
    """Fields and types, a share and a step that clients can show, a picture that can be opened."""
    answers: list[dict[str, Any]] = []

    def ask(_poll: Poll) -> None:
        answers.append(server.get(f"{API_PROGRESS}?skip_current_image={bool(len(answers) % 2)}".lower()))

    run(server, "batch", on_poll=ask)
    for answer in answers:
        assert ANSWER.keys() == answer.keys()
        assert STATE.keys() == answer["state"].keys()
        assert all(isinstance(answer[name], kind) for name, kind in ANSWER.items())
        assert all(type(answer["state"][name]) is kind for name, kind in STATE.items())
        assert answer["state"]["sampling_step"] <= answer["state"]["sampling_steps"]
        assert 0 <= answer["progress"] <= 1
        assert answer["eta_relative"] >= 0
    assert all(answer["current_image"] is None for answer in answers[1::2])
    shown = [answer["current_image"] for answer in answers if answer["current_image"]]
    assert shown
    assert Image.open(io.BytesIO(base64.b64decode(shown[-1]))).size[0] > 0


def test_a_client_that_waits_for_an_idle_host_is_not_let_in_before(server):
    """As clients ask for it: not ready from the first step to the last, and ready after the job."""
    answers: list[tuple[float, dict[str, Any]]] = []

    def ask(_poll: Poll) -> None:
        asked_at_s = time.time()
        answers.append((asked_at_s, server.get(f"{API_PROGRESS}?skip_current_image=true")))

    job = run(server, "detailer", on_poll=ask).job
    ends_s = [end_s for loop in job.loops for end_s in loop]
    within = [answer for at_s, answer in answers if job.launches[0][0] < at_s < ends_s[-1]]
    assert within
    assert not any(is_ready(answer) for answer in within)
    assert is_ready(server.get(API_PROGRESS))


def is_ready(answer: dict[str, Any]) -> bool:
    """Whether a client takes the host for ready."""
    return answer["progress"] == 0 and answer["state"]["job_count"] == 0


def test_switched_off_their_wrappers_work_on_and_ours_are_gone(server, alone):
    """With our checkbox off, theirs are called as in SD.Next alone, whoever wrapped first."""
    server.set_options(zluda_sync_enabled=False)
    try:
        seen = run(server)
        assert alone["plain"].calls == seen.calls
        assert alone["plain"].pictures == seen.pictures
        assert not server.get("/zluda_sync/v1/status")["is_acting"]
    finally:
        server.set_options(zluda_sync_enabled=True)
    assert_true_steps(run(server).job)


def test_they_unwrap_first_and_ours_goes_on(server, alone):
    """They put back what stood there before them, ours thrown out with it: the next job is followed again."""
    server.post("/others/unwrap")
    try:
        job = run(server).job
        assert_true_steps(job)
        assert job.run_ahead_max() <= 2
        assert any(poll.answer["job"].startswith("Denoise") for poll in job.polls)
        server.set_options(zluda_sync_enabled=False)
        assert [] == server.get("/async_device/patched")
        assert alone["plain"].pictures == run(server).pictures
    finally:
        server.set_options(zluda_sync_enabled=True)
        server.post("/others/wrap")
    seen = run(server)
    assert alone["plain"].calls == seen.calls
    assert_true_steps(seen.job)


def test_we_unwrap_first_and_nothing_of_ours_is_left_once_they_have_gone(server, alone):
    """Ours stays beneath theirs as a pass-through, and goes when theirs does."""
    server.set_options(zluda_sync_enabled=False)
    try:
        server.post("/others/unwrap")
        assert alone["plain"].pictures == run(server).pictures
        assert [] == server.get("/async_device/patched")
    finally:
        server.post("/others/wrap")
        server.set_options(zluda_sync_enabled=True)
    seen = run(server)
    assert alone["plain"].calls == seen.calls
    assert_true_steps(seen.job)


def test_wrapped_and_unwrapped_for_each_job_ours_is_there_each_time(server, alone):
    """Extensions that wrap for one job only: ours is neither lost nor laid upon itself."""
    for _ in range(3):
        server.post("/others/unwrap")
        assert_true_steps(run(server).job)
        server.post("/others/wrap")
        seen = run(server)
        assert alone["plain"].calls == seen.calls
        assert_true_steps(seen.job)
