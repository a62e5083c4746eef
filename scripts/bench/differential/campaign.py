"""Every script, press and place, with SD.Next alone and with each mode of the extension, side by side."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.differential.cases import Case, build_cases, make_picture_folder
from bench.differential.harm import find_harm
from bench.differential.outcome import Outcome
from bench.differential.presses import (
    EXTRA_STEPS,
    PRESSES,
    Place,
    Press,
    find_place_when_whole,
    find_places,
)
from bench.differential.trial import Trials
from bench.environment import REPOSITORY
from bench.real_host.server import TEST_EXTENSIONS, SdNextServer, make_data_folder
from bench.table import Row, build_table
from bench.terminal_bar import TerminalBar

STEP_S = DECODE_S = 0.03
MODES = tuple(EXTRA_STEPS)
NO_PLACE = "-"


@dataclass(frozen=True)
class Choice:
    """What of the campaign is wanted; an empty field is all of it.

    Attributes:
        cases, presses, places, modes: words; what has one of them in its name is wanted.
    """

    cases: tuple[str, ...] = ()
    presses: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    modes: tuple[str, ...] = MODES

    def has(self, words: tuple[str, ...], name: str) -> bool:
        """Whether a name is wanted."""
        return not words or any(word.lower() in name.lower() for word in words)


@dataclass
class Report:
    """What the campaign found.

    Attributes:
        rows: of the table.
        harms: one line for each thing that is worse.
        left_out: one line for each case that SD.Next alone does not run, and why.
    """

    rows: list[Row] = field(default_factory=list)
    harms: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def build_text(self, modes: tuple[str, ...]) -> str:
        """Return the table and what stands below it."""
        columns = [
            ("case", "script", ""),
            ("place", "place", ""),
            ("press", "press", ""),
            ("alone", "alone", ""),
        ]
        parts = [
            "Pictures and the denoiser's calls after the press; ! is worse than SD.Next alone.\n",
            build_table(self.rows, columns),
        ]
        if self.left_out:
            parts.append("\nLeft out:\n" + "\n".join(self.left_out))
        worse = f"\nWorse than SD.Next alone in {len(self.harms)} cells:\n" + "\n".join(self.harms)
        parts.append(worse if self.harms else "\nNowhere worse than SD.Next alone.")
        return "\n".join(parts)


@contextmanager
def started_server(with_extension: bool = True) -> Iterator[SdNextServer]:
    """A context with the real SD.Next, the asynchronous device and the test scripts, in a new folder."""
    with tempfile.TemporaryDirectory(prefix="differential-", ignore_cleanup_errors=True) as folder:
        data_dir = Path(folder)
        make_data_folder(data_dir)
        server = SdNextServer(data_dir, STEP_S, DECODE_S, does_size_count=False)
        for extension in sorted(TEST_EXTENSIONS.iterdir()):
            server.install(extension, extension.name)
        if with_extension:
            server.install(REPOSITORY / "extensions" / "zluda_sync", "zluda_sync")
        make_picture_folder(data_dir / "pictures")
        try:
            server.start()
            server.set_options(
                samples_save=False, grid_save=False, samples_format="png", live_previews_enable=False
            )
            yield server
        finally:
            server.stop()


def set_mode(server: SdNextServer, mode: str | None) -> None:
    """Have the host run as it came if None, with its own synchronize, or with the extension in a mode."""
    if mode is None:
        server.set_options(zluda_sync_enabled=False, torch_sync=True)
    else:
        server.set_options(zluda_sync_enabled=True, zluda_sync_mode=mode, torch_sync=True)


class Campaign:
    """Runs what is wanted, case by case: first alone, then in each mode.

    Args:
        server: the host, with the extension installed.
        choice: what is wanted.
        bar: shows how far it is.
    """

    def __init__(self, server: SdNextServer, choice: Choice, bar: TerminalBar) -> None:
        self._server = server
        self._trials = Trials(server)
        self._choice = choice
        self._bar = bar
        self.report = Report()

    def run(self) -> Report:
        """Run it all."""
        cases = [
            case
            for case in build_cases(self._server.data_dir / "pictures")
            if self._choice.has(self._choice.cases, case.name)
        ]
        set_mode(self._server, None)
        self._trials.run(Case("warm-up"), PRESSES[0], None)
        for index, case in enumerate(cases):
            self._bar.show(index / len(cases), case.name)
            self._run_case(case)
        self._bar.show(1.0, f"{len(self.report.rows)} rows")
        return self.report

    def _run_case(self, case: Case) -> None:
        set_mode(self._server, None)
        whole, record = self._trials.run(case, PRESSES[0], None)
        if not whole.answer.is_good or not whole.calls:
            self.report.left_out.append(f"{case.name}: SD.Next alone answers {whole.answer.status}")
            return
        loops, calls_returned = record["loops"], record["calls_returned"]
        places = find_places(whole, loops, calls_returned)
        plan = [
            (press, name, place)
            for press in PRESSES
            for name, place in (places.items() if press.buttons else [(NO_PLACE, None)])
            if self._is_wanted(press, name)
        ]
        wish_steps = whole.calls // max(len(whole.cells), 1)
        alone = [self._run_alone(case, press, place, len(loops), whole) for press, _name, place in plan]
        rows: list[dict[str, Any]] = [
            {"case": case.name, "place": name, "press": press.name, "alone": describe(outcome)}
            for (press, name, _place), outcome in zip(plan, alone, strict=True)
        ]
        for mode in self._choice.modes:
            set_mode(self._server, mode)
            for (press, name, place), expected, row in zip(plan, alone, rows, strict=True):
                outcome, _record = self._trials.run(case, press, place)
                wish = replace(press.wish, extra_steps=EXTRA_STEPS[mode], steps_per_image=wish_steps)
                harms = find_harm(expected, outcome, wish)
                row[mode] = describe(outcome) + (" !" if harms else "")
                if harms:
                    where = f"{case.name}, {name}, {press.name}, {mode}"
                    self.report.harms.append(f"{where}: {'; '.join(harms)}")
        self.report.rows += rows

    def _is_wanted(self, press: Press, place: str) -> bool:
        if press.has_waiting and place not in ("cell", "middle cell", "last cell"):
            return False
        choice = self._choice
        return choice.has(choice.presses, press.name) and (
            place == NO_PLACE or choice.has(choice.places, place)
        )

    def _run_alone(
        self, case: Case, press: Press, place: Place | None, loops: int, whole: Outcome
    ) -> Outcome:
        if place is not None and press.alone is not None:
            place = find_place_when_whole(place, loops, len(whole.cells))
            press = next(one for one in PRESSES if one.name == press.alone)
        return self._trials.run(case, press, place)[0]


def describe(outcome: Outcome) -> str:
    """Return what a cell of the table says."""
    status = outcome.answer.status
    pictures = f"{len(outcome.answer.pictures)}p" if outcome.answer.is_good else str(status or "hangs")
    if outcome.calls_after is None:
        return f"{pictures} ={outcome.calls}"
    return f"{pictures} +{outcome.calls_after}"


def run_differential(choice: Choice) -> int:
    """Run the campaign and print its table; 0 if ours is nowhere worse, else 1."""
    began_at_s = time.time()
    bar = TerminalBar()
    with started_server() as server:
        try:
            report = Campaign(server, choice, bar).run()
        except BaseException:
            print(server.log.read_text(errors="replace")[-3000:])
            raise
        finally:
            bar.close()
    print(report.build_text(choice.modes))
    print(f"\n{len(report.rows)} rows in {(time.time() - began_at_s) / 60:.1f} minutes")
    return 1 if report.harms else 0
