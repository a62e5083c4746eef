"""The units of a part without steps, counted when they are finished: tiles, pairs of frames, tokens."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from zluda_sync.core.phase import Phase
from zluda_sync.core.progress.job import Job
from zluda_sync.core.progress.part import Part
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.device.steps.barrier import StepBarrier
from zluda_sync.device.steps.tracker import BlockingBarrier


class Units:
    """Follows the units of one job's parts. On the thread that queues them.

    Upscalers differ: some read each tile back, others queue all of them at once. So each unit has a mark, and
    the host waits behind it as the mode says: then a Stop has an effect, which it is asked for before each.

    Args:
        job: the job.
        barrier: marks each unit, and waits.
        phases: whose parts have units of this kind.
    """

    def __init__(self, job: Job, barrier: StepBarrier | BlockingBarrier, phases: AbstractSet[Phase]) -> None:
        self._job = job
        self._barrier = barrier
        self._phases = phases
        self._part: Part | None = None

    def begin(self, total: int | None) -> bool:
        """A loop over units begins; return whether it belongs to the part that is under way.

        Args:
            total: units of the loop, the most that may come where that is all that is known; None if unknown.
        """
        part = self._job.part_under_way
        self._part = None
        if part is None or part.phase not in self._phases:
            return False
        if part.blocks is not None:  # a second upscaler, whose picture is blended with that of the first
            part = self._job.begin_part(part.phase, f"{part.role} again", part.image)
        self._job.attach_blocks(part, Ledger(total, self._job.clock), int(part.phase is Phase.INTERPOLATE))
        self._part = part
        return True

    def pass_to(self, count: int) -> None:
        """So many are queued by now: count those that were not, as :meth:`pass_one` does."""
        part = self._part
        while part is not None and part.blocks is not None and part.blocks.launched < count:
            before = part.blocks.launched
            self.pass_one()
            if part.blocks.launched == before:
                return

    def pass_one(self) -> None:
        """A unit was queued: count it, mark it, and wait as the mode says.

        Raises:
            NoRungLeftError: no way is left to learn when the device finishes a unit.
        """
        part = self._part
        if part is not None and part.blocks is not None and part.left_at_s is None:
            self._barrier.pass_step(part.blocks, None)
