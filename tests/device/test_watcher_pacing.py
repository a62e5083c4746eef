"""The watcher knows how long steps take, though copies of previews come between them."""

from __future__ import annotations

import threading
import time

from tests.fake_device import FakeDevice
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.device.steps.accelerator import Accelerator
from zluda_sync.device.steps.ladder import Ladder
from zluda_sync.device.steps.rungs import PlantedEvent
from zluda_sync.device.steps.watcher import CompletionWatcher, PollPacer


class NotedPacer(PollPacer):
    """Notes what it is told of the time that a step takes."""

    noted: list[float | None]

    def delay_s(self, waited_s: float, expected_s: float | None) -> float:
        self.noted.append(expected_s)
        return 0.001


def test_copies_between_steps_do_not_make_it_forget():
    """Each kind of mark is timed by itself."""
    pacer = NotedPacer()
    object.__setattr__(pacer, "noted", [])
    device = FakeDevice()
    rung = PlantedEvent(Accelerator(device))
    ladder = Ladder([rung])
    watcher = CompletionWatcher(pacer)
    steps, copies = Ledger(), Ledger()
    for step in range(6):
        for ledger in (steps, copies):
            ledger.record_launch()
            watcher.watch(ladder, rung, rung.plant()[0], ledger, step)
        threading.Event().wait(0.02)
        device.finish()
        deadline_s = time.monotonic() + 20.0
        while copies.completed <= step:
            assert time.monotonic() < deadline_s
            time.sleep(0.001)
    watcher.stop()
    assert pacer.noted[-1] is not None
    assert pacer.noted[-1] >= 0.01
