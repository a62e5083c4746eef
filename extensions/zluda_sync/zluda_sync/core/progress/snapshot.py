"""What every view reads: one frozen picture of a job's progress."""

from __future__ import annotations

from dataclasses import dataclass

from zluda_sync.core.phase import BASE, PASS_LABELS, Phase
from zluda_sync.core.steps.policy import SyncMode
from zluda_sync.core.wishes.request_wishes import Ending

#: An ETA that may be off by more than this share of itself is honest as a range only.
UNSURE_SHARE = 0.15
#: A range shorter than this, in seconds, says no more than one figure.
SHORTEST_RANGE_S = 2.0
_ENDING_LABELS = {Ending.STOP: "Stopping", Ending.SKIP: "Skipping"}


@dataclass(frozen=True)
class ProgressSnapshot:
    """The state of a job at one moment.

    Attributes:
        phase: what the device is busy with.
        role: pass that the phase belongs to.
        image: zero-based index of the batch that is made.
        images: batches of the job.
        is_compiling: whether kernels are being compiled, which happens once and takes a while.
        part_elapsed_s: seconds since the host began with the part.
        is_host_ahead: whether the host has left the pass that the device is still in.
        pass_index: zero-based index of the denoising pass whose steps are counted, None before the first.
        completed: steps of that pass that the device has finished.
        launched: steps of that pass that the host has queued.
        total: steps of that pass, None while unknown.
        elapsed_s: seconds since the job was asked for.
        fraction: of the whole job, in time; below 1 until the pictures are delivered, never falling.
        eta_s: seconds that the job still takes, None while unknown.
        eta_spread_s: how far off ``eta_s`` may be either way, None while unknown.
        mode: when the host waits.
        rung: how it learns of a completion, None if no way is left or none was needed yet.
        is_unwanted: whether the user has asked for an end to what the device is busy with.
        ending: how the user wants the job to end early, None if it is to go on.
        is_paused: whether the user has paused it.
        silence_s: for how long the device has finished nothing of what it was given, None if usual.
        notice: what has gone wrong in following the job, in one sentence, empty if nothing has.
        is_notice_new: whether that happened within the last seconds.
        cell: zero-based index of the picture call within the request.
        cells: picture calls of the request, None while unknown; mostly there is one.
        tokens: of the text that is written, those that the device has finished.
        units: how much of the phase is done, and of how much: frames of a film in chunks, or between which
            others are put; None where that is not told.
        is_eta_guessed: whether ``eta_s`` counts on a part unlike any that was seen, as in a first job.
    """

    phase: Phase
    role: str
    image: int
    images: int
    is_compiling: bool
    part_elapsed_s: float
    is_host_ahead: bool
    pass_index: int | None
    completed: int
    launched: int
    total: int | None
    elapsed_s: float
    fraction: float
    eta_s: float | None
    eta_spread_s: float | None
    mode: SyncMode
    rung: str | None
    is_unwanted: bool = False
    ending: Ending | None = None
    is_paused: bool = False
    silence_s: float | None = None
    notice: str = ""
    is_notice_new: bool = False
    cell: int = 0
    cells: int | None = 1
    tokens: int = 0
    units: tuple[int, int] | None = None
    is_eta_guessed: bool = False

    @property
    def run_ahead(self) -> int:
        """Steps of the shown pass that are queued and not finished."""
        return self.launched - self.completed

    @property
    def eta_low_s(self) -> float | None:
        """The soonest that the job may end, where a range is to be shown; None where ``eta_s`` is enough."""
        return self._eta_range_s[0] if self._eta_range_s is not None else None

    @property
    def eta_high_s(self) -> float | None:
        """The latest that the job may end, where a range is to be shown; None where ``eta_s`` is enough."""
        return self._eta_range_s[1] if self._eta_range_s is not None else None

    @property
    def _eta_range_s(self) -> tuple[float, float] | None:
        """The one decision on whether the ETA is shown as a range; every view follows it."""
        eta_s, spread_s = self.eta_s, self.eta_spread_s
        if eta_s is None or spread_s is None or spread_s <= UNSURE_SHARE * eta_s:
            return None
        low_s, high_s = max(0.0, eta_s - spread_s), eta_s + spread_s
        return (low_s, high_s) if high_s - low_s >= SHORTEST_RANGE_S else None

    @property
    def label(self) -> str:
        """What is going on, as the user reads it.

        ``Image 2/3: Denoise 12/30``, ``Cell 3/12 · Image 1/2: VAE decode``, ``Stopping: VAE decode``.
        """
        if self.ending in _ENDING_LABELS:
            return f"{_ENDING_LABELS[self.ending]}: {self._what_is_awaited}"
        place = [f"Image {self.image + 1}/{self.images}"] if self.images > 1 else []
        if self.cells != 1:
            place.insert(0, f"Cell {self.cell + 1}" + (f"/{self.cells}" if self.cells is not None else ""))
        text = f"{' · '.join(place)}: {self._work}" if place else self._work
        if self.silence_s is not None:
            text = f"{text}, nothing finished for {self.silence_s:.0f} s"
        if self.is_notice_new:
            text = f"{text} ({self.notice})"
        if self.is_paused:
            return f"Paused: {text}"
        return f"{text}, then stop" if self.ending is Ending.STOP_AFTER_IMAGE else text

    @property
    def _what_is_awaited(self) -> str:
        """What cannot be called back any more: queued work runs to its end."""
        if self.run_ahead:
            return f"{self.run_ahead} queued step{'s' if self.run_ahead > 1 else ''}"
        return self._work

    @property
    def _work(self) -> str:
        if self.is_compiling:
            text = f"Compiling kernels (first run) {self.part_elapsed_s:.0f} s"
        elif self.is_host_ahead and self.run_ahead and self.mode is SyncMode.OBSERVE:
            text = f"Finishing {self.run_ahead} queued step{'s' if self.run_ahead > 1 else ''}"
        elif self.phase is Phase.DENOISE:
            # How many steps a later pass has, its first one tells; before, the number asked for is a guess.
            is_counted = self.role == BASE or self.launched > 0
            total = f"/{self.total}" if self.total is not None else ""
            name = PASS_LABELS.get(self.role, self.phase.label)
            text = f"{name} {self.completed}{total}" if is_counted else name
        elif self.phase is Phase.LOAD:
            text = f"{self.phase.label} {self.part_elapsed_s:.0f} s"
        elif self.tokens:
            text = f"{self.phase.label} {self.tokens} token{'s' if self.tokens > 1 else ''}"
        elif self.units is not None:
            text = f"{self.phase.label} {self.units[0]}/{self.units[1]}"
        else:
            text = self.phase.label
        return text
