"""One script through all its presses and places: first with SD.Next alone, then in each mode."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from bench.differential.cases import Case
from bench.differential.harm import find_harm
from bench.differential.outcome import Outcome
from bench.differential.presses import (
    AGAIN,
    EXTRA_STEPS,
    MODES,
    NO_PLACE,
    NOTHING,
    PRESSES,
    Place,
    Press,
    find_place_when_whole,
    find_places,
    is_in_short_plan,
)
from bench.differential.report import Report, describe
from bench.differential.trial import Trials
from bench.real_host.server import SdNextServer


@dataclass(frozen=True)
class Choice:
    """What of the campaign is wanted; an empty field is all of it.

    Attributes:
        cases, presses, places: words; what has one of them in its name is wanted.
        modes: of the extension.
        is_quick: whether all scripts get the short plan.
    """

    cases: tuple[str, ...] = ()
    presses: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    modes: tuple[str, ...] = MODES
    is_quick: bool = False

    def wants_case(self, case: Case) -> bool:
        """Whether a script is wanted."""
        return _has(self.cases, case.name)

    def wants_row(self, press: Press, place: str) -> bool:
        """Whether a press at a place is wanted."""
        return _has(self.presses, press.name) and (place == NO_PLACE or _has(self.places, place))


@dataclass(frozen=True)
class PlannedRow:
    """One row of the table.

    Attributes:
        press: what is pressed.
        name: of the place.
        place: where; None for nowhere.
    """

    press: Press
    name: str
    place: Place | None


class HostLostError(Exception):
    """The host hangs, or is gone: it has to be started anew."""


class CaseRun:
    """Runs one script at one host.

    Args:
        server: the host, with the extension installed.
        choice: what is wanted.
        case: the script.

    Attributes:
        name: of the script.
        report: what was found so far.
    """

    def __init__(self, server: SdNextServer, choice: Choice, case: Case) -> None:
        self._server = server
        self._trials = Trials(server)
        self._choice = choice
        self._case = case
        self.name = case.name
        self.report = Report()

    def run(self) -> None:
        """Fill the report.

        Raises:
            HostLostError: the host is lost; the report holds what was found so far.
        """
        set_mode(self._server, None)
        patched: list[str] = self._server.get("/async_device/patched")
        if patched:
            self.report.harms.append(f"{self.name}: switched off, it is still in {', '.join(patched)}")
        whole, record = self._trials.run(self._case, NOTHING, None)
        if not whole.answer.is_good or not whole.calls:
            status = whole.answer.status
            self.report.left_out.append(f"{self._case.name}: SD.Next alone answers {status} to its request")
            self._check_host(whole)
            return
        loops = record["loops"]
        plan = self._build_plan(find_places(whole, loops, record["calls_returned"]))
        alone = [self._run_alone(row, len(loops), whole) for row in plan]
        rows: list[dict[str, Any]] = [
            {"case": self._case.name, "place": row.name, "press": row.press.name, "alone": describe(outcome)}
            for row, outcome in zip(plan, alone, strict=True)
        ]
        self.report.rows += rows
        steps_per_image = whole.calls // max(len(whole.cells), 1)
        for mode in self._choice.modes:
            set_mode(self._server, None if mode == AGAIN else mode)
            for planned, expected, row in zip(plan, alone, rows, strict=True):
                outcome = self._run_row(planned, mode, len(loops), whole)
                wish = replace(
                    planned.press.wish,
                    is_host_ahead=mode == "observe",
                    extra_steps=EXTRA_STEPS[mode],
                    steps_per_image=steps_per_image,
                )
                harms = find_harm(expected, outcome, wish, whole)
                row[mode] = describe(outcome) + (" !" if harms else "")
                if harms:
                    where = f"{self._case.name}, {planned.name}, {planned.press.name}, {mode}"
                    self.report.harms.append(f"{where}: {'; '.join(harms)}")
                self._check_host(outcome)

    def _build_plan(self, places: dict[str, Place]) -> list[PlannedRow]:
        plan = [PlannedRow(NOTHING, NO_PLACE, None)]
        plan += [PlannedRow(press, name, places[name]) for name in places for press in PRESSES]
        if self._case.is_short or self._choice.is_quick:
            plan = [row for row in plan if is_in_short_plan(row.press, row.name, list(places))]
        return [row for row in plan if row.press.is_made_at(row.name) and self._is_wanted(row)]

    def _is_wanted(self, row: PlannedRow) -> bool:
        return self._choice.wants_row(row.press, row.name)

    def _run_row(self, row: PlannedRow, mode: str, loops: int, whole: Outcome) -> Outcome:
        if mode == AGAIN:
            return self._run_alone(row, loops, whole)
        return self._trials.run(self._case, row.press, row.place)[0]

    def _run_alone(self, row: PlannedRow, loops: int, whole: Outcome) -> Outcome:
        press, place = row.press, row.place
        if place is not None and press.alone is not None:
            place = find_place_when_whole(place, loops, len(whole.cells))
            press = next(one for one in PRESSES if one.name == press.alone)
        outcome = self._trials.run(self._case, press, place)[0]
        self._check_host(outcome)
        return outcome

    def _check_host(self, outcome: Outcome) -> None:
        if outcome.next_answer.status is None:
            raise HostLostError


def set_mode(server: SdNextServer, mode: str | None) -> None:
    """Have the host run as it came if None, with its own synchronize, or with the extension in a mode."""
    if mode is None:
        server.set_options(zluda_sync_enabled=False, torch_sync=True)
    else:
        server.set_options(zluda_sync_enabled=True, zluda_sync_mode=mode, torch_sync=True)


def _has(words: tuple[str, ...], name: str) -> bool:
    return not words or any(word.lower() in name.lower() for word in words)
