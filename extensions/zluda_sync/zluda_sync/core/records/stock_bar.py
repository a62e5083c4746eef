"""The bar that SD.Next would have shown by itself: launched steps of a phase, anew with each phase."""

from __future__ import annotations

from collections.abc import Sequence

from zluda_sync.core.progress.part import Part


def stock_fraction(steps: int, total: int) -> float:
    """Return what SD.Next's page and API show after so many steps of a phase: two digits, 1 at most.

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
