"""The forecast: how much time a job still takes, from its parts and the rate of each.

A rate is how long one unit of a part is expected to take, from what this job shows and what was learned.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from statistics import median

from zluda_sync.core.learning.samples import agree
from zluda_sync.core.phase import ALONE, BASE, TEXTS, Phase
from zluda_sync.core.progress.memory import (
    GUESSED,
    NOTHING_LEARNED,
    OBSERVED,
    SCALED,
    Memory,
    Rate,
    lead_in_kind,
)
from zluda_sync.core.progress.part import Part, count_begun, group_planned
from zluda_sync.core.progress.shape import JobShape, plan_parts

#: What is left of something is never below this share of the time that it took: half of its relative
#: uncertainty, and no more than that. So the time left does not stand still.
UNSURE_SHARE, MOST_UNSURE_SHARE = 0.5, 0.15
#: What outlasts its expectation goes on for this share of the overrun; as long as that is short, for this
#: share of the geometric mean of overrun and expectation, which is longer.
OVERRUN_SHARE = 0.5
#: The same within a job of a kind never seen: nearer to a busy device (1) than to one that mostly waits for
#: launches (0), where either extreme would be far off for the other.
GUESSED_EXPONENT = 0.9
#: Share of a lone first step that is taken for the step itself; the rest is preparation and warming up.
FIRST_STEP_SHARE = 0.5
#: Units of a base step that a phase takes where nothing at all is known of it.
GUESSED_BASE_STEPS = {
    Phase.PREPARE: 0.0,
    Phase.PROMPT: 0.0,
    Phase.LOAD: 0.0,
    Phase.ENCODE: 0.5,
    Phase.UPSCALE: 0.5,
    Phase.DECODE: 3.0,
    Phase.DETAIL: 3.0,
    Phase.SAVE: 0.3,
    Phase.CAPTION: 0.0,
    Phase.INTERPOLATE: 0.5,
    Phase.EXPORT: 0.5,
}
#: How many observed steps weigh as much as what was learned.
PRIOR_WEIGHT = 2.0
#: What blocks show of a guess counts no more than this: there is work behind the last one, too.
MOST_OF_BLOCKS = 0.9
#: So many steps that agree with each other refute what was learned, if that is of another speed.
REFUTING_STEPS = 3
#: The speed of a pass is that of its last steps: another program may have begun to use the GPU.
RECENT_STEPS = 11


@dataclass(frozen=True)
class Forecast:
    """How much is left.

    Attributes:
        remaining_s: the best guess.
        spread_s: how far off it may be, either way.
        is_guessed: whether it counts on a part unlike any that was seen.
    """

    remaining_s: float
    spread_s: float
    is_guessed: bool = False


def forecast(
    parts: Sequence[Part],
    rates: Rates,
    now_s: float,
    has_ended: bool = False,
    planned: Iterable[tuple[Part, int]] = (),
    busy_until_s: float = 0.0,
) -> Forecast | None:
    """Return what the unfinished parts are expected to take, None if that cannot be told.

    Args:
        parts: of the job, in order; the first of them may be left out that are finished.
        rates: expectations for them.
        now_s: the job's clock.
        has_ended: whether the host is done with the job, so that nothing more will come.
        planned: of what else has not begun, one of each sort and how many of it there are.
        busy_until_s: when the last was finished of those that are left out.
    """
    remaining_s = spread_s = 0.0
    is_idle, is_empty, is_guessed = True, True, False
    for part, count in chain(((part, 1) for part in parts), planned):
        is_empty = False
        finished_at_s = part.finished_at_s
        if finished_at_s is not None:
            busy_until_s = max(busy_until_s, finished_at_s)
            continue
        rate = rates.rate_of(part)
        if rate is None:
            is_main = part.role.startswith(ALONE) and not _done_of_blocks(part)[0]
            comes_with_a_pass = part.is_foreseen and part.phase in (Phase.DETAIL, Phase.DECODE)
            if part.phase is Phase.DENOISE or is_main or comes_with_a_pass:
                return None
            rate = Rate(0.0, GUESSED)  # of no known length, and seldom long
        if part.phase is Phase.DENOISE:
            left = _left_of_pass(part, rate, rates.lead_in_s(part), now_s)
            if left is None:
                return None
        else:
            left = _left_of_part(part, rate, busy_until_s, now_s)
        is_guessed |= rate.is_guess and rate.unit_s > 0.0
        remaining_s += count * left.remaining_s
        spread_s += count * left.spread_s
        if part.began_at_s is not None:
            busy_until_s, is_idle = now_s, False  # what comes after it cannot have begun on the device
    if is_empty:
        return None
    if is_idle and busy_until_s and not has_ended:
        # Nobody told what goes on between two parts, or after the last.
        idle = _left_of(0.0, now_s - busy_until_s, GUESSED)
        remaining_s, spread_s = remaining_s + idle.remaining_s, spread_s + idle.spread_s
    return Forecast(remaining_s, spread_s, is_guessed)


class Rates:
    """Expectations for the parts of one job.

    Args:
        parts: the parts of the job, the begun ones first; read anew at each question.
        memory: what earlier jobs have taught.
        earlier: parts of the same request that are over, in order: they tell more than earlier jobs do.
    """

    def __init__(
        self, parts: Sequence[Part], memory: Memory = NOTHING_LEARNED, earlier: Sequence[Part] = ()
    ) -> None:
        self._parts = parts
        self._memory = memory
        self._earlier = earlier

    def rate_of(self, part: Part) -> Rate | None:
        """Return the expectation for a part, None if there is nothing to go by."""
        prior = self._of_same_kind(part) or self._memory.recall(part.kind, part.pixels)
        observed = part.unit_durations_s() if part.ledger is not None else []
        if not observed:
            return (
                prior
                or self._from_another_pass(part)
                or self._from_base_step(part)
                or self._from_blocks(part)
            )
        is_first = part.ledger is not None and part.ledger.completed == 1
        shown = Rate(median(observed[-RECENT_STEPS:]), OBSERVED)
        if is_first:
            shown = Rate(observed[0] * FIRST_STEP_SHARE, GUESSED)
        if prior is None:
            return shown
        if is_first:
            return prior
        if len(observed) >= REFUTING_STEPS and not agree(shown.unit_s, prior.unit_s):
            return shown
        weight = len(observed) / (len(observed) + PRIOR_WEIGHT)
        return Rate(weight * shown.unit_s + (1 - weight) * prior.unit_s, min(shown.spread, prior.spread))

    def lead_in_s(self, part: Part) -> float:
        """Return how many seconds a pass is expected to take before its first step; 0 if nothing is known."""
        for other in self._newest_first():
            lead_in_s = other.lead_in_s() if other is not part and other.kind == part.kind else None
            if lead_in_s is not None:
                return lead_in_s
        recalled = self._memory.recall(lead_in_kind(part), part.pixels)
        return recalled.unit_s if recalled is not None else 0.0

    def _newest_first(self) -> Iterator[Part]:
        parts = self._parts
        for index in reversed(range(count_begun(parts))):  # others tell nothing
            yield parts[index]
        yield from reversed(self._earlier)

    def _of_same_kind(self, part: Part) -> Rate | None:
        """What an earlier image of this job has taken."""
        for other in self._newest_first():
            is_alike = other.kind == part.kind and not (other.has_compiled and other.ledger is None)
            if other is not part and is_alike and other.is_finished:
                durations = other.unit_durations_s()
                if durations:
                    return Rate(median(durations) * (part.pixels / other.pixels), OBSERVED)
        return None

    def _from_another_pass(self, part: Part) -> Rate | None:
        """What a step takes in another pass of this job, or was learned to take there."""
        if part.phase is not Phase.DENOISE:
            return None
        for other in self._newest_first():
            if other is part or other.ledger is None:
                continue
            durations = other.unit_durations_s()
            if durations:
                return Rate(median(durations) * (part.pixels / other.pixels) ** GUESSED_EXPONENT, GUESSED)
        base = self._memory.recall((Phase.DENOISE, BASE), part.pixels)
        return Rate(base.unit_s, SCALED) if base is not None else None

    def _from_blocks(self, part: Part) -> Rate | None:
        """What a part that is not begun takes, from how far one of its kind has come that is under way."""
        for other in self._newest_first():
            if other is part or other.kind != part.kind or other.began_at_s is None:
                continue
            done, done_at_s = _done_of_blocks(other)
            if done > 0:
                whole_s = max(0.0, done_at_s - other.began_at_s) / done
                return Rate(whole_s * (part.pixels / other.pixels), GUESSED)
        return None

    def _from_base_step(self, part: Part) -> Rate | None:
        if part.phase is Phase.DENOISE:
            return None
        step = self._from_another_pass(Part(Phase.DENOISE, part.role, part.image, part.pixels))
        return Rate(step.unit_s * GUESSED_BASE_STEPS[part.phase], GUESSED) if step is not None else None


def forecast_whole(shape: JobShape, memory: Memory, earlier: Sequence[Part] = ()) -> Forecast | None:
    """Return what a job, or a cell, of this shape is expected to take that has not begun; None if unknown.

    Args:
        shape: what is asked for.
        memory: what earlier jobs have taught of such.
        earlier: parts that are over in the same request.
    """
    planned = plan_parts(shape, memory.extras, memory.passes)
    return forecast((), Rates((), memory, earlier), 0.0, planned=group_planned(planned))


def _left_of_pass(part: Part, rate: Rate, lead_in_s: float, now_s: float) -> Forecast | None:
    step_s = rate.unit_s
    if part.ledger is None:
        left_s = None if part.steps is None else lead_in_s + part.steps * step_s
        return None if left_s is None else Forecast(left_s, left_s * rate.spread)
    reading = part.ledger.snapshot()  # of one moment: a step that ends meanwhile would count by halves
    completed, completed_at_s = reading.completed, reading.completed_at_s
    total = reading.total if reading.total is not None else part.steps
    if part.left_at_s is not None or part.is_cut:
        total = reading.launched  # ended early: no more will come
    if total is None:
        return None
    began_at_s = completed_at_s[-1] if completed else part.device_began_at_s
    since_s = now_s - began_at_s if began_at_s is not None else 0.0
    if completed >= total:
        # The host still does something that it does not tell of; beside a step it is short.
        return _left_of(0.0, since_s, GUESSED)
    current = _left_of(step_s if completed else lead_in_s + step_s, since_s, rate.spread)
    later_s = (total - completed - 1) * step_s
    return Forecast(current.remaining_s + later_s, current.spread_s + later_s * rate.spread)


def _left_of_part(part: Part, rate: Rate, busy_until_s: float, now_s: float) -> Forecast:
    expected_s = rate.unit_s
    if part.began_at_s is None:
        return Forecast(expected_s, expected_s * rate.spread)
    began_at_s = max(part.began_at_s, busy_until_s)
    age_s = max(0.0, now_s - began_at_s)
    done, done_at_s = _done_of_blocks(part)
    if part.phase in TEXTS and rate.spread <= SCALED:
        done = 0.0  # so many tokens may come; most texts end before that, as they did when this was learned
    if done > 0:
        # What the blocks show counts the more, the more of them are done; alone, once the rest is refuted.
        # That the last one is the end is believed of a guess alone: much may come behind it.
        shown_s = max(0.0, done_at_s - began_at_s) / done
        if age_s > expected_s:
            expected_s = max(expected_s, shown_s)
        elif shown_s > expected_s or done < 1 or rate.spread > SCALED:
            expected_s += min(done, MOST_OF_BLOCKS) * (shown_s - expected_s)
    return _left_of(expected_s, age_s, rate.spread)


def _left_of(expected_s: float, age_s: float, spread: float) -> Forecast:
    """Return what is left of something that has taken ``age_s`` so far.

    Falls with time while that is as foreseen, and grows once it is not; it never stands still.
    """
    unsure_s = min(UNSURE_SHARE * spread, MOST_UNSURE_SHARE) * age_s
    overrun_s = age_s - expected_s
    if overrun_s <= 0:
        left_s = max(-overrun_s, unsure_s)
        return Forecast(left_s, left_s * spread)
    more_s = OVERRUN_SHARE * max(overrun_s, (overrun_s * expected_s) ** 0.5)
    return Forecast(unsure_s + more_s, (unsure_s + more_s) * max(spread, GUESSED))


def _done_of_blocks(part: Part) -> tuple[float, float]:
    """Return the share of a part's blocks that are done, and when the last of them was."""
    reading = part.blocks.snapshot() if part.blocks is not None else None
    if reading is None or not reading.total or not reading.completed:
        return 0.0, 0.0
    return reading.completed / reading.total, reading.completed_at_s[-1]
