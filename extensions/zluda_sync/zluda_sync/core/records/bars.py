"""The bars of a job for its record: ours as it was shown, and the one that SD.Next would have shown."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from zluda_sync.core.progress.part import Part

#: Samples are at least this far apart, in seconds, and more as they become many.
SHORTEST_PERIOD_S = 0.25
#: So many samples are kept; one more, and every other one is dropped.
MOST_SAMPLES = 480


class BarSamples:
    """Keeps what viewers were shown. Whoever makes a snapshot for one tells it; nobody looks for its sake.

    Four samples a second at most. A job of more than two minutes has fewer: of ``MOST_SAMPLES`` every other
    one is dropped, and what follows is as far apart as what is left. So memory is bounded, and two samples
    are never further apart than 1/240 of the job while somebody looks.
    """

    def __init__(self) -> None:
        self._samples: list[tuple[float, float]] = []
        self._period_s = SHORTEST_PERIOD_S
        self._lock = threading.Lock()

    def record_shown(self, elapsed_s: float, fraction: float) -> None:
        """A viewer was shown this; any thread.

        Args:
            elapsed_s: since the job's begin.
            fraction: of the whole job.
        """
        with self._lock:
            if self._samples and elapsed_s - self._samples[-1][0] < self._period_s:
                return
            self._samples.append((elapsed_s, fraction))
            if len(self._samples) > MOST_SAMPLES:
                del self._samples[1::2]
                self._period_s *= 2

    @property
    def samples(self) -> tuple[tuple[float, float], ...]:
        """Seconds since the job's begin, and the fraction, in order."""
        with self._lock:
            return tuple(self._samples)


def stock_fraction(steps: int, total: int) -> float:
    """Return what SD.Next's page and API show after this many steps of a phase: two digits, 1 at most.

    ``round(min(1, step / steps * batch), 2)`` of its ``modules/progress.py``; the factor for the batch is
    lost with the first phase of each image, so it is 1.
    """
    return round(min(1.0, steps / max(total, 1)), 2)


def stock_bar(parts: Sequence[Part], job_began_at_s: float) -> tuple[tuple[float, float], ...]:
    """Return the bar as a step function: seconds since the job's begin, and the fraction from then on.

    SD.Next counts a step when it has queued it, and each phase that begins sets its counter to 0. So do its
    versions since September 2025; older ones stand at 1 while they decode.

    Args:
        parts: of a job, in order; those that were not begun show nothing.
        job_began_at_s: by the parts' clock.
    """
    changes: list[tuple[float, float]] = [(0.0, 0.0)]
    for part in parts:
        if part.began_at_s is None:
            continue
        changes.append((part.began_at_s, 0.0))
        if part.ledger is not None:
            reading = part.ledger.snapshot()
            total = reading.total or reading.launched
            changes += [
                (at_s, stock_fraction(index + 1, total)) for index, at_s in enumerate(reading.launched_at_s)
            ]
    shown: list[tuple[float, float]] = []
    for at_s, fraction in changes[:1] + [(at_s - job_began_at_s, value) for at_s, value in changes[1:]]:
        if not shown or shown[-1][1] != fraction:
            shown.append((max(0.0, at_s), fraction))
    return tuple(shown)
