"""A client that polls the host's progress API ten times a second while a job runs."""

from __future__ import annotations

import functools
import hashlib
import threading
import time
from collections.abc import Callable
from typing import Any

from bench.truth.figures import SAMPLE_PERIOD_S
from bench.truth.measured_job import Preview, Sample

NO_PREVIEW_WANTED = -1


def find_progress_endpoint(app: Any | None) -> Callable[[Any], Any]:
    """Return what answers `/internal/progress`: the app's own route, else the host's function.

    The route comes first: an extension may replace either of the two, and a client reaches the route.
    """
    for route in getattr(app, "routes", ()):
        if getattr(route, "path", None) == "/internal/progress":
            endpoint: Callable[[Any], Any] = route.dependant.call
            return endpoint
    from modules import progress

    host_function: Callable[[Any], Any] = progress.api_progress
    return host_function


def find_preview_step(app: Any | None) -> Callable[[], int | None] | None:
    """Return what tells how many steps the extension's newest preview shows, None where it serves none."""
    for route in getattr(app, "routes", ()):
        if getattr(route, "path", None) == "/zluda_sync/v1/preview":
            return functools.partial(_read_step, route.dependant.call)
    return None


def _read_step(get_preview: Callable[[], Any]) -> int | None:
    step = get_preview().headers.get("X-Preview-Step")
    return None if step is None else int(step) + 1  # a step counts once it is finished


class Poller:
    """A thread that makes one call ten times a second from `start` to `stop`."""

    def __init__(self, name: str, poll: Callable[[], None]) -> None:
        self._poll = poll
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._failure: Exception | None = None

    def start(self) -> None:
        """Begin with a call at once."""
        self._thread.start()

    def stop(self) -> None:
        """End after the running call, and raise here what a call has raised there."""
        self._stop.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        due_s = time.perf_counter()
        try:
            while not self._stop.is_set():
                self._poll()
                # A call that blocked has missed its ticks: the rhythm goes on with the next one.
                periods = int((time.perf_counter() - due_s) / SAMPLE_PERIOD_S) + 1
                due_s += periods * SAMPLE_PERIOD_S
                self._stop.wait(due_s - time.perf_counter())
        except Exception as failure:  # noqa: BLE001  (raised again on the thread that measures)
            self._failure = failure


class ProgressSampler:
    """A context in which the progress of one task is polled as clients do, and every answer kept.

    Two clients, each on a thread of its own: one asks for the figures alone, as API clients do; the other
    asks for live previews, as the page does. A host that makes the preview inside the call keeps the second
    waiting; the first still sees what the host says meanwhile.

    Args:
        endpoint: what answers the poll, called with the host's ProgressRequest.
        task_id: the task to ask for.
        wants_previews: whether there is the second client.
        on_sample: called on the first client's thread with each answer.
        preview_step: tells how many steps the newest preview shows; where it is None, or says None, the
            host's own word counts.
    """

    def __init__(
        self,
        endpoint: Callable[[Any], Any],
        task_id: str,
        wants_previews: bool = True,
        on_sample: Callable[[Sample], None] | None = None,
        preview_step: Callable[[], int | None] | None = None,
    ) -> None:
        self._preview_step = preview_step
        self._endpoint = endpoint
        self._task_id = task_id
        self._on_sample = on_sample
        self._pollers = [Poller("progress client", self._ask_progress)]
        if wants_previews:
            self._pollers.append(Poller("preview client", self._ask_preview))
        self._last_preview_id = 0
        self._seen_pictures: set[bytes] = set()
        self.samples: list[Sample] = []
        self.previews: list[Preview] = []

    def __enter__(self) -> ProgressSampler:
        for poller in self._pollers:
            poller.start()
        return self

    def __exit__(self, *exception: object) -> None:
        for poller in self._pollers:
            poller.stop()

    def _ask(self, preview_id: int) -> Any:
        from modules.progress import ProgressRequest

        return self._endpoint(ProgressRequest(id_task=self._task_id, id_live_preview=preview_id))

    def _ask_progress(self) -> None:
        asked_s = time.perf_counter()
        answer = self._ask(NO_PREVIEW_WANTED)
        sample = Sample(
            asked_s=asked_s,
            answered_s=time.perf_counter(),
            progress=answer.progress,
            eta_s=answer.eta,
            step=answer.step,
            steps=answer.steps,
            job=answer.job or "",
        )
        self.samples.append(sample)
        if self._on_sample is not None:
            self._on_sample(sample)

    def _ask_preview(self) -> None:
        from modules import shared

        answer = self._ask(self._last_preview_id)
        arrived_s = time.perf_counter()
        # The answer carries no step; whoever has made the picture keeps it.
        step = self._preview_step() if self._preview_step is not None else None
        if step is None:
            step = int(shared.state.current_image_sampling_step)
        self._last_preview_id = max(answer.id_live_preview or 0, 0)
        if not answer.live_preview:
            return
        # The host's own ids restart with each phase: a picture is told from another by its bytes.
        digest = hashlib.sha256(answer.live_preview.encode()).digest()
        if digest not in self._seen_pictures:
            self._seen_pictures.add(digest)
            self.previews.append(Preview(arrived_s, step if step >= 0 else None))
