"""Whether the extension acts on the host's device, why, and when the host waits there."""

from __future__ import annotations

from collections.abc import Callable

from zluda_sync.core.learning.grid_memory import digest_of
from zluda_sync.core.learning.sightings import Sightings
from zluda_sync.core.settings.gate import Decision, Gate, Known, decide
from zluda_sync.core.settings.settings import ModeChoice, Settings
from zluda_sync.core.steps.policy import BarrierPolicy
from zluda_sync.device.steps.accelerator import Accelerator
from zluda_sync.device.steps.ahead_probe import AheadProbe
from zluda_sync.device.steps.trust_book import TrustBook
from zluda_sync.host.accelerator import accelerator_of, is_zluda
from zluda_sync.host.job.fingerprints import fingerprint_settings
from zluda_sync.host.sdnext import SdNext

#: Backends on which the host itself waits after each step, unless that is switched off.
SYNCED_BACKENDS = ("zluda", "rocm", "cuda", "ipex")


class Acting:
    """Decides by settings, self-test and what was seen in use; looks on where it does not act.

    Attributes:
        book: knows the self-tests.

    Args:
        host: the host.
        book: knows the self-tests.
        sightings: knows what was seen in use.
        inform: tells the user what is so now, in one sentence.
    """

    def __init__(
        self, host: SdNext, book: TrustBook, sightings: Sightings, inform: Callable[[str], None]
    ) -> None:
        self._host = host
        self.book = book
        self._sightings = sightings
        self._inform = inform
        self._probe: AheadProbe | None = None
        self._told = ""

    def decide(self, settings: Settings, accelerator: Accelerator | None) -> Decision:
        """Return whether to act on a device, None for one that cannot be followed, and why."""
        if accelerator is None:
            return Decision(False, "there is nothing to follow")
        if not settings.enabled:  # by the request: else nothing is installed that asks
            return Decision(False, "it is switched off")
        if settings.mode is ModeChoice.OFF:
            return Decision(False, "mode off leaves SD.Next as it came")
        known = Known(
            is_zluda=is_zluda(self._host),
            report=self.book.find(accelerator),
            unfinished=self._find_unfinished(accelerator),
            can_be_tested=accelerator.has_named_device or not accelerator.kind.name,
            steps_seen_ahead=self._steps_seen_ahead(settings, accelerator),
            may_sync=self._may_sync,
        )
        return decide(settings.gate, known)

    def decide_and_tell(self, settings: Settings, accelerator: Accelerator | None) -> bool:
        """Return whether to act on a device; the log says which and why, whenever that changes."""
        decision = self.decide(settings, accelerator)
        if accelerator is not None:
            mode = f"active, mode {self.policy(settings, accelerator).mode.value}"
            text = f"{mode if decision.acts else 'not active'} on {_title_of(accelerator)}: {decision.why}"
            if text != self._told:
                self._told = text
                self._inform(text)
        return decision.acts

    def policy(self, settings: Settings, accelerator: Accelerator | None) -> BarrierPolicy:
        """Return when the host waits on a device."""
        report = self.book.find(accelerator)
        is_seen_ahead = accelerator is not None and self._steps_seen_ahead(settings, accelerator) is not None
        return settings.policy(report, is_seen_ahead, self._may_sync)

    def find_accelerator(self) -> Accelerator | None:
        """Return what the host computes on, None if that cannot be followed."""
        return accelerator_of(self._host)

    def wants_self_test(self, settings: Settings) -> bool:
        """Return whether what a self-test finds may change anything."""
        return is_zluda(self._host) or settings.gate is not Gate.ZLUDA

    def watch_job(self, settings: Settings) -> None:
        """A job begins on which we do not act: notice if the host runs ahead, to act from the next one on."""
        self.end_watch()
        accelerator = accelerator_of(self._host)
        if accelerator is None or settings.gate is not Gate.AUTO or not settings.is_on:
            return
        kind = self._kind_of(accelerator)

        def keep(steps: int) -> None:
            self._sightings.keep(kind, steps)
            device = _title_of(accelerator)
            self._inform(f"SD.Next was seen {steps} steps ahead of {device}: active from the next job on")

        self._probe = AheadProbe(accelerator, lambda: self._host.state.sampling_step, keep)
        self._probe.start()

    def end_watch(self) -> None:
        """The job is over."""
        if self._probe is not None:
            self._probe.end()
            self._probe = None

    @property
    def _may_sync(self) -> bool:
        """Whether a full wait after each step adds none to what the host does by itself."""
        host_syncs = self._host.backend in SYNCED_BACKENDS and getattr(self._host.opts, "torch_sync", True)
        return is_zluda(self._host) or bool(host_syncs)

    def _find_unfinished(self, accelerator: Accelerator) -> str:
        report = self.book.find_unfinished(accelerator)
        return report.unfinished if report is not None and not report.was_called_off else ""

    def _steps_seen_ahead(self, settings: Settings, accelerator: Accelerator) -> int | None:
        if settings.gate is not Gate.AUTO or self._sightings.is_empty:
            return None
        return self._sightings.find(self._kind_of(accelerator))

    def _kind_of(self, accelerator: Accelerator) -> str:
        """Return the digest of what decides whether the host runs ahead: device, model, settings."""
        device = accelerator.name, self.book.versions_of(accelerator)
        model = getattr(self._host.opts, "sd_model_checkpoint", None)  # asking for more could load it
        settings = fingerprint_settings(self._host.opts)
        return digest_of({"device": device, "model": str(model), "settings": settings})


def _title_of(accelerator: Accelerator) -> str:
    """Return what a device is called in the log."""
    kind = accelerator.kind
    return f"{accelerator.name} ({kind.title})" if accelerator.name and kind.name else kind.title
