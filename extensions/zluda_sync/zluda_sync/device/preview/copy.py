"""Copies of small pictures from the device to the host: begun by the queuing thread, awaited by nobody."""

from __future__ import annotations

import itertools
import queue
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from enum import Enum

import torch
from torch import Tensor

from zluda_sync.core.clock import SYSTEM_CLOCK
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.device.steps.accelerator import (
    NO_MEMORY,
    Accelerator,
    device_module,
    explain_environment,
)
from zluda_sync.device.steps.capture_mode import leave_captures_alone
from zluda_sync.device.steps.device_kinds import PINNED_TYPES
from zluda_sync.device.steps.waits import BlockingWaits
from zluda_sync.device.steps.watcher import Marks
from zluda_sync.device.steps.workload import Workload

#: How long the check of the copies may take, in seconds.
CHECK_LIMIT_S = 1.0
#: The work in front of a trial copy, in seconds; 4 and 16 times that if the copy is over too soon.
TRIAL_S = 0.02
ATTEMPTS = 3
#: Queuing it takes this share of its time at most, so that most of it is left when all is queued.
MOST_LAUNCH_SHARE = 0.5
#: Sides of its matrices: the memory of a job that begins is short.
TRIAL_SIZES = (256, 512, 1024)
_VALUES = itertools.count()


class PendingCopy(ABC):
    """A copy that was begun."""

    @property
    @abstractmethod
    def is_done(self) -> bool:
        """Whether the device has written every byte; asking never waits and never talks to the device."""

    @property
    @abstractmethod
    def tensor(self) -> Tensor:
        """The copy, on the CPU. Must not be read before :attr:`is_done`."""


class HostCopier(ABC):
    """A way to bring small tensors to the host."""

    @abstractmethod
    def begin(self, tensor: Tensor) -> PendingCopy:
        """Begin a copy; called by the thread that queues the steps, which does not wait for it."""

    def close(self) -> None:  # noqa: B027  most ways have nothing to end
        """Begin no more copies."""


class EventCopier(HostCopier):
    """Asynchronous copies, each with an event of its own behind it.

    Args:
        marks: leaves the events, and has the watcher look at them.
        is_pinned: whether the copies land in pinned memory. CUDA copies to other memory only by waiting.
    """

    def __init__(self, marks: Marks, is_pinned: bool) -> None:
        self._marks = marks
        self._is_pinned = is_pinned
        self._ledger = Ledger()
        self._fallback: ThreadCopier | None = None

    def begin(self, tensor: Tensor) -> PendingCopy:
        if not self._marks.is_working:  # events have failed since: no copy would ever be known to be done
            self._fallback = self._fallback or ThreadCopier()
            return self._fallback.begin(tensor)
        if self._is_pinned:
            # A fresh one each time, from torch's cache: whoever still reads the last one keeps it.
            target = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
            target.copy_(tensor, non_blocking=True)
        else:
            target = tensor.to("cpu", non_blocking=True)
        self._marks.leave(self._ledger)
        return _EventCopy(tensor, target, self._ledger, self._ledger.launched)

    def close(self) -> None:
        if self._fallback is not None:
            self._fallback.close()

    def wait_all(self, limit_s: float) -> bool:
        """Wait until every copy that was begun is done; False if that takes too long."""
        return self._ledger.wait_completed(self._ledger.launched - 1, limit_s)


class _EventCopy(PendingCopy):
    def __init__(self, source: Tensor, target: Tensor, ledger: Ledger, position: int) -> None:
        self._source: Tensor | None = source  # kept until the device has read it
        self._target = target
        self._ledger = ledger
        self._position = position

    @property
    def is_done(self) -> bool:
        if self._ledger.completed < self._position:
            return False
        self._source = None
        return True

    @property
    def tensor(self) -> Tensor:
        return self._target


class ThreadCopier(HostCopier):
    """Copies that wait, on a thread of their own, where asynchronous ones are not to be trusted.

    A copy comes behind whatever was queued when its turn came, so it is later by that. Of two that wait the
    older one is dropped.
    """

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[_ThreadCopy | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def begin(self, tensor: Tensor) -> PendingCopy:
        copy = _ThreadCopy(tensor)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="zluda_sync-copies", daemon=True)
            self._thread.start()
        self._waiting.put(copy)
        return copy

    def close(self) -> None:
        if self._thread is not None:
            self._waiting.put(None)
            self._thread = None

    def _run(self) -> None:
        leave_captures_alone()
        while True:
            copy = self._waiting.get()
            while copy is not None and not self._waiting.empty():
                copy = self._waiting.get()
            if copy is None:
                return
            copy.wait_copied()


class _ThreadCopy(PendingCopy):
    def __init__(self, source: Tensor) -> None:
        self._source: Tensor | None = source
        self._target: Tensor | None = None

    def wait_copied(self) -> None:
        """Copy; a device that is lost leaves the copy undone for ever."""
        source, self._source = self._source, None
        if source is not None:
            try:
                self._target = source.cpu()
            except RuntimeError:
                self._target = None

    @property
    def is_done(self) -> bool:
        return self._target is not None

    @property
    def tensor(self) -> Tensor:
        if self._target is None:
            raise RuntimeError("the copy is not done")
        return self._target


class CopyWay(str, Enum):
    """How pictures come to the host."""

    PINNED = "pinned"
    ASYNCHRONOUS = "asynchronous"
    THREAD = "thread"


def make_copier(way: CopyWay, marks: Marks) -> HostCopier:
    """Return a copier for one job."""
    return ThreadCopier() if way is CopyWay.THREAD else EventCopier(marks, way is CopyWay.PINNED)


def find_copy_way(device: torch.device, marks: Marks) -> CopyWay | None:
    """Try the ways on an idle device; return the best that tells the truth, None if it cannot be told now.

    A way is believed once a new value has arrived whole when its event said so, and had not arrived before:
    it is computed behind work of a known length, or the copies of a fast device would be over too soon to
    tell anything. CUDA copies asynchronously to pinned memory only, so nothing else is tried there.

    Args:
        device: on which the latents are; on the CPU there is nothing to copy.
        marks: for the events behind the copies.
    Raises:
        MemoryError: the device has too little memory free for a trial.
    """
    if device.type == "cpu":
        return CopyWay.ASYNCHRONOUS
    ways = [CopyWay.PINNED] if device.type in PINNED_TYPES else [CopyWay.PINNED, CopyWay.ASYNCHRONOUS]
    waits = BlockingWaits()
    try:
        work = _TrialWork(device, waits)
        for way in ways:
            is_true = _tells_the_truth(way, work, marks)
            if is_true is None:
                return None
            if is_true:
                return way
    except TimeoutError:
        return None
    except Exception as error:  # noqa: BLE001  drivers fail in every way; then copies wait
        _raise_if_out_of_memory(error)
    finally:
        waits.stop(0.0)
    return CopyWay.THREAD


class _TrialWork:
    """Work of a known length, behind which copies are tried.

    Args:
        device: on which it is.
        waits: for readings of a device that may be busy with something else.
    Raises:
        TimeoutError: it was.
    """

    def __init__(self, device: torch.device, waits: BlockingWaits) -> None:
        self.device = device
        self._waits = waits
        accelerator = Accelerator(device_module(device), device)
        with torch.inference_mode(False), torch.no_grad():
            self._read(accelerator.bind_read(torch.zeros(1, device=device)))
            self._work = Workload(accelerator, device, self._read, SYSTEM_CLOCK, TRIAL_SIZES)
            self._work.calibrate(TRIAL_S, corrections=1, most_launch_share=MOST_LAUNCH_SHARE)

    def queue(self, parts: int) -> None:
        """Queue it this many times."""
        with torch.no_grad():
            for _ in range(parts):
                self._work.queue()

    def _read(self, read: Callable[[], float]) -> float:
        values: list[float] = []
        if not self._waits.begin(lambda: values.append(read())).wait(CHECK_LIMIT_S):
            raise TimeoutError("the device is busy")
        return values[0]


def _tells_the_truth(way: CopyWay, work: _TrialWork, marks: Marks) -> bool | None:
    """Return whether it does, None if the device was too busy to answer in time, or the host too slow."""
    for attempt in range(ATTEMPTS):
        is_true = _try_copy(way, work, marks, parts=4**attempt)
        if is_true is not None:
            return is_true
    return None


def _try_copy(way: CopyWay, work: _TrialWork, marks: Marks, parts: int) -> bool | None:
    try:
        value = 1 + next(_VALUES) % 250  # never one that an earlier trial has left in the same memory
        work.queue(parts)
        source = torch.full((64, 64), value, dtype=torch.uint8, device=work.device)
        copier = EventCopier(marks, way is CopyWay.PINNED)
        pending = copier.begin(source)
        if not marks.is_working:
            return False
        # Then it is too late to tell, or the copy has kept whoever queues the steps waiting: not to be used.
        was_there = bool((pending.tensor == value).any())
        if not copier.wait_all(CHECK_LIMIT_S):
            return None
        if not (pending.tensor == value).all():
            return False
        return None if was_there else True
    except Exception as error:  # noqa: BLE001  drivers fail in every way; then another way is taken
        _raise_if_out_of_memory(error)
        return False


def _raise_if_out_of_memory(error: Exception) -> None:
    if explain_environment(error) == NO_MEMORY:
        raise MemoryError(str(error)) from error
