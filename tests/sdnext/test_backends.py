"""Each name that SD.Next gives to a GPU, in the real SD.Next: followed unasked, and its own wait replaced."""

from __future__ import annotations

import pytest

from tests.sdnext.server import ROOT, SdNextServer

STEPS = 12


@pytest.fixture(scope="module", params=["rocm", "cuda", "ipex", "mps"])
def server(make_server, request) -> SdNextServer:
    """SD.Next on such a device, as it is after installing the extension."""
    made = make_server(f"on_{request.param}", step_s=0.2, decode_s=0.4)
    made.backend = request.param
    made.install(ROOT / "extensions" / "zluda_sync", "zluda_sync")
    made.start()
    yield made
    made.stop()


@pytest.mark.parametrize("torch_sync", [True, False])
def test_it_is_followed_unasked(server, torch_sync):
    """Nothing is set; never ahead of the device, at most a step behind, and not slower than its own wait."""
    server.set_options(torch_sync=torch_sync)
    status = server.get("/zluda_sync/v1/status")
    assert (True, server.backend, False) == (status["is_acting"], status["backend"], status["is_zluda"])
    job = server.run_job(steps=STEPS, save_images=False)
    assert (0, True) == (job.leads(), job.step_error_max() <= 1)
    # Where its own wait is off nothing waits for the whole queue, where it is on it is not doubled. On MPS
    # SD.Next has none.
    assert job.synchronized == (STEPS if torch_sync and server.backend != "mps" else 0)


def test_its_own_wait_is_replaced(server):
    """By one that keeps the device's next step ready."""
    server.set_options(torch_sync=True, zluda_sync_mode="run-ahead")
    job = server.run_job(steps=STEPS, save_images=False)
    assert 0 == job.synchronized
    assert (0, True, True) == (job.leads(), job.step_error_max() <= 1, job.run_ahead_max() <= 2)


def test_the_picture_is_the_same(server):
    """As without us, with SD.Next's own wait on and off."""
    pictures = set()
    for mode, torch_sync in (("off", True), ("off", False), ("auto", True), ("auto", False)):
        server.set_options(zluda_sync_mode=mode, torch_sync=torch_sync)
        pictures.update(server.run_job(steps=4, save_images=False).images)
    assert 1 == len(pictures)


def test_a_stop_acts_within_a_step(server):
    """And leaves SD.Next idle."""
    server.set_options(zluda_sync_mode="run-ahead", torch_sync=False)
    pressed = []

    def stop(poll) -> None:
        if poll.step >= 3 and not pressed:
            pressed.append(poll.answered_at_s)
            server.post("/sdapi/v1/interrupt")

    job = server.run_job(on_poll=stop, steps=STEPS, save_images=False)
    assert pressed
    assert job.launched_after(pressed[0] + 0.1) <= 2
