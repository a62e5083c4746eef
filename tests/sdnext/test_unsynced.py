"""SD.Next's own sync off, in the real SD.Next: a hundred previews, each of its step, none too soon."""

from __future__ import annotations

import base64
import io
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.sdnext.server import ROOT, DoneJob, Poll, SdNextServer, finished
from zluda_sync.device.preview.projection import FULL_JOBS

STEPS = 20
MODES = ("every-step", "run-ahead", "observe")
LEAST_PREVIEWS = 100
#: Levels of 255 that two roundings to bytes may differ by.
TOLERANCE = 2
#: Jobs that teach the colours of previews: from so many on an older one fades with each, so that one more of
#: the same picture changes nothing.
LESSONS = FULL_JOBS
STEP_S = 0.12


@pytest.fixture(scope="module")
def server(make_server) -> SdNextServer:
    """SD.Next with the extension, its own sync off."""
    made = make_server("unsynced", step_s=STEP_S)
    made.install(ROOT / "extensions" / "zluda_sync", "zluda_sync")
    made.start()
    made.set_options(samples_save=False, torch_sync=False, show_progress_type="Simple")
    return made


@dataclass
class Client:
    """Takes each preview of a job once."""

    server: SdNextServer
    seen: list[tuple[float, int, Any]] = field(default_factory=list)
    known: str = ""

    def look(self, _poll: Poll | None = None) -> None:
        """Ask for the newest."""
        request = urllib.request.Request(
            f"{self.server.url}/zluda_sync/v1/preview?kind=png", headers={"If-None-Match": self.known}
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                body, headers = answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            assert 304 == error.code  # noqa: PT017
            return
        answered_at_s = time.time()
        if body:
            self.known = headers["ETag"]
            self.seen.append((answered_at_s, int(headers["X-Preview-Step"]), pixels_of(body)))


def pixels_of(file: bytes) -> Any:
    """The pixels of an image file, with room for differences."""
    return np.asarray(Image.open(io.BytesIO(file)).convert("RGB")).astype(int)


def picture_of(job: DoneJob) -> Any:
    """The pixels of the one picture that a job has made."""
    (image,) = job.images
    return pixels_of(base64.b64decode(image))


def run(server: SdNextServer, on_poll: Callable[[Poll], None] | None = None, **options: Any) -> DoneJob:
    """One job with these options."""
    server.set_options(**options)
    return server.run_job(steps=STEPS, period_s=0.02, on_poll=on_poll)


def test_no_preview_is_torn_or_early_and_no_picture_is_another(server):
    """In three modes and by both methods: what a step shows is the same whenever and however it is shown."""
    alone = picture_of(run(server, zluda_sync_enabled=False))
    for _ in range(LESSONS):
        run(server, zluda_sync_enabled=True, zluda_sync_mode="every-step")
    count, early = 0, []
    for method in ("fitted", "host"):
        shown: dict[int, list[Any]] = {}
        for mode in MODES:
            client = Client(server)
            job = run(server, client.look, zluda_sync_mode=mode, zluda_sync_preview=method)
            assert np.array_equal(alone, picture_of(job))
            early += [step for at_s, step, _ in client.seen if finished(job.loops[0], at_s) <= step]
            count += len(client.seen)
            for _, step, pixels in client.seen:
                shown.setdefault(step, []).append(pixels)
        first = {step: pictures[0] for step, pictures in shown.items()}
        torn = [
            step
            for step, pictures in shown.items()
            for pixels in pictures
            if np.abs(pixels - first[step]).max() > TOLERANCE
        ]
        # What the last two predict may be the same picture.
        told = [step for step in range(STEPS - 2) if step in first and step + 1 in first]
        alike = [step for step in told if np.array_equal(first[step], first[step + 1])]
        assert (method, [], []) == (method, torn, alike)
    assert [] == early
    assert LEAST_PREVIEWS <= count
    assert "Traceback" not in server.log.read_text(errors="replace")
