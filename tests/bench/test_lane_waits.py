"""What the lane sees of waits: those of the hook's thread, by name and by torch's own check."""

from __future__ import annotations

import contextlib
import re
import threading
import warnings
from collections.abc import Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from bench.lane.wait_notes import Wait, note_waits
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.device.steps.accelerator import Accelerator
from zluda_sync.device.steps.waits import BlockingWaits

SAID = "called a synchronizing CUDA operation"


class Waiting:
    """Stands for a stream and for an event."""

    def __init__(self) -> None:
        self.waits = 0

    def synchronize(self) -> None:
        self.waits += 1


class Stream(Waiting):
    pass


class Event(Waiting):
    pass


STREAM = Stream()


@pytest.fixture
def module() -> Any:
    """A module as torch has one for each kind of device."""
    return SimpleNamespace(
        Stream=Stream, Event=Event, synchronize=lambda device=None: None, current_stream=lambda: STREAM
    )


def names_of(waits: list[Wait]) -> list[str]:
    return [wait.name for wait in waits]


def on_another_thread(call) -> None:
    thread = threading.Thread(target=call)
    thread.start()
    thread.join()


def test_each_way_to_wait_is_seen_and_still_waits(module: Any):
    """The extension's own words for it are among them, and streams and events that were there before."""
    accelerator, waits, event = Accelerator(module), BlockingWaits(), Event()
    before, waited = vars(module).copy(), STREAM.waits
    device_wait = accelerator.bind_device_wait()
    with note_waits(module, is_cuda=False) as found:
        device_wait()
        accelerator.bind_stream_wait()()
        event.synchronize()
        waits.begin(module.synchronize).wait(10.0)
        Ledger(1).wait_completed(0, 0.0)
    waits.stop()
    assert [
        "synchronize of the device",
        "Stream.synchronize",
        "Event.synchronize",
        "a wait for the extension's threads",
        "a wait for the extension's ledger",
    ] == names_of(found)
    assert (waited + 1, 1) == (STREAM.waits, event.waits)
    assert before == vars(module)
    event.synchronize()
    assert 5 == len(found)


def test_a_wait_says_where_in_the_extension_it_is(module: Any):
    """Whoever reads a lane's table can go there; a wait of the pipeline's own has no such place."""
    device_wait = Accelerator(module).bind_device_wait()
    with note_waits(module, is_cuda=False) as found:
        device_wait()
        STREAM.synchronize()
    inner, own = found
    assert inner.place is not None
    assert re.fullmatch(r"zluda_sync.device.steps.accelerator\.py:\d+ \S+", inner.place)
    assert (None, "Stream.synchronize") == (own.place, str(own))


def test_waits_of_other_threads_are_not_told_as_the_hooks(module: Any):
    """A preview or a watcher may wait meanwhile."""
    with note_waits(module, is_cuda=False) as found:
        on_another_thread(module.synchronize)
        on_another_thread(STREAM.synchronize)
    assert [] == found


@pytest.fixture
def modes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What torch's own check was set to."""
    found: list[str] = []
    monkeypatch.setattr(torch.cuda, "set_sync_debug_mode", found.append)
    return found


def warn() -> None:
    warnings.warn(SAID, stacklevel=1)


def test_torchs_own_check_counts_for_its_own_thread(module: Any, modes: list[str]):
    """It is the whole process's, and warns each time; what else is warned of is none."""
    with note_waits(module, is_cuda=True) as found:
        assert ["warn"] == modes
        for _ in range(2):
            warn()
        warnings.warn("something else", stacklevel=1)
        on_another_thread(warn)
    assert [SAID, SAID] == names_of(found)
    assert ["warn", "default"] == modes


def calls_of_torch() -> Iterator[Any]:
    """Each looked up when its turn comes, as whoever waits does."""
    cuda: Any = torch.cuda
    yield cuda.synchronize
    yield partial(cuda.Stream.synchronize, object())
    yield partial(cuda.Event.synchronize, object())
    yield torch.accelerator.synchronize


@pytest.mark.skipif(not hasattr(torch, "accelerator"), reason="torch 2.6 and later have all four")
def test_the_names_of_torch_itself_can_be_watched(modes: list[str]):
    """Also in a build without CUDA, where the calls fail: they are the same classes and functions."""
    owners = (torch.cuda, torch.cuda.Stream, torch.cuda.Event, torch.accelerator)
    before = [vars(owner)["synchronize"] for owner in owners]
    with note_waits(torch.cuda, is_cuda=True) as found:
        for call in calls_of_torch():
            with contextlib.suppress(Exception):  # there is no card
                call()
    names = "synchronize of the device", "Stream.synchronize", "Event.synchronize"
    assert [*names, "torch.accelerator.synchronize"] == names_of(found)
    assert before == [vars(owner)["synchronize"] for owner in owners]
