"""What one kind of work took in the last jobs, and what it is therefore expected to take.

Two things look alike in the first job that shows them: a disturbance, such as a paused laptop, a compilation
or another program on the GPU, and a lasting change, such as a new driver. The second job tells them apart.
"""

from __future__ import annotations

from collections.abc import Sequence

#: How many jobs are kept of each kind of work.
KEPT_SAMPLES = 5
#: Durations no further apart than this, as a ratio, are of the same speed.
AGREEING_RATIO = 1.25
#: So are those no further apart than this, in seconds, which the clock of a busy host does not tell.
AGREEING_S = 0.002


def agree(one_s: float, other_s: float) -> bool:
    """Return whether two durations show the same speed."""
    low_s, high_s = sorted((one_s, other_s))
    return high_s <= AGREEING_RATIO * low_s or high_s - low_s <= AGREEING_S


def typical_s(samples_s: Sequence[float]) -> float:
    """Return what the next job is expected to take.

    One job that was disturbed changes next to nothing, and two jobs that agree with each other are believed
    at once: the middle one of the last three counts if another one agrees with it. Where no two agree,
    disturbances are more likely than wonders, and one of the faster jobs counts.

    Args:
        samples_s: at least one duration, a job each, the newest last.
    """
    newest = sorted(samples_s[-3:])
    if len(newest) == 3:
        low_s, middle_s, high_s = newest
        if agree(low_s, middle_s) or agree(middle_s, high_s):
            return middle_s
        return sorted(samples_s)[len(samples_s) // 2 - 1]
    return sum(newest) / len(newest) if agree(newest[0], newest[-1]) else newest[0]
