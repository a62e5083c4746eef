"""A job: everything that one press of Generate does, as a row of parts with one bar over them all."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from copy import copy

from zluda_sync.core.clock import SYSTEM_CLOCK, Clock
from zluda_sync.core.phase import BASE, Phase
from zluda_sync.core.progress.forecast import Forecast
from zluda_sync.core.progress.memory import Memory
from zluda_sync.core.progress.outline import Stretch
from zluda_sync.core.progress.part import CompileSign, CompileWatch, Part, find_shown_pass
from zluda_sync.core.progress.part_row import PartRow
from zluda_sync.core.progress.shape import JobShape
from zluda_sync.core.progress.snapshot import ProgressSnapshot
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.core.steps.policy import SyncMode

#: The bar stops here until the pictures are delivered.
UNDELIVERED_MAX = 0.99


class Job:
    """Owns the parts of one job, and the bar, which never falls and is full only after delivery.

    The host tells what it begins, on one thread; anybody may take a snapshot, on any thread.

    Args:
        mode: when the host waits.
        shape: what is asked for; parts are planned from it, others are added as they turn up.
        memory: what earlier jobs have taught.
        clock: seconds; stands still while the job is paused.
        compile_sign: tells of kernels being compiled, None if that cannot be told.
        began_at_s: when the job was asked for, by that clock; now if None.
        earlier: parts of the cells before it in the same request: what they took is the best guess there is.

    Attributes:
        clock, began_at_s: what times all that is counted for it, and when by that the job was asked for.
        launched_before: steps of passes that are not told any more, for their cells are over.
    """

    def __init__(
        self,
        mode: SyncMode,
        shape: JobShape | None = None,
        memory: Memory | None = None,
        clock: Clock = SYSTEM_CLOCK,
        compile_sign: CompileSign | None = None,
        began_at_s: float | None = None,
        earlier: Sequence[Part] = (),
    ) -> None:
        self.mode = mode
        self.clock = clock
        self._compiles = CompileWatch(compile_sign)
        self.began_at_s = clock() if began_at_s is None else began_at_s
        self._row = PartRow(shape, memory, self._compiles, earlier)
        self._passes: list[Part] = []
        self.launched_before = 0
        self._lock = threading.Lock()
        self._fraction = 0.0
        self._is_delivered = False
        self._was_cut = self._lacks_parts = self._has_ended = False

    @property
    def shape(self) -> JobShape | None:
        """What is asked for in the cell that is made, None if unknown."""
        return self._row.shape

    @property
    def elapsed_s(self) -> float:
        """Seconds since the job was asked for."""
        return self.clock() - self.began_at_s

    @property
    def parts(self) -> tuple[Part, ...]:
        """All parts in order as they stand at this moment: over, under way, planned.

        Copies: what the job changes in its own while somebody reads them is not seen by halves.
        """
        with self._lock:
            return tuple(map(copy, (*self._row.over, *self._row.parts)))

    @property
    def cell_parts(self) -> tuple[Part, ...]:
        """The parts of the cell that is made now, or was last, as they stand at this moment; copies."""
        with self._lock:
            return tuple(map(copy, self._row.of_cell))

    @property
    def begun_parts(self) -> list[Part]:
        """The parts that the host has begun, without those of cells long over: what others are judged by."""
        with self._lock:
            return self._row.begun

    @property
    def passes(self) -> tuple[Part, ...]:
        """The denoising passes that the host has begun, the one that it is queuing last."""
        return tuple(self._passes)

    @property
    def launched(self) -> int:
        """Steps of all passes that the host has queued."""
        ledgers = (part.ledger for part in self.passes if part.ledger is not None)
        return self.launched_before + sum(ledger.launched for ledger in ledgers)

    @property
    def computes(self) -> bool:
        """Whether a pass of the cell that is made has begun."""
        with self._lock:
            return any(part.ledger is not None for part in self._row.of_cell)

    @property
    def shown_pass(self) -> Part | None:
        """The pass that the device works on, None before the first."""
        return find_shown_pass(self._passes)

    @property
    def part_under_way(self) -> Part | None:
        """The part that the host is in, None between two."""
        with self._lock:
            newest = self._row.newest_begun
            return newest if newest is not None and newest.left_at_s is None else None

    def begin_part(self, phase: Phase, role: str = BASE, image: int = 0) -> Part:
        """The host begins a part; going on with the one under way changes nothing.

        A part that was planned takes its place, and what was planned before it will not come any more; one
        that was not planned is added.
        """
        with self._lock:
            newest = self._row.newest_begun
            is_under_way = newest is not None and newest.left_at_s is None
            if newest is not None and is_under_way and newest.place == (self._row.cell, image, (phase, role)):
                return newest
            return self._begin(phase, role, image)

    def begin_pass(self, role: str = BASE, image: int = 0, is_found: bool = False) -> tuple[Part, Ledger]:
        """The host begins a denoising loop, or is found in one; returns its part and its fresh ledger."""
        with self._lock:
            part = self._begin(Phase.DENOISE, role, image, self.began_at_s if is_found else None)
            part.ledger = ledger = Ledger(None, self.clock)
            self._passes.append(part)
            return part, ledger

    def replan(self, shape: JobShape, memory: Memory | None = None) -> None:
        """The job asks for something else than was thought when it began: plan what has not begun anew.

        Args:
            shape: what is asked for.
            memory: what earlier jobs of this shape have taught.
        """
        with self._lock:
            self._row.replan(shape, memory)

    def correct_size(self, part: Part, pixels: int) -> None:
        """A pass was seen to compute so many pixels: so does the rest of its image, and of the job."""
        with self._lock:
            self._row.measure(part, pixels)

    def begin_cell(self, shape: JobShape | None, memory: Memory | None = None) -> None:
        """A picture call begins within that of the job, which makes its pictures by it: plan that one.

        Args:
            shape: what is asked for in it.
            memory: what earlier jobs of this shape have taught.
        """
        with self._lock:
            self._row.begin_cell(shape, memory, self.clock())

    def end_cell(self) -> None:
        """The picture call within that of the job has ended: what was planned of it will not come."""
        with self._lock:
            self._lacks_parts = self._lacks_parts or self._row.awaits_pictures
            self._row.end_cell(self.clock())
            kept = [part for part in self._passes if part.cell >= self._row.cell or not part.is_finished]
            launched = self.launched
            self._passes[:] = kept or self._passes[-1:]
            self.launched_before += launched - self.launched

    def attach_blocks(self, part: Part, blocks: Ledger, blocks_of_unit: int = 0) -> None:
        """A part without steps gets marks instead; so many of them make a unit that is told, if any."""
        with self._lock:
            part.blocks, part.blocks_of_unit = blocks, blocks_of_unit

    def leave_part(self) -> None:
        """The host has gone on from the part under way, to nothing that has a name."""
        with self._lock:
            self._row.leave(self.clock())

    def resume(self, part: Part) -> None:
        """The host goes on with a part that it had left."""
        with self._lock:
            part.left_at_s = None

    def expect_total(self, part: Part, total: int) -> None:
        """A pass has ``total`` steps; so will have those of its kind that are still to come."""
        if part.ledger is None:
            return
        part.ledger.expect_total(total)
        with self._lock:
            self._row.expect_steps(part.kind, total)

    @property
    def is_made_of_cells(self) -> bool:
        """Whether picture calls within that of the job make its pictures."""
        return self._row.cell > 0

    @property
    def was_cut(self) -> bool:
        """Whether the user has not wanted something that was planned or under way."""
        return self._was_cut

    @property
    def is_whole(self) -> bool:
        """Whether every pass and decode that followed from the request has been begun."""
        with self._lock:
            return not (self._lacks_parts or self._row.awaits_pictures)

    def cut(self, first_image: int, last_image: int | None = None) -> None:
        """The user does not want these images: what is planned of them will not come.

        What is under way ends early; saving what there is of a begun image still comes.

        Args:
            first_image: zero-based index.
            last_image: zero-based index, None for all that follow.
        """
        with self._lock:
            self._was_cut = self._row.cut(first_image, last_image) or self._was_cut

    def end_parts(self) -> None:
        """The host is done with the job: what was planned and has not begun will not come."""
        self.leave_part()
        with self._lock:
            self._lacks_parts, self._has_ended = self._lacks_parts or self._row.awaits_pictures, True
            self._row.drop_planned()

    def deliver(self) -> None:
        """The pictures are with the user: the bar is full."""
        self.end_parts()
        with self._lock:
            self._is_delivered = True

    def outline(self) -> tuple[Stretch, ...]:
        """Return the job as stretches of time, empty where that cannot be told."""
        with self._lock:
            return self._row.outline(self.clock())

    def snapshot(self, rung: str | None = None) -> ProgressSnapshot:
        """Return the job's progress.

        Args:
            rung: name of the way in which completions are learned, for the snapshot only.
        """
        with self._lock:
            now_s = self.clock()
            elapsed_s = now_s - self.began_at_s
            row = self._row
            left = row.foresee(now_s, self._has_ended)
            left = Forecast(0.0, 0.0) if self._is_delivered else left
            self._fraction = max(self._fraction, self._fraction_of(elapsed_s, left))
            part = row.on_device
            shown = self.shown_pass
            reading = shown.ledger.snapshot() if shown is not None and shown.ledger is not None else None
            return ProgressSnapshot(
                phase=part.phase if part is not None else Phase.PREPARE,
                role=part.role if part is not None else BASE,
                image=part.image if part is not None else 0,
                images=row.shape.images if row.shape is not None else 1,
                is_compiling=part is not None and self._compiles.is_compiling(part, now_s),
                part_elapsed_s=0.0 if part is None or part.began_at_s is None else now_s - part.began_at_s,
                is_host_ahead=part is not None and part.ledger is not None and part.left_at_s is not None,
                pass_index=self._passes.index(shown) if shown is not None else None,
                completed=reading.completed if reading is not None else 0,
                launched=reading.launched if reading is not None else 0,
                total=reading.total if reading is not None else None,
                elapsed_s=elapsed_s,
                fraction=self._fraction,
                eta_s=left.remaining_s if left is not None else None,
                eta_spread_s=left.spread_s if left is not None else None,
                is_eta_guessed=left is None or left.is_guessed,
                mode=self.mode,
                rung=rung,
                is_unwanted=part is not None and part.is_cut,
                tokens=part.tokens if part is not None else 0,
                units=part.units if part is not None else None,
            )

    def _fraction_of(self, elapsed_s: float, left: Forecast | None) -> float:
        if self._is_delivered or left is None or elapsed_s <= 0:
            return 1.0 if self._is_delivered else 0.0
        return min(elapsed_s / (elapsed_s + left.remaining_s), UNDELIVERED_MAX)

    def _begin(self, phase: Phase, role: str, image: int, idle_from_s: float | None = None) -> Part:
        part = self._row.begin(phase, role, image, self.clock(), idle_from_s)
        part.queued_behind = self._passes[-1].ledger if self._passes else None
        return part
