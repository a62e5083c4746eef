"""The bar as it was shown: samples for the record of a job."""

from __future__ import annotations

import threading

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
