"""When the self-test runs, what is kept of it, and that it never stands in a job's way."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from tests.fake_device import FakeDevice
from zluda_sync.core.errors import SelfTestRefusedError
from zluda_sync.core.records.self_test_report import RungVerdict, SelfTestReport
from zluda_sync.device.steps import self_testing as module
from zluda_sync.device.steps.accelerator import Accelerator
from zluda_sync.device.steps.self_testing import SelfTesting, TestSubject
from zluda_sync.device.steps.trust_book import TrustBook
from zluda_sync.device.steps.waits import BlockingWaits

LONG_S = 20.0
FOUND = SelfTestReport(
    device="card", work_s=0.2, queued_s=0.0, rungs=(RungVerdict("planted-event", True, cost_s=0.0),)
)


class FakeTest:
    """Stands for SelfTest: ends at once, or when it is called off."""

    made: list[FakeTest] = []
    blocks = False
    result = FOUND

    def __init__(self, accelerator, waits, is_called_off, show) -> None:
        self._is_called_off = is_called_off
        self.began = threading.Event()
        FakeTest.made.append(self)

    def run(self) -> SelfTestReport:
        self.began.set()
        while FakeTest.blocks:
            if self._is_called_off():
                return SelfTestReport(device="card", unfinished="a job began", was_called_off=True)
            time.sleep(0.001)
        return FakeTest.result


class Place:
    """A host folder with what it takes to test there; :meth:`restart` as SD.Next does."""

    def __init__(self, folder) -> None:
        self.host = SimpleNamespace(data_folder=folder, zluda_build="1")
        self.device = torch.device("cuda", 0)
        self.is_idle = True
        self.name = "card"
        self.reports: list[SelfTestReport] = []
        self.warnings: list[str] = []
        self.restart()

    def restart(self) -> None:
        path = self.host.data_folder / "zluda_sync" / "selftest.json"
        self.testing = SelfTesting(
            TestSubject("SD.Next", self.accelerator, lambda: "SD.Next computes on the CPU"),
            TrustBook(path, self.warnings.append, lambda: self.host.zluda_build),
            BlockingWaits(),
            lambda: self.is_idle,
            self.reports.append,
        )

    def accelerator(self):
        made = Accelerator(FakeDevice(), self.device)
        made._module.get_device_name = lambda: self.name
        return made

    def find(self):
        return self.testing.book.find(self.accelerator())


def wait_until(is_so):
    deadline_s = time.monotonic() + LONG_S
    while not is_so():
        assert time.monotonic() < deadline_s
        time.sleep(0.001)


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SelfTest", FakeTest)
    monkeypatch.setattr(module, "IDLE_S", 0.05)
    monkeypatch.setattr(module, "IDLE_LOOK_S", 0.005)
    FakeTest.made, FakeTest.blocks, FakeTest.result = [], False, FOUND
    made = Place(tmp_path)
    yield made
    FakeTest.blocks = False
    made.testing.close(LONG_S)


def test_an_idle_host_is_tested_once(place):
    """What is known needs no second test."""
    place.testing.schedule()
    wait_until(lambda: place.reports)
    place.testing.close(LONG_S)
    place.testing.schedule()
    assert (1, "planted-event") == (len(FakeTest.made), place.find().event_rung)
    assert not place.testing._thread.is_alive()


def test_a_busy_host_is_not_tested_until_it_is_idle(place):
    """A test in the middle of a job would cost the user time, and its figures would be wrong."""
    place.is_idle = False
    looks = []
    place.testing._is_idle = lambda: looks.append(None) or place.is_idle
    place.testing.schedule()
    wait_until(lambda: len(looks) > 20)
    assert [] == FakeTest.made
    place.is_idle = True
    wait_until(lambda: place.reports)


def test_a_job_calls_the_test_off_and_it_is_made_up_for(place):
    """The job does not wait for the test's end; the test begins anew once the host is idle again."""
    FakeTest.blocks = True
    place.testing.schedule()
    wait_until(lambda: FakeTest.made and FakeTest.made[0].began.is_set())
    place.testing.job_begins()
    assert not place.testing.is_running
    assert ([], None) == (place.reports, place.find())
    FakeTest.blocks = False
    place.testing.job_ended()
    wait_until(lambda: place.reports)
    assert place.find() is not None


def test_reports_outlive_a_restart_but_not_another_driver(place):
    """What was found holds for these versions only."""
    place.testing.run_now()
    place.restart()
    assert place.find() is not None
    place.host.zluda_build = "2"
    assert place.find() is None


def test_a_rung_that_was_caught_stays_distrusted(place):
    """After a restart and after an automatic test too; only the user's own test gives it another chance."""
    place.testing.run_now()
    place.testing.book.distrust("planted-event", "lied", place.accelerator())
    assert place.find().event_rung is None
    place.testing._run()
    assert place.find().event_rung is None
    place.restart()
    assert place.find().event_rung is None
    place.testing.run_now()
    assert "planted-event" == place.find().event_rung


def test_while_a_job_runs_a_test_on_demand_is_refused(place):
    """The message says why, and what to do."""
    place.is_idle = False
    with pytest.raises(SelfTestRefusedError, match="a job runs"):
        place.testing.run_now()
    assert [] == FakeTest.made


def test_two_tests_at_a_time_are_refused(place):
    """They would measure each other."""
    FakeTest.blocks = True
    place.testing.schedule()
    wait_until(lambda: FakeTest.made)
    with pytest.raises(SelfTestRefusedError, match="runs already"):
        place.testing.run_now()


def test_on_the_cpu_there_is_nothing_to_test(place):
    """It is said, and nothing is begun."""
    place.device = torch.device("cpu")
    place.testing.schedule()
    with pytest.raises(SelfTestRefusedError, match="CPU"):
        place.testing.run_now()
    assert ([], None) == (FakeTest.made, place.testing._thread)


def test_a_test_that_failed_is_not_repeated_and_is_explained(place):
    """A driver that cannot be tested would else be tested for ever."""
    FakeTest.result = SelfTestReport(device="card", unfinished="error 999")
    place.testing.run_now()
    place.testing.schedule()
    assert (1, None) == (len(FakeTest.made), place.find())
    assert "error 999" in place.testing.explain(place.accelerator())


def test_closing_ends_the_thread_in_the_middle_of_a_test(place):
    """No thread of ours outlives the extension."""
    FakeTest.blocks = True
    place.testing.schedule()
    wait_until(lambda: FakeTest.made)
    place.testing.close(LONG_S)
    assert not place.testing._thread.is_alive()


def test_what_one_card_was_caught_at_is_not_held_against_the_other(place):
    """Two unequal cards: a lie is of the card that it was met on, now and when the other is tested."""
    place.testing.run_now()
    place.testing.book.distrust("planted-event", "lied", place.accelerator())
    place.name, FakeTest.result = "other card", replace(FOUND, device="other card")
    assert "no self-test so far" in place.testing.explain(place.accelerator())
    place.testing.schedule()
    wait_until(lambda: place.reports[1:])
    assert "planted-event" == place.find().event_rung
    place.name = "card"
    assert place.find().event_rung is None


def test_a_test_that_failed_on_one_card_does_not_keep_the_other_untested(place):
    """Nor is it what the other is explained with."""
    FakeTest.result = SelfTestReport(device="card", unfinished="error 999")
    place.testing.run_now()
    place.name, FakeTest.result = "other card", replace(FOUND, device="other card")
    assert "error 999" not in place.testing.explain(place.accelerator())
    place.testing.schedule()
    wait_until(lambda: place.find() is not None)


def test_a_test_that_was_put_off_is_made_up_for(place):
    """Memory that was full, a device that another program had: tried again, and said meanwhile."""
    FakeTest.result = SelfTestReport(
        device="card", unfinished="the GPU is out of memory", was_called_off=True
    )
    place.testing.schedule()
    wait_until(lambda: len(FakeTest.made) == 2)
    assert "out of memory" in place.testing.explain(place.accelerator())
    assert ([], None) == (place.reports, place.find())
    FakeTest.result = FOUND
    wait_until(lambda: place.reports)
    assert "out of memory" not in place.testing.explain(place.accelerator())


def test_after_many_that_were_put_off_the_next_job_brings_another(place, monkeypatch):
    """It is not tried without end, and not given up for the session."""
    monkeypatch.setattr(module, "IDLE_S", 0.001)
    FakeTest.result = SelfTestReport(
        device="card", unfinished="the GPU is out of memory", was_called_off=True
    )
    place.testing.schedule()
    place.testing._thread.join(LONG_S)
    assert module.MOST_BUSY_TESTS == len(FakeTest.made)
    FakeTest.result = FOUND
    place.testing.schedule()  # as at the end of each job
    wait_until(lambda: place.reports)


def test_a_job_between_two_looks_calls_the_test_off(place):
    """Short work of the host's that nobody saw would be held against a rung."""
    FakeTest.blocks = True
    place.testing.schedule()
    wait_until(lambda: FakeTest.made)
    place.testing._job_runs = SimpleNamespace(set=lambda: None, is_set=lambda: False, clear=lambda: None)
    place.testing.job_begins()  # and ends, before the test looks
    assert not place.testing.is_running


def test_what_may_have_lied_is_no_longer_proven_and_stays_in_use(place):
    """The next job checks it; only what looks like a lie again is left for good."""
    place.testing.run_now()
    assert {"planted-event"} == place.testing.book.proven(place.accelerator())
    place.testing.book.suspect("planted-event", "late", place.accelerator())
    assert (frozenset(), "planted-event") == (
        place.testing.book.proven(place.accelerator()),
        place.find().event_rung,
    )
    place.testing.book.suspect("planted-event", "late", place.accelerator())
    assert place.find().event_rung is None


def test_a_rung_is_caught_while_others_ask(place):
    """The watcher tells of a lie while the page reads what is known."""
    place.testing.run_now()
    wrong: list[RuntimeError] = []

    def ask():
        try:
            for _ in range(300):
                place.find()
        except RuntimeError as error:  # what a dictionary raises that changes under a reader
            wrong.append(error)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(30):
        place.testing.book.distrust(f"rung {number}", "lied", place.accelerator())
    for thread in threads:
        thread.join(LONG_S)
    assert ([], 31) == (wrong, len(place.find().rungs))
