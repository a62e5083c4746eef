"""Something that was done beside a step, and how long it took."""

from __future__ import annotations

from typing import NamedTuple


class TimedStep(NamedTuple):
    """A wait of the host, or a preview.

    Attributes:
        step: zero-based index, in its pass, of the step that was queued last.
        began_s: since the job's begin.
        duration_s: what it took the host.
    """

    step: int
    began_s: float
    duration_s: float
