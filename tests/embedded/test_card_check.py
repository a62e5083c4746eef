"""The check of a card on the emulated device, truthful and with a driver's faults in it."""

from __future__ import annotations

import contextlib
import time

import pytest
import torch

from bench.card import verify
from bench.host import faults
from modules import emulated_device
from modules.emulated_device import QUEUE
from modules.emulated_device.marks import Gate
from zluda_sync.core.clock import SYSTEM_CLOCK
from zluda_sync.core.records.card_report import parse_report
from zluda_sync.core.records.self_test_report import RungVerdict, SelfTestReport
from zluda_sync.core.records.verification import Outcome, Verification
from zluda_sync.core.steps.policy import SyncMode
from zluda_sync.device.preview.copy import CopyWay
from zluda_sync.device.preview.queue import JobPreviews
from zluda_sync.device.steps.accelerator import Accelerator, device_module
from zluda_sync.device.steps.tracker import StepTracker
from zluda_sync.device.steps.trust_book import TrustBook
from zluda_sync.device.steps.waits import CalledOff, TrialLimits
from zluda_sync.device.steps.workload import Workload
from zluda_sync.pipeline.card_check import card_check
from zluda_sync.pipeline.card_check.card_check import CASES, CardCheck, CheckedDevice
from zluda_sync.pipeline.card_check.fixed_job import STEPS

STEP_S = 0.04
PREVIEW_LIMIT_S = 10.0


class SleepingWork(Workload):
    """Work whose time does not depend on what else the machine computes."""

    def queue(self, parts: int = 1) -> None:
        QUEUE.enqueue_delay(STEP_S / parts, "work")
        self._counter.add_(1.0)
        self._expected += 1.0


class ShownWork(SleepingWork):
    """Work that goes on when the preview of the step before was shown, however long that takes."""

    gates: list[Gate]

    def queue(self, parts: int = 1) -> None:
        if self.gates:
            self.gates.pop().put(PREVIEW_LIMIT_S)
        super().queue(parts)


class BlockingWork(SleepingWork):
    """On a device that keeps the host waiting for what it queues."""

    def queue(self, parts: int = 1) -> None:
        super().queue(parts)
        QUEUE.wait(QUEUE.queued)


def report_of(*proven: str, queued_s: float = 0.0) -> SelfTestReport:
    return SelfTestReport(
        "card",
        work_s=1.0,
        queued_s=queued_s,
        rungs=tuple(RungVerdict(name, True, cost_s=0.0) for name in proven),
    )


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Checks the emulated device in one round, and waits for what that has left queued."""
    monkeypatch.setattr(card_check, "ROUNDS", 1)
    monkeypatch.setattr(card_check, "MORE_ROUNDS", 0)
    device = emulated_device.install()
    torch.zeros(1, device=device).cpu()  # its process has started: the way of copies is found within a second
    accelerator = Accelerator(device_module(device), device)
    tracker = StepTracker()
    shares: list[float] = []

    def run(
        report, work=SleepingWork, inject=contextlib.nullcontext, is_called_off=lambda: False
    ) -> Verification:
        book = TrustBook(tmp_path / "selftest.json", pytest.fail)
        book.take(accelerator, card_check_report(report, book.versions_of(accelerator)))
        limits = TrialLimits(tracker.threads.waits, is_called_off, SYSTEM_CLOCK, 60.0)

        def make(*given):
            return work(given[0], given[1], limits.wait_to_read, SYSTEM_CLOCK)

        checked = CheckedDevice(accelerator, report, tracker, book, lambda warning: None, make)
        check = CardCheck(checked, limits, lambda share, what: shares.append(share))
        with inject():
            return check.run()

    def card_check_report(report, versions):
        return SelfTestReport(
            accelerator.name, versions, work_s=report.work_s, queued_s=report.queued_s, rungs=report.rungs
        )

    yield run
    tracker.stop()
    torch.get_device_module(device).synchronize()
    assert sorted(shares) == shares


def counts(found: Verification) -> dict[str, int]:
    """What must be nothing, over all rows."""
    return {name: sum(getattr(row, name) or 0 for row in found.rows) for name in ("lead", "torn", "early")}


@pytest.fixture
def shown_work(monkeypatch):
    """In a job with previews the device stands still behind each step until that of the step is shown."""
    prepare, newest_ready = JobPreviews.prepare, JobPreviews.newest_ready
    gates: list[Gate] = []

    def begin(self, device):
        gates[:] = (Gate() for _ in range(STEPS + 1))
        gates[0].set()
        ShownWork.gates = gates[::-1]
        prepare(self, device)

    def show(self):
        ready = newest_ready(self)
        if ready is not None:
            gates[ready.step + 1].set()
        return ready

    monkeypatch.setattr(ShownWork, "gates", [], raising=False)
    monkeypatch.setattr(JobPreviews, "prepare", begin)
    monkeypatch.setattr(JobPreviews, "newest_ready", show)
    return ShownWork


def test_an_honest_card_is_true(run, shown_work):
    """Every case has its row; nothing was early or torn, and each step had its preview."""
    found = run(report_of("planted-event"), shown_work)
    assert {"lead": 0, "torn": 0, "early": 0} == counts(found)
    assert (Outcome.TRUE, "planted-event", SyncMode.RUN_AHEAD) == (
        found.outcome,
        found.rung,
        found.trace.mode,
    )
    assert list(CASES) == [(row.mode, row.host_sync) for row in found.rows]
    assert [None, None] + 6 * [12] == [row.previews for row in found.rows]
    assert found.sentence.startswith("Your bar is true to ")
    launched, completed, _ = zip(*found.trace.steps, strict=True)
    assert 12 == len(launched)
    assert all(one < other for one, other in zip(launched, completed, strict=True))


def test_a_device_that_has_just_started_is_asked_again_how_it_copies(run, shown_work, monkeypatch):
    """Copies that wait come behind what was queued meanwhile: in such a check steps had no preview."""
    answers = [None, None, CopyWay.ASYNCHRONOUS]
    monkeypatch.setattr(card_check, "find_copy_way", lambda device, marks: answers.pop(0))
    assert 6 * [12] == [row.previews for row in run(report_of("planted-event"), shown_work).rows[2:]]


@pytest.mark.parametrize(
    ("report", "inject"),
    [
        (report_of("planted-event"), faults.with_event(faults.query_says(True))),
        (report_of("planted-event"), faults.with_event(faults.query_is_off(-faults.EARLY_BY))),
        (report_of("device-synchronize"), faults.synchronize_returns_at_once),
    ],
    ids=["query always true", "query early", "synchronize returns at once"],
)
def test_a_driver_that_lies_since_its_self_test_is_found(run, report, inject):
    """What was proven then is believed: the bar is not true, and the sentence says by which way to wait."""
    found = run(report, inject=inject)
    assert Outcome.EARLY is found.outcome
    assert 0 < counts(found)["lead"]
    assert found.sentence.startswith("Your bar is not true")


def test_a_driver_that_tells_late_is_left_for_another_way(run):
    """It is caught in the first job, and what is checked then is what the user gets from now on."""
    late = faults.query_is_off(3 * faults.LATE_BY)
    found = run(report_of("planted-event"), inject=faults.with_event(late))
    assert (Outcome.TRUE, 0) == (found.outcome, counts(found)["lead"])
    assert found.rung not in (None, "planted-event")


def test_a_card_that_blocks_is_said_to(run):
    """There is nothing to gain, and nothing is wrong."""
    found = run(report_of("planted-event", queued_s=1.0), BlockingWork)
    assert (Outcome.BLOCKING, {"lead": 0, "torn": 0, "early": 0}) == (found.outcome, counts(found))


def test_a_slow_machine_runs_fewer_rounds(run, shown_work, monkeypatch):
    """What there is after so long must do, so that the jobs stay within their limit."""
    monkeypatch.setattr(card_check, "ROUNDS", 3)
    monkeypatch.setattr(card_check, "ENOUGH_S", 0.0)
    assert [12] * 6 == [row.previews for row in run(report_of("planted-event"), shown_work).rows[2:]]


def test_the_time_for_jobs_begins_when_the_device_is_warm(run, monkeypatch):
    """A first run compiles kernels for minutes, which takes nothing from what is measured."""
    seconds: list[float] = []

    def begin_anew(self, limit_s):
        seconds.append(limit_s)
        raise TimeoutError

    monkeypatch.setattr(TrialLimits, "begin_anew", begin_anew)
    with pytest.raises(TimeoutError):
        run(report_of("planted-event"))
    assert [card_check.LIMIT_S] == seconds


def test_the_command_checks_the_emulated_device(monkeypatch, capsys):
    """From the self-test to the sentence: nothing early, nothing torn, whatever else the machine does."""
    monkeypatch.setattr(card_check, "ROUNDS", 1)
    monkeypatch.setattr(card_check, "MORE_ROUNDS", 0)
    verify.run_verify(is_emulated=True, file=None)
    told = capsys.readouterr().out
    sentence, found = told.partition("{")[0], parse_report(told[told.index("{") :]).tree["verification"]
    assert found["sentence"] in sentence
    assert {0} == {row[name] or 0 for row in found["rows"] for name in ("lead", "torn", "early")}
    assert found["outcome"] in (Outcome.TRUE.value, Outcome.UNSURE.value, Outcome.UNTOLD.value)
    assert list(CASES) == [(SyncMode(row["mode"]), row["host_sync"]) for row in found["rows"]]


def test_a_check_that_is_called_off_gets_out_of_the_way(run):
    """In the middle of a job: what is queued by then is over within a second."""
    called_off_at_s: list[float] = []
    begun_s = time.monotonic()

    def is_called_off() -> bool:
        if time.monotonic() - begun_s > 1.5 and not called_off_at_s:
            called_off_at_s.append(time.monotonic())
        return bool(called_off_at_s)

    with pytest.raises(CalledOff):
        run(report_of("planted-event"), is_called_off=is_called_off)
    QUEUE.wait(QUEUE.queued)
    assert time.monotonic() - called_off_at_s[0] < 1.0


def test_a_card_that_computes_wrongly_is_no_card_to_judge(run):
    """No verdict is made of it."""

    class WrongWork(SleepingWork):
        def read_back(self) -> bool:
            super().read_back()
            return False

    with pytest.raises(RuntimeError, match="does not compute what it should"):
        run(report_of("planted-event"), WrongWork)
