"""The host's progress routes: one bar and one ETA for the whole job, in the fields that clients know.

The host computes them from the step of the current phase. The rest of each answer stays the host's.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

from zluda_sync.core.progress.snapshot import ProgressSnapshot
from zluda_sync.host.hooks.host_routes import find_host_routes
from zluda_sync.host.hooks.patch_table import Patch, Switch
from zluda_sync.host.hooks.phases import Idleness
from zluda_sync.host.job.current import Jobs
from zluda_sync.host.job.requests import Requests
from zluda_sync.host.preview.previews import Previews

#: What each answer says of a host that does nothing.
_IDLE_PAGE = {"job": "", "progress": 0.0, "eta": None, "step": 0, "live_preview": None}
_IDLE_API = {"progress": 0.0, "eta_relative": 0.0, "current_image": None}
_IDLE_STATUS = {"status": "idle", "task": "", "progress": 0.0, "eta": None, "step": 0, "timestamp": None}
_IDLE_STATE = {
    "job": "",
    "job_count": 0,
    "job_no": 0,
    "sampling_step": 0,
    "sampling_steps": 0,
    "interrupted": False,
    "skipped": False,
}
#: The host's own word for it.
_IDLE_TEXT = "Waiting..."
#: What a page is told whose own request waits. The host tells it the step of whatever runs, as if that were
#: its own; and what we would tell of that, beside the page's title, would be two versions of another's job.
_QUEUED_PAGE = {"job": "Queued", "progress": 0.0, "eta": None}
#: Told of a job that may be done at any moment: the host's page takes 0 for unknown, and calls it "Start".
LEAST_ETA_S = 0.01


class ProgressRoutes:
    """Builds the patches of the routes that report progress."""

    def __init__(self, jobs: Jobs, requests: Requests, previews: Previews, idleness: Idleness) -> None:
        self._jobs = jobs
        self._idleness = idleness
        self._requests = requests
        self._previews = previews
        self._fills: dict[str, tuple[Callable[[Any, ProgressSnapshot, Any], bool], dict[str, Any]]] = {
            "/internal/progress": (_fill_page_progress, _IDLE_PAGE),
            "/sdapi/v1/progress": (_fill_api_progress, _IDLE_API),
            "/sdapi/v1/status": (_fill_status, _IDLE_STATUS),
        }

    def patches(self, routes: Iterable[Any]) -> list[Patch]:
        """Return one patch for each progress route, below a subpath too.

        FastAPI calls ``route.dependant.call``; replacing that works after registration and can be undone.
        """
        found = []
        for path, route in find_host_routes(routes, tuple(self._fills)):
            dependant, wrapping = getattr(route, "dependant", None), self._wrapping(*self._fills[path])
            if getattr(dependant, "call", None) is not None:
                found.append(Patch(dependant, "call", wrapping, "one bar and one ETA for the whole job"))
        return found

    def _wrapping(self, fill: Callable[..., bool], idle: dict[str, Any]) -> Callable[[Any, Switch], Any]:
        watching = self._jobs.guard.watching

        def build(original: Callable[..., Any], switch: Switch) -> Callable[..., Any]:
            @functools.wraps(original)
            def answer_progress(*args: Any, **kwargs: Any) -> Any:
                if switch.is_on:
                    with watching("letting go of a job"):
                        self._jobs.close_what_was_left()
                answer = original(*args, **kwargs)
                # Others may have put a response of their own into its place: that stays as it is.
                if switch.is_on and hasattr(answer, "progress"):
                    request = args[0] if args else kwargs.get("req")
                    with watching("saying that nothing runs"):
                        self._show_idle(answer, idle)
                    with watching("acknowledging a Stop"):
                        self._acknowledge(answer)
                    if getattr(answer, "queued", False) and not getattr(answer, "active", True):
                        _fill(answer, **_QUEUED_PAGE)
                    self._jobs.report(lambda snapshot: fill(answer, snapshot, request))
                    with watching("showing a preview"):
                        self._show_preview(answer, request, kwargs)
                return answer

            return answer_progress

        return build

    def _show_idle(self, answer: Any, idle: dict[str, Any]) -> None:
        """Say that nothing is done where nothing is: the host leaves the step of what ran last, or failed."""
        if not self._idleness.is_idle:
            return
        _fill(answer, **idle)
        if getattr(answer, "active", False):
            answer.active, answer.textinfo = False, _IDLE_TEXT
        state = getattr(answer, "state", None)
        if isinstance(state, dict):
            state.update({name: value for name, value in _IDLE_STATE.items() if name in state})

    def _show_preview(self, answer: Any, request: Any, parameters: dict[str, Any]) -> None:
        """Give each client the newest preview that it does not have, whoever else asks."""
        if not self._previews.are_ours:
            return
        if hasattr(answer, "live_preview"):
            known = getattr(request, "id_live_preview", -1)
            if not answer.active or known == -1:
                return
            preview = self._previews.look(wants_clip=True)
            if preview is not None and preview.number != known:
                answer.live_preview, answer.id_live_preview = preview.data_uri, preview.number
        elif hasattr(answer, "current_image"):
            if getattr(request, "skip_current_image", False) or parameters.get("skip_current_image"):
                return
            preview = self._previews.look()
            if preview is not None:
                answer.current_image = preview.png_base64

    def _acknowledge(self, answer: Any) -> None:
        """Say that a request will be stopped whose job has not begun: it loads a model, or makes ready."""
        control = self._requests.meant
        if control is not None and control.is_stopped and getattr(answer, "active", True):
            name = next((name for name in ("job", "task") if hasattr(answer, name)), "textinfo")
            title = getattr(answer, name) or "preparing"
            _fill(answer, **{name: f"Stopping: {title}"})


def describe(snapshot: ProgressSnapshot) -> str:
    """Return one line for people: what is going on, how much is done, how long it takes."""
    parts = [snapshot.label, f"{snapshot.fraction:.0%}"]
    low_s, high_s = snapshot.eta_low_s, snapshot.eta_high_s
    if low_s is not None and high_s is not None:
        parts.append(f"{low_s:.0f}-{high_s:.0f} s left")
    elif snapshot.eta_s is not None:
        parts.append(f"{snapshot.eta_s:.0f} s left")
    if snapshot.notice and not snapshot.is_notice_new:
        parts.append(snapshot.notice)
    return ", ".join(parts)


def _find_told_eta_s(snapshot: ProgressSnapshot) -> float | None:
    """Return what is left, 0 of what is delivered only; None while that is unknown."""
    if snapshot.eta_s is None or snapshot.fraction >= 1:
        return snapshot.eta_s
    return max(snapshot.eta_s, LEAST_ETA_S)


def _fill_page_progress(answer: Any, snapshot: ProgressSnapshot, request: Any) -> bool:
    """Show a snapshot on the page; False if the client waits for something else. The others are alike."""
    # A poller that follows "whatever runs" is told that it runs, between phases too.
    if getattr(request, "id_task", None) == "undefined":
        answer.active = True
    if not answer.active:
        return False
    return _fill(
        answer,
        job=snapshot.label,
        progress=snapshot.fraction,
        eta=_find_told_eta_s(snapshot),
        textinfo=describe(snapshot),
    )


def _fill_api_progress(answer: Any, snapshot: ProgressSnapshot, _request: Any) -> bool:
    eta_s, text = _find_told_eta_s(snapshot) or 0.0, describe(snapshot)
    return _fill(answer, progress=snapshot.fraction, eta_relative=eta_s, textinfo=text)


def _fill_status(answer: Any, snapshot: ProgressSnapshot, _request: Any) -> bool:
    # Between two phases the host has no name for what it does, and would say that it does nothing.
    if getattr(answer, "status", None) == "idle":
        answer.status = "running"
    return _fill(
        answer,
        task=snapshot.label,
        progress=snapshot.fraction,
        eta=_find_told_eta_s(snapshot),
        elapsed=snapshot.elapsed_s,
    )


def _fill(answer: Any, **values: Any) -> bool:
    for name, value in values.items():
        if hasattr(answer, name):  # older hosts have fewer fields
            setattr(answer, name, value)
    return True
