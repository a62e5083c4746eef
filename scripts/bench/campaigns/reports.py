"""Reports on cards, made from hostile names and settings: nothing of these may get into one.

Half of them go the whole way: a host, a driver, a log and settings that are hostile, through the session's
own parts. The other half is given to the report as it is, with every entry hostile, of every kind.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from unittest import mock

from bench.campaigns.hostile_values import Villain
from bench.terminal.bar import TerminalBar
from bench.terminal.table import Row, build_table

REPORTS, QUICK_REPORTS = 10_000, 500
COLUMNS = (
    ("way", "made from", ""),
    ("made", "made", "d"),
    ("leaked", "leaked", "d"),
    ("too_long", "too long", "d"),
    ("unreadable", "not readable", "d"),
)


@dataclass
class Tally:
    """What became of reports that were made in one way.

    Attributes:
        way: how they were made.
        first_failures: a line for each kind of failure, the first of its kind.
    """

    way: str
    made: int = 0
    leaked: int = 0
    too_long: int = 0
    unreadable: int = 0
    first_failures: dict[str, str] = field(default_factory=dict)

    def judge(self, text: str, villain: Villain, seed: int) -> None:
        """Count one report."""
        from zluda_sync.core.records.card_report import MOST_BYTES, parse_report

        self.made += 1
        if villain.finds_itself_in(text):
            self._fail("leaked", f"seed {seed}: {villain.word} or {villain.number} in {text!r:.2000}")
        if len(text.encode("utf-8", "replace")) > MOST_BYTES:
            self._fail("too_long", f"seed {seed}: {len(text.encode('utf-8', 'replace'))} bytes")
        try:
            parse_report(text)
            if not text.replace("\n", "").isprintable():
                raise ValueError("has characters that nobody sees")
        except ValueError as error:
            self._fail("unreadable", f"seed {seed}: {error}")

    @property
    def row(self) -> Row:
        """A row of the table."""
        return {name: getattr(self, name) for name, _heading, _form in COLUMNS}

    @property
    def is_clean(self) -> bool:
        """Whether each of them held."""
        return not (self.leaked or self.too_long or self.unreadable)

    def _fail(self, kind: str, line: str) -> None:
        setattr(self, kind, getattr(self, kind) + 1)
        self.first_failures.setdefault(kind, f"{self.way}: {kind}: {line}")


def run_report_campaign(quick: bool) -> int:
    """Make the reports; print the table and each kind of failure. Returns 0 if there is none, else 1."""
    count = QUICK_REPORTS if quick else REPORTS
    ways: tuple[tuple[Tally, Callable[[Villain], str]], ...] = (
        (Tally("what a hostile host and driver say"), build_through_session),
        (Tally("hostile entries of every kind"), build_from_entries),
    )
    bar = TerminalBar()
    try:
        for seed in range(count):
            tally, build = ways[seed % len(ways)]
            villain = Villain(seed)
            tally.judge(build(villain), villain, seed)
            bar.show((seed + 1) / count, f"{seed + 1} of {count} reports")
    finally:
        bar.close()
    tallies = [tally for tally, _build in ways]
    print(build_table([tally.row for tally in tallies], COLUMNS))
    for tally in tallies:
        for line in tally.first_failures.values():
            print(line)
    return 0 if all(tally.is_clean for tally in tallies) else 1


def build_from_entries(villain: Villain) -> str:
    """Return a report of which each entry is hostile, and some groups and lists are."""
    from zluda_sync.core.records.card_report import build_report
    from zluda_sync.core.records.card_shape import shape_of_report

    found = _build_hostile(shape_of_report(), villain)
    return build_report(found if isinstance(found, dict) else {}, {villain.word, villain.text()})


def _build_hostile(node: Any, villain: Villain, is_root: bool = True) -> Any:
    from zluda_sync.core.records.card_tree import Group, Rows, Triple

    if not is_root and villain.random.random() < 0.03:
        return villain.value()
    if isinstance(node, Group):
        tree = {name: _build_hostile(inner, villain, False) for name, inner in node.entries.items()}
        return {**tree, villain.text(): villain.text()}
    if isinstance(node, Rows):
        count = villain.random.randint(0, 2 * node.most if villain.random.random() < 0.2 else 4)
        return [_build_hostile(node.each, villain, False) for _ in range(count)]
    if isinstance(node, Triple):
        return [villain.value() for _ in range(villain.random.choice((3, 3, 3, 2, 4)))]
    return _sane_or_hostile(node, villain)


def _sane_or_hostile(form: Any, villain: Villain) -> Any:
    """Return a hostile value, now and then one that the form lets through: then reports become long."""
    if villain.random.random() < 0.85:
        return villain.value()
    words = sorted(getattr(form, "words", ()))
    if words:
        return villain.random.choice(words)
    return villain.random.choice((True, 1234.5678, 1785000000, "2.7.0+cu118", "AMD Radeon RX 7900 XTX"))


def build_through_session(villain: Villain) -> str:
    """Return the report that the route gives for a host whose every word is hostile."""
    from zluda_sync.core.settings.profiles import ChosenProfile
    from zluda_sync.core.settings.settings import Settings
    from zluda_sync.host.api.report_route import ReportRoute
    from zluda_sync.host.card import CardFinder
    from zluda_sync.host.log import HostLog

    say, value = villain.text, villain.value
    names = (say(), say(), f"AMD Radeon RX {villain.login} {villain.word}")
    accelerator = SimpleNamespace(name=villain.random.choice(names))
    report = _build_self_test(villain)
    versions = {name: say() for name in ("driver", "torch", "zluda", villain.word)}
    book = SimpleNamespace(
        find=lambda accelerator: report if villain.random.random() < 0.7 else None,
        find_unfinished=lambda accelerator: report,
        versions_of=lambda accelerator: versions,
    )
    settings = Settings(gate=value(), mode=value(), rung=value(), preview=value(), depth=value())
    chosen = ChosenProfile(say(), say(), settings if villain.random.random() < 0.5 else Settings())
    host: Any = SimpleNamespace(
        backend=value(), opts=SimpleNamespace(torch_sync=value()), model_type=value(), model_name=say()
    )
    parts: tuple[Any, ...] = (
        host,
        SimpleNamespace(choose=lambda: chosen),
        SimpleNamespace(book=book),
        lambda: accelerator if villain.random.random() < 0.8 else None,
        lambda: (value(), say()) if villain.random.random() < 0.5 else (True, ""),
    )
    said = HostLog()
    with _hostile_system(villain):
        for tell in (said.warn, said.tell):
            tell(say())
        said.guard.tell(say(), RuntimeError(villain.error_text()))
        said.refusals.tell(say(), OSError(say()))
        said.tell_self_test(report)
        route = ReportRoute(CardFinder(*parts), said.said, lambda: _build_verification(villain))
        return route.build()


def _build_self_test(villain: Villain) -> Any:
    from zluda_sync.core.records.self_test_report import RungVerdict, SelfTestReport

    say = villain.text
    number = villain.random.choice((0.5, 1e-9, float("nan"), float("inf"), 1e12))
    rungs = [RungVerdict(say(), villain.random.choice((True, False, None)), say(), number) for _ in range(4)]
    rungs += [RungVerdict("planted-event", False, villain.error_text(), number, number, number)]
    return SelfTestReport(
        device=say(),
        versions={say(): say()},
        duration_s=number,
        work_s=number,
        queued_s=0.1,
        rungs=tuple(rungs),
        unfinished=villain.random.choice(("", say(), villain.error_text())),
        was_called_off=villain.random.random() < 0.5,
    )


def _build_verification(villain: Villain) -> Mapping[str, Any] | None:
    if villain.random.random() < 0.1:
        raise OSError(villain.text())
    row = {
        name: villain.value()
        for name in ("mode", "host_sync", "wall_s", "bar_error", "previews", villain.word)
    }
    steps = [[villain.value(), 0.5, 1.0], [0.1, 0.2, 0.3], villain.value()] * 100
    return {
        "device": villain.text(),
        "versions": {"driver": villain.text(), "torch": villain.text(), "zluda": villain.text()},
        "taken_at_s": villain.value(),
        "sentence": villain.text(),
        "rows": [row] * 20,
        "trace": {"mode": villain.text(), "steps": steps},
    }


@contextlib.contextmanager
def _hostile_system(villain: Villain) -> Iterator[None]:
    """Have the system, torch and the host's installer say hostile things, and the log go nowhere."""
    from zluda_sync.host import card
    from zluda_sync.host.sdnext import log

    say = villain.text
    system = dict.fromkeys(("system", "version", "release", "python_version", "node"), say)
    torch = SimpleNamespace(__version__=say(), version=SimpleNamespace(hip=villain.value(), cuda=say()))
    version = {name: villain.value() for name in ("commit", "updated", "branch", "url", villain.word)}
    with (
        mock.patch.object(card, "platform", SimpleNamespace(**system)),
        mock.patch.object(card, "torch", torch),
        mock.patch("getpass.getuser", return_value=villain.login),
        mock.patch("socket.gethostname", say),
        mock.patch.dict(sys.modules, {"installer": SimpleNamespace(version=version)}),
        mock.patch.object(log, "disabled", True),
    ):
        yield
