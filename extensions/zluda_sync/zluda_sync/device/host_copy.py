"""Copies of small pictures from the device to the host: begun by the queuing thread, awaited by nobody."""

from __future__ import annotations

import queue
import threading
from abc import ABC, abstractmethod
from enum import Enum

import torch
from torch import Tensor

from zluda_sync.core.ledger import Ledger
from zluda_sync.device.accelerator import PINNED_KINDS
from zluda_sync.device.step_marks import StepMarks

#: How long the check of the copies may take, in seconds.
CHECK_LIMIT_S = 1.0


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
        """Begin a copy; called by the thread that queues the steps, which it does not keep waiting."""

    def close(self) -> None:  # noqa: B027  most ways have nothing to end
        """Begin no more copies."""


class EventCopier(HostCopier):
    """Asynchronous copies, each with an event of its own behind it.

    Args:
        marks: leaves the events, and has the watcher look at them.
        is_pinned: whether the copies land in pinned memory. CUDA copies to other memory only by waiting.
    """

    def __init__(self, marks: StepMarks, is_pinned: bool) -> None:
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


def make_copier(way: CopyWay, marks: StepMarks) -> HostCopier:
    """Return a copier for one job."""
    return ThreadCopier() if way is CopyWay.THREAD else EventCopier(marks, way is CopyWay.PINNED)


def find_copy_way(device: torch.device, marks: StepMarks) -> CopyWay | None:
    """Try the ways on an idle device; return the best that tells the truth, None if it cannot be told now.

    A way is believed once a value computed behind some work has arrived whole when its event said so. CUDA
    copies asynchronously to pinned memory only, so nothing else is tried there.

    Args:
        device: on which the latents are; on the CPU there is nothing to copy.
        marks: for the events behind the copies.
    """
    if device.type == "cpu":
        return CopyWay.ASYNCHRONOUS
    ways = [CopyWay.PINNED] if device.type in PINNED_KINDS else [CopyWay.PINNED, CopyWay.ASYNCHRONOUS]
    for way in ways:
        is_true = _tells_the_truth(way, device, marks)
        if is_true is None:
            return None
        if is_true:
            return way
    return CopyWay.THREAD


def _tells_the_truth(way: CopyWay, device: torch.device, marks: StepMarks) -> bool | None:
    """Return whether it does, None if the device was too busy to answer in time."""
    try:
        work = torch.ones(128, 128, device=device)
        for _ in range(32):
            work = (work @ work).clamp(0, 1)
        copier = EventCopier(marks, way is CopyWay.PINNED)
        pending = copier.begin((work * 0 + 77).to(torch.uint8))
        if not marks.is_working:
            return False
        if not copier.wait_all(CHECK_LIMIT_S):
            return None
        return bool((pending.tensor == 77).all())
    except Exception:  # noqa: BLE001  drivers fail in every way; then another way is taken
        return False
