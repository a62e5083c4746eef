"""Previews in the real SD.Next: they move with the device, for every client, and nobody waits for them."""

from __future__ import annotations

import base64
import io
import urllib.error
import urllib.request

import pytest
from PIL import Image

from tests.sdnext.server import ROOT, DoneJob, SdNextServer

STEPS = 10
LONGEST_ANSWER_S = 1.0


@pytest.fixture(scope="module")
def server(make_server) -> SdNextServer:
    """SD.Next with the extension."""
    made = make_server("previews")
    made.install(ROOT / "extensions" / "zluda_sync", "zluda_sync")
    made.start()
    made.set_options(samples_save=False)
    return made


def previews(job: DoneJob) -> list[str]:
    """Return the distinct previews of a job, in order."""
    return list(
        dict.fromkeys(poll.answer["live_preview"] for poll in job.polls if poll.answer["live_preview"])
    )


@pytest.mark.parametrize("sync", [False, True])
@pytest.mark.parametrize(("method", "of_host"), [("fitted", "TAESD"), ("host", "Simple"), ("host", "TAESD")])
def test_previews_move_with_the_device(server, method, of_host, sync):
    """By every method, with SD.Next's own synchronize off or on; no answer is kept waiting."""
    server.set_options(
        zluda_sync_mode="run-ahead", zluda_sync_preview=method, show_progress_type=of_host, torch_sync=sync
    )
    job = server.run_job(steps=STEPS)
    assert 1 == len(job.images)
    assert STEPS // 2 < len(previews(job))
    assert LONGEST_ANSWER_S > max(poll.answered_at_s - poll.sent_at_s for poll in job.polls)
    log = server.log.read_text(errors="replace")
    assert "download uri" not in log
    assert "TAESD" not in log or "no preview downloads them" in log


def test_a_preview_is_a_picture(server):
    """Large enough to be looked at."""
    server.set_options(zluda_sync_mode="run-ahead", zluda_sync_preview="fitted", show_progress_type="TAESD")
    newest = previews(server.run_job(steps=4))[-1]
    image = Image.open(io.BytesIO(base64.b64decode(newest.partition(",")[2])))
    assert ("JPEG", (256, 256)) == (image.format, image.size)


def test_the_api_and_our_route_have_it_too(server):
    """A client of /sdapi/v1/progress, and one that keeps what it has."""
    server.set_options(zluda_sync_mode="observe", zluda_sync_preview="fitted", show_progress_type="Simple")
    seen: dict[str, set[str]] = {"api": set(), "file": set()}
    statuses = set()

    def look(_poll) -> None:
        seen["api"].add(server.get("/sdapi/v1/progress")["current_image"] or "")
        request = urllib.request.Request(f"{server.url}/zluda_sync/v1/preview")
        with urllib.request.urlopen(request, timeout=20) as answer:
            statuses.add(answer.status)
            tag = answer.headers.get("ETag")
        if tag:
            seen["file"].add(tag)
            again = urllib.request.Request(request.full_url, headers={"If-None-Match": tag})
            try:
                with urllib.request.urlopen(again, timeout=20) as answer:
                    statuses.add(answer.status)
            except urllib.error.HTTPError as error:
                statuses.add(error.code)

    server.run_job(steps=STEPS, on_poll=look)
    assert {200, 304} <= statuses
    assert STEPS // 2 < len(seen["api"] - {""})
    assert STEPS // 2 < len(seen["file"])


def test_previews_of_the_second_job_are_fitted_to_the_first(server):
    """What was learned lies in the data folder, as tensors."""
    server.run_job(steps=2)
    assert list((server.data_dir / "zluda_sync" / "projections").glob("*.safetensors"))
    assert "Traceback" not in server.log.read_text(errors="replace")
