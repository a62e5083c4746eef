"""The forecast: how much time a job still takes, from its parts and their rates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zluda_sync.core.phase import Phase
from zluda_sync.core.progress.part import Part, PartKind
from zluda_sync.core.progress.rates import Rate, Rates

#: A part that outlasts its expectation gets this share of its age on top: the ETA never stands at 0.
OVERRUN_SHARE = 0.15
#: A step that is late keeps at least this share of its expected time.
LATE_STEP_SHARE = 0.05


@dataclass(frozen=True)
class Forecast:
    """How much is left.

    Attributes:
        remaining_s: the best guess.
        spread_s: how far off it may be, either way.
    """

    remaining_s: float
    spread_s: float


def forecast(parts: Sequence[Part], rates: Rates, now_s: float) -> Forecast | None:
    """Return what the unfinished parts are expected to take, None if that cannot be told.

    Args:
        parts: all parts of the job, in order.
        rates: expectations for them.
        now_s: the job's clock.
    """
    remaining_s = spread_s = 0.0
    busy_until_s = 0.0
    planned: dict[tuple[PartKind, int], Rate | None] = {}  # a batch of a hundred repeats the same few
    for part in parts:
        finished_at_s = part.finished_at_s
        if finished_at_s is not None:
            busy_until_s = max(busy_until_s, finished_at_s)
            continue
        if part.began_at_s is not None:
            rate = rates.rate_of(part)
        else:
            if (part.kind, part.pixels) not in planned:
                planned[part.kind, part.pixels] = rates.rate_of(part)
            rate = planned[part.kind, part.pixels]
        if rate is None:
            if part.phase is Phase.DENOISE:
                return None
            continue  # of no known length, and seldom long
        if part.phase is Phase.DENOISE:
            left_s = _left_of_pass_s(part, rate.unit_s, rates.lead_in_of(part), now_s)
            if left_s is None:
                return None
        else:
            left_s = _left_of_part_s(part, rate.unit_s, busy_until_s, now_s)
        remaining_s += left_s
        spread_s += left_s * rate.spread
        if part.began_at_s is not None:
            busy_until_s = now_s  # what comes after it cannot have begun on the device
    return Forecast(remaining_s, spread_s)


def _left_of_pass_s(part: Part, step_s: float, lead_in_s: float, now_s: float) -> float | None:
    if part.ledger is None:
        return None if part.steps is None else lead_in_s + part.steps * step_s
    reading = part.ledger.snapshot()  # of one moment: a step that ends meanwhile would count by halves
    completed, completed_at_s = reading.completed, reading.completed_at_s
    total = reading.total if reading.total is not None else part.steps
    if part.left_at_s is not None or part.is_cut:
        total = reading.launched  # ended early: no more will come
    if total is None:
        return None
    if completed >= total:
        return 0.0
    since_s = now_s - (completed_at_s[-1] if completed else part.device_began_at_s or now_s)
    expected_s = step_s if completed else lead_in_s + step_s
    current_s = max(expected_s - since_s, step_s * LATE_STEP_SHARE)
    return current_s + (total - completed - 1) * step_s


def _left_of_part_s(part: Part, expected_s: float, busy_until_s: float, now_s: float) -> float:
    if part.began_at_s is None:
        return expected_s
    age_s = max(0.0, now_s - max(part.began_at_s, busy_until_s))
    done = _share_of_blocks(part)
    if done > 0:
        # What the blocks show counts the more, the more of them are done; alone, once the rest is refuted.
        shown_s = age_s / done
        expected_s = shown_s if age_s > expected_s else (1 - done) * expected_s + done * shown_s
    return max(expected_s - age_s, OVERRUN_SHARE * age_s * (1 - done))


def _share_of_blocks(part: Part) -> float:
    blocks = part.blocks
    return blocks.completed / blocks.total if blocks is not None and blocks.total else 0.0
