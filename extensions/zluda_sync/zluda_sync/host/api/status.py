"""What is to be told of the session now: why it acts or not, what it goes by, and the job that runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import zluda_sync
from zluda_sync.core.clock import SYSTEM_CLOCK, Clock
from zluda_sync.core.progress.snapshot import ProgressSnapshot
from zluda_sync.core.settings.profiles import ChosenProfile
from zluda_sync.core.settings.settings import DEFAULTS, PROFILE_FIELDS, Gate, ModeChoice
from zluda_sync.core.wishes.request_wishes import Ending
from zluda_sync.device.steps.accelerator import Accelerator
from zluda_sync.device.steps.self_testing import SelfTesting
from zluda_sync.host.accelerator import explain_no_accelerator, is_zluda
from zluda_sync.host.job.records import JobRecords
from zluda_sync.host.profiles.choice import ProfileChoice
from zluda_sync.host.sdnext import SdNext

#: What does not depend on the job is read anew so often, in seconds, for streams of events.
SURROUNDINGS_S = 1.0
_DIGITS = 3


class SessionStatus:
    """Builds the status. Loads no model, waits for nothing, and is the same for every view.

    Args:
        host: the host.
        find_snapshot: gives the progress of the job that is followed, None if there is none.
        records: of the jobs.
        profile_choice: knows settings, profiles and what is wrong with them.
        self_testing: knows what to expect of the device.
        find_accelerator: gives what the host computes on, None if that is the CPU.
        find_failure: tells whether the patches are installed, and what kept them out, empty if nothing.
        clock: seconds.
    """

    def __init__(
        self,
        host: SdNext,
        find_snapshot: Callable[[], ProgressSnapshot | None],
        records: JobRecords,
        profile_choice: ProfileChoice,
        self_testing: SelfTesting,
        find_accelerator: Callable[[], Accelerator | None],
        find_failure: Callable[[], tuple[bool, str]],
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._host = host
        self._find_snapshot = find_snapshot
        self._records = records
        self._profile_choice = profile_choice
        self._self_testing = self_testing
        self._find_accelerator = find_accelerator
        self._find_failure = find_failure
        self._clock = clock
        self._surroundings: tuple[float, dict[str, Any]] | None = None

    def build(self) -> dict[str, Any]:
        """Return the status, read this moment."""
        return self._assemble(self._build_surroundings())

    def build_for_events(self) -> dict[str, Any]:
        """Return the status; what does not depend on the job may be a second old."""
        now_s, read = self._clock(), self._surroundings
        if read is None or now_s - read[0] >= SURROUNDINGS_S:
            read = self._surroundings = now_s, self._build_surroundings()
        return self._assemble(read[1])

    def record_shown(self, status: dict[str, Any]) -> None:
        """Somebody was shown this status. Building one records nothing: not everybody who asks shows it."""
        job = status["job"]
        if job is not None:
            ending = None if job["ending"] is None else Ending(job["ending"])
            self._records.record_shown(job["id"], job["elapsed_s"], job["fraction"], ending)

    def _assemble(self, surroundings: dict[str, Any]) -> dict[str, Any]:
        running = self._records.current_choice
        profile = _tell_profile(running) if running is not None else surroundings["profile"]
        return {**surroundings, "profile": profile, "job": self._build_job()}

    def _build_surroundings(self) -> dict[str, Any]:
        accelerator = self._find_accelerator()
        chosen = self._profile_choice.choose()
        report = self._self_testing.book.find(accelerator)
        progress = self._self_testing.progress
        explanation = self._self_testing.explain(accelerator)
        is_acting, failure = self._find_failure()
        return {
            "version": zluda_sync.__version__,
            "is_acting": is_acting,
            "explanation": explanation if is_acting else failure or self._why_not(chosen, accelerator),
            "device": (accelerator.name or None) if accelerator is not None else None,
            "backend": self._host.backend,
            "is_zluda": is_zluda(self._host),
            "profile": _tell_profile(chosen),
            "self_test": {
                "mode": DEFAULTS.policy(report).mode.value,
                "explanation": explanation,
                "progress": progress[0] if progress is not None else None,
            },
            "problems": [{"where": one.where, "text": one.text} for one in self._profile_choice.problems],
            "page": {"favicon": chosen.settings.favicon, "notification": chosen.settings.notification},
        }

    def _why_not(self, chosen: ChosenProfile, accelerator: Accelerator | None) -> str:
        """Return in one sentence why the host runs as it came."""
        settings = chosen.settings
        if not settings.enabled:
            return "switched off: Follow the GPU is unchecked in Settings > ZLUDA Sync"
        if settings.mode is ModeChoice.OFF:
            return f"switched off: the profile {chosen.name} has mode off ({chosen.reason})"
        if accelerator is None:
            return explain_no_accelerator(self._host)
        if settings.gate is Gate.ZLUDA:
            return "this device is not on ZLUDA; Settings > ZLUDA Sync > Where to act has other choices"
        return (
            "the self-test has not shown that SD.Next runs ahead of this device; see Where to act in Settings"
        )

    def _build_job(self) -> dict[str, Any] | None:
        job_id = self._records.current_id
        snapshot = self._find_snapshot()
        if snapshot is None or job_id is None or job_id != self._records.current_id:
            return None  # none, or one has ended and the next begun between the two
        ending = snapshot.ending
        return {
            "id": job_id,
            "label": snapshot.label,
            "phase": snapshot.phase.value,
            "role": snapshot.role,
            "image": snapshot.image,
            "images": snapshot.images,
            "pass_index": snapshot.pass_index,
            "completed": snapshot.completed,
            "launched": snapshot.launched,
            "total": snapshot.total,
            "run_ahead": snapshot.run_ahead,
            "elapsed_s": round(snapshot.elapsed_s, _DIGITS),
            "fraction": round(snapshot.fraction, _DIGITS + 1),
            "eta_s": _rounded(snapshot.eta_s),
            "eta_spread_s": _rounded(snapshot.eta_spread_s),
            "eta_low_s": _rounded(snapshot.eta_low_s),
            "eta_high_s": _rounded(snapshot.eta_high_s),
            "mode": snapshot.mode.value,
            "rung": snapshot.rung,
            "is_paused": snapshot.is_paused,
            "ending": ending.value if ending is not None else None,
            "is_compiling": snapshot.is_compiling,
            "silence_s": _rounded(snapshot.silence_s),
            "notice": snapshot.notice,
        }


def _tell_profile(chosen: ChosenProfile) -> dict[str, Any]:
    values = {name: getattr(chosen.settings, name) for name in PROFILE_FIELDS}
    return {
        "name": chosen.name,
        "reason": chosen.reason,
        "values": {name: getattr(value, "value", value) for name, value in values.items()},
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, _DIGITS)
