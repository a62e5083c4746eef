"""One job that is stopped: pressed when its page shows a certain phase, as a person does."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bench.host.job import REQUEST_TITLE, JobError, WantedJob, build_request
from bench.host.unforeseen import unforeseen_passes
from bench.truth.recorder import TruthRecorder, build_marks
from bench.truth.sampler import NO_PREVIEW_WANTED

POLL_PERIOD_S = 0.02
LIMIT_S = 120.0
SAVING_S = 0.15
LOADING_S = 0.3
DONE = ""

#: How the page names each phase; what is queued behind another job has no name of its own.
LABELS = {
    "load": "Load",
    "encode": "Text encode",
    "base": "Denoise",
    "hires": "Hires",
    "detail": "Detail ",
    "decode": "VAE decode",
    "save": "Saving",
}
QUEUE = "queue"
PHASES = (QUEUE, *LABELS)


@dataclass(frozen=True)
class StopOutcome:
    """What a Stop did.

    Attributes:
        phase: in which it was pressed.
        mode: of the extension.
        latency_s: from the press to the end of the request.
        launched: steps that were queued after the press.
        is_acknowledged: whether every answer after the press said so, until the job was over.
        is_lost: whether the job went on to another image.
        is_leaked: whether the job after it was stopped too.
    """

    phase: str
    mode: str
    latency_s: float
    launched: int
    is_acknowledged: bool
    is_lost: bool
    is_leaked: bool


class Client:
    """Polls the page's route on a thread of its own, and presses Stop once.

    Args:
        ask: gives the label of the job, empty when none runs.
        press: what the button does.
        is_due: whether to press at this label.
        delay_s: how long after that.
    """

    def __init__(
        self,
        ask: Callable[[], str],
        press: Callable[[], object],
        is_due: Callable[[str], bool],
        delay_s: float,
    ) -> None:
        self._ask = ask
        self._press = press
        self._is_due = is_due
        self._delay_s = delay_s
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stopping client", daemon=True)
        self.pressed_s: float | None = None
        self.labels_after: list[str] = []

    def __enter__(self) -> Client:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._is_over.set()
        self._thread.join()

    @property
    def is_acknowledged(self) -> bool:
        """Whether every answer after the press told of it."""
        return all(label.startswith("Stopping: ") for label in self.labels_after if label != DONE)

    def _run(self) -> None:
        while not self._is_over.is_set():
            label = self._ask()
            if self.pressed_s is not None:
                self.labels_after.append(label)
            elif self._is_due(label) and not self._is_over.wait(self._delay_s):
                self._press()
                self.pressed_s = time.perf_counter()
                continue  # the very next answer counts
            self._is_over.wait(POLL_PERIOD_S)


def run_stopped_job(
    phase: str, mode: str, wanted: WantedJob, delay_s: float, endpoint: Callable[[Any], Any]
) -> StopOutcome:
    """Run a job and press Stop in a phase of its first image.

    Args:
        phase: one of PHASES.
        mode: of the extension, for the outcome only.
        wanted: the job; of more than one image, so that a lost Stop shows.
        delay_s: from the first answer that shows the phase to the press.
        endpoint: answers the page's polls.
    Raises:
        JobError: the phase never came.
    """
    from modules import devices, progress, shared

    task_id = f"task(stop-{time.monotonic_ns()})"

    def ask() -> str:
        answer = endpoint(progress.ProgressRequest(id_task=task_id, id_live_preview=NO_PREVIEW_WANTED))
        return (answer.job or DONE) if answer.active else DONE

    def is_due(label: str) -> bool:
        if phase == QUEUE:
            return label != DONE
        title = LABELS[phase]
        is_denoising = phase in ("base", "hires", "detail")
        of_image = label.removeprefix(f"Image 1/{wanted.batches}: ")
        # Without barriers the host is ahead, and the page says so in the place of the step.
        return of_image.startswith(title) or (is_denoising and of_image.startswith("Finishing"))

    following = FollowingJob()
    with contextlib.ExitStack() as around:
        around.enter_context(slow_saving())
        around.enter_context(unforeseen_passes())
        marks = build_marks(devices.device.type)
        truth = around.enter_context(TruthRecorder(type(shared.sd_model.scheduler), marks))
        with Client(ask, shared.state.interrupt, is_due, delay_s) as client:
            images = run_request(
                task_id, wanted, phase == "load", when_running=following.start if phase == QUEUE else None
            )
            ended_s = time.perf_counter()
        is_leaked = not following.is_whole()
    if client.pressed_s is None:
        raise JobError(f"the job was over before its page showed {phase}")
    launched_s = [at for one in truth.passes() for at in one.launched_s]
    return StopOutcome(
        phase=phase,
        mode=mode,
        latency_s=ended_s - client.pressed_s,
        launched=sum(client.pressed_s < at <= ended_s for at in launched_s),
        is_acknowledged=client.is_acknowledged,
        is_lost=images >= wanted.batches,
        is_leaked=is_leaked,
    )


class FollowingJob:
    """The job after the stopped one, on a thread of its own: it must not be stopped."""

    def __init__(self) -> None:
        self._images = 0
        self._thread = threading.Thread(target=self._run, name="following job", daemon=True)

    def start(self) -> None:
        """Ask for it; it waits in the host's queue while another runs."""
        self._thread.start()

    def is_whole(self) -> bool:
        """Wait for it, and return whether it delivered its picture."""
        if self._thread.ident is None:
            self.start()
        self._thread.join(LIMIT_S)
        return self._images == 1

    def _run(self) -> None:
        self._images = run_request("task(following)", WantedJob(steps=1))


@contextlib.contextmanager
def slow_saving() -> Iterator[None]:
    """A context in which pictures take a while to save, so that Stop can be pressed meanwhile."""
    from modules import processing

    process_samples: Callable[..., tuple[list[Any], list[str]]] = processing.process_samples

    def save_slowly(p: Any, samples: list[Any]) -> tuple[list[Any], list[str]]:
        time.sleep(SAVING_S)
        return process_samples(p, samples)

    processing.process_samples = save_slowly
    try:
        yield
    finally:
        processing.process_samples = process_samples


def run_request(
    task_id: str,
    wanted: WantedJob,
    loads_model: bool = False,
    when_running: Callable[[], None] | None = None,
) -> int:
    """Do what the page's button does, and return how many pictures were delivered.

    Args:
        task_id: of the page's task.
        wanted: the job.
        loads_model: whether the host is busy with that before the job.
        when_running: called once the request has left the queue.
    """
    from modules import call_queue, processing, progress, shared

    phase = shared.state.begin(REQUEST_TITLE, task_id=task_id)
    try:
        with call_queue.queue_lock:
            progress.start_task(task_id)
            if when_running is not None:
                when_running()
            if loads_model:
                loading = shared.state.begin("Load model")
                time.sleep(LOADING_S)
                shared.state.end(loading)
            return len(processing.process_images(build_request(wanted)).images)
    finally:
        progress.finish_task(task_id)
        shared.state.end(phase)
