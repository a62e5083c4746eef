"""The whole check of a card on the terminal: a bar, a table, one sentence, and the report to send."""

from __future__ import annotations

import tempfile
import threading
import time
import warnings
from pathlib import Path

import zluda_sync
from bench.card.devices import find_accelerator, install_emulated, make_emulated_work
from bench.commands.command_line import fail
from bench.terminal.bar import TerminalBar
from bench.terminal.table import UNKNOWN, Row, build_table
from zluda_sync.core.records.card_report import build_report
from zluda_sync.core.records.verification import Outcome, Verification
from zluda_sync.device.steps.accelerator import Accelerator
from zluda_sync.device.steps.self_testing import SelfTesting, TestSubject
from zluda_sync.device.steps.tracker import StepTracker
from zluda_sync.device.steps.trust_book import TrustBook
from zluda_sync.host.card import find_private_words, find_system, find_versions, tell_self_test
from zluda_sync.pipeline.card_check.card_check import WorkloadMaker, make_workload
from zluda_sync.pipeline.card_check.checking import CardChecking, CheckStatus

NO_GPU = (
    "torch finds no GPU here: install a build of torch for your card, or check the emulated device "
    "with --emulated"
)
COLUMNS = (
    ("mode", "mode", ""),
    ("host_sync", "host's sync", ""),
    ("wall_s", "wall s", ".3f"),
    ("bar_error", "bar error", ".3f"),
    ("step_error", "step error", "d"),
    ("lead", "lead", "d"),
    ("previews", "previews", "d"),
    ("torn", "torn", "d"),
    ("early", "early", "d"),
)
#: How often the bar moves, in seconds.
_LOOK_S = 0.2
_GOOD = (Outcome.TRUE, Outcome.BLOCKING)


def run_verify(is_emulated: bool, file: Path | None) -> int:
    """Check the card; return 0 if all is as it should be, else 1.

    Args:
        is_emulated: whether the emulated device is checked, and not the machine's own.
        file: gets the report too, None for none.
    """
    accelerator = install_emulated() if is_emulated else find_accelerator()
    if accelerator is None:
        fail(NO_GPU)
    status, report = check(accelerator, make_emulated_work if is_emulated else make_workload)
    found = status.verification
    if found is None or status.failure:
        print(status.failure)
        return 1
    truth = UNKNOWN if found.truth is None else found.truth.value
    print(f"{found.device}, held against {truth}\n\n{build_check_table(found)}\n")
    print(f"{found.sentence}\n\n{report}")
    if file is not None:
        file.write_text(report + "\n", encoding="utf-8")
    return 0 if found.outcome in _GOOD else 1


def check(accelerator: Accelerator, make_work: WorkloadMaker) -> tuple[CheckStatus, str]:
    """Check a device with a bar on the terminal; nothing of it is kept on the disk.

    Returns:
        What was found, and the report on it.
    """
    bar, tracker, is_over = TerminalBar(), StepTracker(), threading.Event()
    with tempfile.TemporaryDirectory() as folder:
        book = TrustBook(Path(folder) / "selftest.json", warnings.warn)
        subject = TestSubject("this machine", lambda: accelerator, lambda: NO_GPU)
        testing = SelfTesting(subject, book, tracker.threads.waits, lambda: True, lambda report: None)
        checking = CardChecking(
            testing, tracker, Path(folder) / "verification.json", warnings.warn, make_work
        )

        def show() -> None:
            while not is_over.wait(_LOOK_S):
                status = checking.status
                if status.progress is not None:
                    bar.show(status.progress, status.doing)

        showing = threading.Thread(target=show, daemon=True)
        showing.start()
        try:
            status = checking.run()
            found = {
                "made_at_s": time.time(),
                "extension": zluda_sync.__version__,
                **find_system(),
                **find_versions(accelerator, book),
                "self_test": tell_self_test(book.find(accelerator)),
                "verification": checking.tell(),
            }
            return status, build_report(found, find_private_words())
        finally:
            is_over.set()
            showing.join()
            bar.close()
            tracker.stop()


def build_check_table(found: Verification) -> str:
    """Return the rows of a check as a table."""
    rows: list[Row] = [
        {
            "mode": row.mode.value,
            "host_sync": "on" if row.host_sync else "off",
            **{key: getattr(row, key) for key, _, form in COLUMNS if form},
        }
        for row in found.rows
    ]
    return build_table(rows, COLUMNS)
