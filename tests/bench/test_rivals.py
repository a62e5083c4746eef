"""What others do for a true bar, without any device: what their clients are told, and that nothing stays."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from diffusers import DiffusionPipeline

from bench.host.rivals import polled_events, tqdm_alone
from modules import devices

LIMIT_S = 30.0


class Event:
    """Reached once it is said to be."""

    recorded: list[Event]

    def record(self):
        self.is_reached = False
        self.recorded.append(self)

    def query(self):
        return self.is_reached


@pytest.fixture
def events(monkeypatch):
    """Every event that is recorded, on a device that reaches one when told to."""
    Event.recorded = []
    monkeypatch.setattr(torch, "get_device_module", lambda device: SimpleNamespace(Event=Event))
    monkeypatch.setattr(devices, "device", torch.device("cpu"))
    return Event.recorded


def new_bar(total):
    """Return the bar that a pipeline would draw."""
    return DiffusionPipeline.progress_bar(object(), total=total)


@pytest.mark.parametrize("rival", [tqdm_alone, polled_events])
def test_pipelines_have_their_own_bar_again(rival, events):
    """Also when a job has failed."""
    original = DiffusionPipeline.progress_bar

    def fail():
        with rival():
            assert DiffusionPipeline.progress_bar is not original
            raise ValueError("a job")

    with pytest.raises(ValueError, match="a job"):
        fail()
    assert DiffusionPipeline.progress_bar is original


def test_tqdm_counts_what_is_queued():
    """One bar a call: the next one begins at nothing."""
    with tqdm_alone() as answer:
        assert (0.0, None) == (answer(None).progress, answer(None).eta)
        with new_bar(4) as bar:
            bar.update()
            bar.update(2)
            assert (0.75, 3, 4) == (answer(None).progress, answer(None).step, answer(None).steps)
            assert answer(None).eta >= 0
        with new_bar(8):
            assert answer(None).progress == 0.0


def test_polled_events_count_what_is_done(events):
    """However many steps are queued."""
    with polled_events() as answer, new_bar(2) as bar:
        bar.update()
        bar.update()
        assert (0.0, None) == (answer(None).progress, answer(None).eta)
        for event in events:
            event.is_reached = True
        bar._thread.join(LIMIT_S)  # it ends with the last step
        assert (1.0, 2, 0.0) == (answer(None).progress, answer(None).step, answer(None).eta)


def test_nobody_polls_after_the_job(events):
    """Not even where the device never was done."""
    with polled_events(), new_bar(2) as bar:
        bar.update()
    assert not bar._thread.is_alive()
