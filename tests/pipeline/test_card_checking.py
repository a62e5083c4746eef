"""When a card is checked, what is kept of it, and that it never stands in a job's way."""

from __future__ import annotations

import json
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from tests.core.test_verification import FOUND
from tests.fake_device import FakeDevice
from zluda_sync.core.errors import SelfTestRefusedError
from zluda_sync.core.records.self_test_report import RungVerdict, SelfTestReport
from zluda_sync.device.steps import self_testing as self_testing_module
from zluda_sync.device.steps.accelerator import Accelerator
from zluda_sync.device.steps.self_testing import SelfTesting, TestSubject
from zluda_sync.device.steps.tracker import StepTracker
from zluda_sync.device.steps.trust_book import TrustBook
from zluda_sync.pipeline.card_check import checking as module
from zluda_sync.pipeline.card_check.checking import CardChecking

LONG_S = 20.0
REPORT = SelfTestReport("card", work_s=0.2, queued_s=0.0, rungs=(RungVerdict("planted-event", True),))


class FakeTest:
    """Stands for SelfTest: ends at once."""

    result: Any = REPORT

    def __init__(self, accelerator, waits, is_called_off, show) -> None:
        self._show = show

    def run(self) -> SelfTestReport:
        self._show(0.5, "planted-event")
        Place.now.seen.append(Place.now.checking.status)
        return FakeTest.result


class FakeCheck:
    """Stands for CardCheck: does what the test says."""

    act: Any = None

    def __init__(self, checked, limits, show) -> None:
        self.checked, self.limits, self.show = checked, limits, show

    def run(self) -> Any:
        return FakeCheck.act(self)


class Place:
    """A host folder with what it takes to check a card there."""

    now: Place

    def __init__(self, folder) -> None:
        Place.now = self
        self.seen: list[Any] = []
        self.warnings: list[str] = []
        self.is_idle = True
        self.file = folder / "zluda_sync" / "verification.json"
        self.tracker = StepTracker()
        accelerator = Accelerator(FakeDevice(), torch.device("cuda", 0))
        self.card, self.versions = FOUND.device, dict(FOUND.versions)
        accelerator._module.get_device_name = lambda: self.card
        book = TrustBook(folder / "zluda_sync" / "selftest.json", self.warnings.append)
        book.versions_of = lambda accelerator: dict(self.versions)  # type: ignore[method-assign]
        self.testing = SelfTesting(
            TestSubject("SD.Next", lambda: accelerator, lambda: ""),
            book,
            self.tracker.threads.waits,
            lambda: self.is_idle,
            lambda report: None,
        )
        self.restart()

    def restart(self) -> None:
        self.checking = CardChecking(self.testing, self.tracker, self.file, self.warnings.append)


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(self_testing_module, "SelfTest", FakeTest)
    monkeypatch.setattr(module, "CardCheck", FakeCheck)
    FakeTest.result, FakeCheck.act = REPORT, lambda check: FOUND
    made = Place(tmp_path)
    yield made
    made.tracker.stop()


def wait_until(is_so):
    deadline_s = time.monotonic() + LONG_S
    while not is_so():
        assert time.monotonic() < deadline_s
        time.sleep(0.001)


def test_what_was_found_outlives_a_restart(place):
    """And is what the status tells."""
    assert (None, None) == (place.checking.status.verification, place.checking.status.progress)
    assert FOUND == place.checking.run().verification
    place.restart()
    assert FOUND == place.checking.status.verification
    assert [] == place.warnings


@pytest.mark.parametrize(
    "change", [{"card": "another card"}, {"versions": {"torch": "2.8"}}, {"has_device": False}]
)
def test_what_was_found_of_another_driver_is_not_told_of_this_one(place, change):
    """It stays in the file, and is told again where it holds."""
    place.checking.run()
    kept = place.card, place.versions, place.testing._subject
    if "has_device" in change:
        place.testing._subject = TestSubject("SD.Next", lambda: None, lambda: "")
    else:
        vars(place).update(change)
    for _ in range(2):
        assert (None, None) == (place.checking.status.verification, place.checking.tell())
        place.restart()
    place.card, place.versions, place.testing._subject = kept
    assert FOUND == place.checking.status.verification
    assert FOUND.to_json() == place.checking.tell()


def test_the_check_has_ended_when_it_is_closed(place):
    """Nothing of it uses the tracker that is stopped after it."""
    began, has_ended = threading.Event(), []

    def act(check):
        began.set()
        try:
            while True:
                check.limits.check()
                time.sleep(0.01)
        finally:
            time.sleep(0.2)
            has_ended.append(True)

    FakeCheck.act = act
    place.checking.start()
    assert began.wait(LONG_S)
    place.testing.close()
    place.checking.close()
    assert [True] == has_ended
    assert not place.checking._thread.is_alive()


def test_a_check_that_does_not_end_does_not_hold_up_the_close(place, monkeypatch):
    """Whatever the driver does."""
    monkeypatch.setattr(module, "CLOSE_LIMIT_S", 0.05)
    go_on, began = threading.Event(), threading.Event()

    def act(_check):
        began.set()
        go_on.wait(LONG_S)
        return FOUND

    FakeCheck.act = act
    place.checking.start()
    assert began.wait(LONG_S)
    place.checking.close()
    assert place.checking._thread.is_alive()
    go_on.set()
    place.checking._thread.join(LONG_S)


def test_a_check_that_waits_for_a_self_test_is_closed_too(place):
    """It does not wait for the end of that one."""
    with place.testing._running:
        place.checking.start()
        place.checking.close()
        assert not place.checking._thread.is_alive()
    assert "no result: the session ends" == place.checking.status.failure


def test_a_damaged_file_is_told_and_left(place):
    """The check begins anew, and what was in the file is still there."""
    place.file.parent.mkdir(parents=True)
    place.file.write_text('{"version": 1', encoding="utf-8")
    assert place.checking.status.verification is None
    assert "the check of the card" in place.warnings[0]
    assert '{"version": 1' == place.file.with_suffix(".broken.json").read_text(encoding="utf-8")


def test_the_progress_goes_over_the_self_test_and_the_jobs(place):
    """One share for the whole, with a word for what is done."""

    def act(check):
        check.show(0.25, "observe")
        place.seen.append(place.checking.status)
        return FOUND

    FakeCheck.act = act
    ended = place.checking.run()
    assert [(0.1, "self-test: planted-event"), (0.4, "observe"), (None, "")] == [
        (status.progress, status.doing) for status in (*place.seen, ended)
    ]


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (MemoryError("16 MB"), "no result: the GPU is out of memory"),
        (RuntimeError("CUDA error: unspecified launch failure"), "no result: the GPU was lost"),
        (TimeoutError("the device did not answer in time"), "no result: TimeoutError: the device did not"),
        (KeyError("x"), "no result: KeyError"),
    ],
)
def test_a_check_that_fails_says_why_and_keeps_the_last_result(place, error, failure):
    """Whatever the driver does; and the next one can begin."""
    place.checking.run()

    def fail(_check):
        raise error

    FakeCheck.act = fail
    status = place.checking.run()
    assert status.failure.startswith(failure)
    assert FOUND == status.verification
    FakeCheck.act = lambda check: FOUND
    assert "" == place.checking.run().failure


def test_a_self_test_that_was_put_off_ends_the_check(place):
    """There is nothing to go by."""
    FakeTest.result = SelfTestReport("card", unfinished="the machine was too busy", was_called_off=True)
    FakeCheck.act = lambda check: pytest.fail("jobs ran")
    assert "no result: the machine was too busy" == place.checking.run().failure


def test_a_check_is_refused_while_something_else_runs(place):
    """A job, or another check; the message says so."""
    place.is_idle = False
    with pytest.raises(SelfTestRefusedError, match="a job runs"):
        place.checking.start()
    place.is_idle = True
    go_on, began = threading.Event(), threading.Event()

    def act(_check):
        began.set()
        go_on.wait(LONG_S)
        return FOUND

    FakeCheck.act = act
    place.checking.start()
    assert began.wait(LONG_S)
    with pytest.raises(SelfTestRefusedError, match="a check runs already"):
        place.checking.start()
    with pytest.raises(SelfTestRefusedError, match="a check runs already"):
        place.checking.run()
    with pytest.raises(SelfTestRefusedError, match="a self-test runs already"):
        place.testing.run_now()
    go_on.set()
    wait_until(lambda: place.checking.status.progress is None)
    assert FOUND == place.checking.status.verification


def test_a_self_test_that_has_begun_by_itself_is_waited_for(place, monkeypatch):
    """For a while: after that the check says why it has no result."""
    monkeypatch.setattr(module, "LOOK_S", 0.001)
    place.testing._running.acquire()
    place.checking.start()
    assert place.checking.status.progress is not None
    place.testing._running.release()
    wait_until(lambda: place.checking.status.progress is None)
    assert FOUND == place.checking.status.verification
    monkeypatch.setattr(module, "SELF_TEST_LIMIT_S", 0.0)
    with place.testing._running:
        assert "no result: a self-test runs already" == place.checking.run().failure


def test_a_job_that_begins_calls_the_check_off(place):
    """It finds the device free, and does not wait for the end of the check."""
    began = threading.Event()

    def act(check):
        began.set()
        while True:
            check.limits.check()
            time.sleep(0.001)

    FakeCheck.act = act
    place.checking.start()
    assert began.wait(LONG_S)
    place.testing.job_begins()
    assert not place.testing.is_running
    wait_until(lambda: place.checking.status.progress is None)
    assert "no result: a job began" == place.checking.status.failure
    place.testing.job_ended()


def test_a_check_ends_when_its_time_is_up(place, monkeypatch):
    """Whatever the device does; the wait of a step ends with it."""
    monkeypatch.setattr(module, "WARM_UP_LIMIT_S", -1.0)

    def act(check):
        assert check.limits.is_over
        check.limits.check()

    FakeCheck.act = act
    assert "TimeoutError" in place.checking.run().failure


def test_nothing_to_check_is_said(place):
    """On the CPU nothing has to be followed."""
    place.testing._subject = TestSubject("SD.Next", lambda: None, lambda: "SD.Next computes on the CPU")
    with pytest.raises(SelfTestRefusedError, match="computes on the CPU, and nothing to test"):
        place.checking.start()
    assert "computes on the CPU" in place.checking.run().failure


def test_the_file_is_plain_json(place):
    """Another program may read it."""
    place.checking.run()
    assert FOUND.to_json() == json.loads(place.file.read_text(encoding="utf-8"))
    assert SimpleNamespace(**json.loads(place.file.read_text(encoding="utf-8"))).sentence == FOUND.sentence
