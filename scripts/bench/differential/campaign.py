"""The whole campaign, shared out among several hosts."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue

from bench.commands.environment import REPOSITORY
from bench.differential.case_run import CaseRun, Choice, HostLostError, set_mode
from bench.differential.cases import Case, build_cases, make_picture_folder
from bench.differential.left_out import explain_left_out
from bench.differential.presses import NOTHING
from bench.differential.report import Report
from bench.differential.trial import Trials
from bench.real_host.server import TEST_EXTENSIONS, SdNextServer, make_data_folder
from bench.terminal.bar import TerminalBar

STEP_S = DECODE_S = 0.02
BAR_PERIOD_S = 0.5


@contextmanager
def started_server(folder: Path) -> Iterator[SdNextServer]:
    """A context with the real SD.Next, the asynchronous device, the test scripts and the extension.

    Args:
        folder: its data folder, which must not exist.
    """
    folder.mkdir()
    make_data_folder(folder)
    make_picture_folder(folder / "pictures")
    server = SdNextServer(folder, STEP_S, DECODE_S, does_size_count=False)
    for extension in sorted(TEST_EXTENSIONS.iterdir()):
        server.install(extension, extension.name)
    server.install(REPOSITORY / "extensions" / "zluda_sync", "zluda_sync")
    try:
        server.start()
        server.set_options(
            samples_save=False, grid_save=False, samples_format="png", live_previews_enable=False
        )
        set_mode(server, None)
        Trials(server).run(Case("warm-up"), NOTHING, None)
        yield server
    finally:
        server.stop()


class HostStartError(Exception):
    """A host could not be started; the message holds the end of its log."""


class Campaign:
    """Runs what is wanted: each script at one of several hosts, whichever is free.

    Args:
        folder: where the hosts' data folders are made.
        choice: what is wanted.
        hosts: how many run at a time; each takes about 1 GB.
    """

    def __init__(self, folder: Path, choice: Choice, hosts: int) -> None:
        self._folder = folder
        self._choice = choice
        self._hosts = hosts
        self._queue: SimpleQueue[str] = SimpleQueue()
        self._by_case: dict[str, Report] = {}
        self._shipped: frozenset[str] = frozenset()
        self._failures: list[BaseException] = []
        self._servers_made = 0
        self._lock = threading.Lock()
        self.names = [case.name for case in self._build_cases(folder)]
        for name in self.names:
            self._queue.put(name)

    def run(self, bar: TerminalBar) -> Report:
        """Run it all and return what was found.

        Raises:
            HostStartError: a host could not be started.
        """
        workers = [threading.Thread(target=self._work, daemon=True) for _ in range(self._hosts)]
        for worker in workers:
            worker.start()
        while any(worker.is_alive() for worker in workers):
            done = len(self._by_case)
            bar.show(done / max(len(self.names), 1), f"{done} of {len(self.names)} scripts")
            workers[0].join(BAR_PERIOD_S) if workers[0].is_alive() else time.sleep(BAR_PERIOD_S)
        if self._failures:
            raise HostStartError(str(self._failures[0])) from self._failures[0]
        return self._gather()

    def _gather(self) -> Report:
        report = Report()
        for name in self.names:
            report.add(self._by_case[name])
        if not self._choice.cases:
            covered = [title for case in self._build_cases(self._folder) for title in case.covers]
            report.left_out += explain_left_out(self._shipped, covered)
        return report

    def _work(self) -> None:
        try:
            while not self._queue.empty():
                self._work_at_one_host()
        except BaseException as failure:  # noqa: BLE001 - raised in run
            self._failures.append(failure)

    def _work_at_one_host(self) -> None:
        with self._lock:
            self._servers_made += 1
            folder = self._folder / f"host-{self._servers_made}"
        with started_server(folder) as server, suppress(Empty):
            self._shipped = find_shipped_scripts(server)
            cases = {case.name: case for case in self._build_cases(folder / "pictures")}
            while True:
                run = CaseRun(server, self._choice, cases[self._queue.get_nowait()])
                if not self._run_case(run):
                    return

    def _run_case(self, run: CaseRun) -> bool:
        """Run one script; whether the host can go on with others."""
        try:
            run.run()
        except (HostLostError, OSError) as failure:
            run.report.harms.append(f"{run.name}: the host was lost, the rest is missing ({failure!r})")
            return False
        finally:
            self._by_case[run.name] = run.report
        return True

    def _build_cases(self, pictures: Path) -> list[Case]:
        return [case for case in build_cases(pictures) if self._choice.wants_case(case)]


def find_shipped_scripts(server: SdNextServer) -> frozenset[str]:
    """Return the titles of the host's own scripts, lower-cased."""
    by_tab: dict[str, list[str]] = server.get("/sdapi/v1/scripts")
    return frozenset(title for titles in by_tab.values() for title in titles if not title.startswith("flags"))


def run_differential(choice: Choice, hosts: int) -> int:
    """Run the campaign and print its table; 0 if the extension is nowhere worse, else 1."""
    began_at_s = time.time()
    bar = TerminalBar()
    with tempfile.TemporaryDirectory(prefix="differential-", ignore_cleanup_errors=True) as folder:
        try:
            report = Campaign(Path(folder), choice, hosts).run(bar)
        finally:
            bar.close()
    print(report.build_text(choice.modes))
    print(f"\n{len(report.rows)} rows in {(time.time() - began_at_s) / 60:.1f} minutes")
    return 1 if report.harms else 0
