"""What the server says to the user, made by the code that says it, with every kind of value in it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

from tests.core.test_snapshot import snapshot
from zluda_sync.core.learning import estimate
from zluda_sync.core.phase import PASS_LABELS, TEXTS, Phase
from zluda_sync.core.records.self_test_report import EVENT_RUNGS, RungVerdict, SelfTestReport
from zluda_sync.core.records.verification import Truth
from zluda_sync.core.settings.conditions import CONDITIONS
from zluda_sync.core.settings.fields import Group
from zluda_sync.core.settings.gate import Gate, Known, decide
from zluda_sync.core.settings.profiles import BUILTIN, ProfileBook, parse_profile
from zluda_sync.core.settings.rules import ProfileRule, parse_rules
from zluda_sync.core.settings.settings import DEFAULTS, FIELDS, parse_settings
from zluda_sync.core.steps.policy import SyncMode
from zluda_sync.core.wishes.request_wishes import Ending
from zluda_sync.device.steps import rung_trial, self_test, self_testing, waits
from zluda_sync.device.steps.accelerator import NO_MEMORY
from zluda_sync.host.api.news_route import CHANGE_LOG, read_changes
from zluda_sync.host.profiles.store import CORRECT

SETTINGS = frozenset(one.name for one in FIELDS)
BOTH = (True, False)
NOTICES = (
    f"{EVENT_RUNGS[0]} failed, using {EVENT_RUNGS[1]} instead",
    f"{EVENT_RUNGS[0]} failed, no way is left to follow this job",
)


def labels() -> Iterator[str]:
    """Yield what stands on Generate, in every combination that a job can come to."""
    for phase, images, cells in product(Phase, (1, 3), (1, 12, None)):
        shown = replace(snapshot(), phase=phase, images=images, cells=cells)
        yield shown.label
        yield replace(shown, is_paused=True).label
        yield replace(shown, ending=Ending.STOP).label
        yield replace(shown, ending=Ending.STOP_AFTER_IMAGE).label
    for role in PASS_LABELS:
        yield replace(snapshot(), phase=Phase.DENOISE, role=role).label
        yield replace(snapshot(), phase=Phase.DENOISE, role=role, total=None).label
    for phase in TEXTS:
        yield from (replace(snapshot(), phase=phase, tokens=tokens).label for tokens in (1, 20))
    for phase in (Phase.INTERPOLATE, Phase.DECODE, Phase.UPSCALE, Phase.EXPORT):
        yield replace(snapshot(), phase=phase, units=(2, 9)).label
    yield replace(snapshot(), is_compiling=True, part_elapsed_s=23.0).label
    yield replace(snapshot(), silence_s=44.0).label
    for launched, ending in product((8, 9), (None, Ending.SKIP)):
        ahead = replace(snapshot(), completed=7, launched=launched, mode=SyncMode.OBSERVE, ending=ending)
        yield replace(ahead, is_host_ahead=True).label
    for notice in NOTICES:
        yield notice
        yield replace(snapshot(), notice=notice, is_notice_new=True).label


def explanations() -> Iterator[str]:
    """Yield why it acts or does not, what the self-test says, and why a profile is used."""
    truthful = SelfTestReport(rungs=(RungVerdict(EVENT_RUNGS[0], True),))
    reports = {
        "truthful": truthful,
        "blocking": replace(truthful, work_s=1.0, queued_s=0.9),
        "held": replace(truthful, work_s=1.0, queued_s=0.1, probe_queued_s=0.9, probe_total_s=1.0),
        "ahead": replace(truthful, work_s=1.0, queued_s=0.1, probe_queued_s=0.1, probe_total_s=1.0),
        "unknown": SelfTestReport(),
    }
    reports["held"] = replace(reports["held"], blocking_launch=1022, probe_launches=4096)
    tests = [report.explanation for report in reports.values()]
    for reason in (waits.A_JOB_BEGAN, NO_MEMORY, *constants_of(waits.__file__, "the device did not")):
        tests += [
            replace(truthful, unfinished=reason).explanation,
            replace(truthful, unfinished=reason, was_called_off=True).explanation,
        ]
    yield from tests
    decisions = {
        decide(gate, Known(is_zluda, report, unfinished, can_be_tested, seen, may_sync))
        for gate, is_zluda, report, unfinished, can_be_tested, seen, may_sync in product(
            Gate, BOTH, (None, *reports.values()), ("", NO_MEMORY), BOTH, (None, 4), BOTH
        )
    }
    for decision in decisions:
        yield decision.why
        yield from (f"{decision.why}; {tested}" for tested in tests if decision.acts)
    subject = "SD.Next computes on the CPU: there is nothing to follow"
    yield from (subject, f"{subject}, and nothing to test", f"no self-test: {subject}, and nothing to test")
    yield f"{self_testing.NOT_TESTED}; it is made once nothing has run for a moment"
    for profile in BUILTIN.values():
        yield profile.explanation
    book = ProfileBook()
    yield book.choose(DEFAULTS).reason
    yield book.choose(replace(DEFAULTS, profile="auto")).reason
    yield book.choose(replace(DEFAULTS, profile="nobody")).reason
    yield "no rule matches"
    wanted = {name: 4 if one.field.minimum is not None else ("page",) for name, one in CONDITIONS.items()}
    wanted["source"] = CONDITIONS["source"].field.parse("page")
    yield from (ProfileRule("off", {name: value}, 2).explanation for name, value in wanted.items())
    yield ProfileRule("off", wanted, 2).explanation
    yield ProfileRule("off").explanation


def descriptions() -> Iterator[str]:
    """Yield labels, hints and units of settings and conditions, and headings."""
    fields = [*FIELDS, *(condition.field for condition in CONDITIONS.values())]
    for one in fields:
        yield from filter(None, (one.label, one.info))
        if one.unit not in ("", "s"):
            yield one.unit
        if one.unit and one.name in SETTINGS:
            yield f"{one.label}, {one.unit}"  # as the host's page has them
    yield from (group.value for group in Group if group is not Group.BASIC)


def problems() -> Iterator[str]:
    """Yield what is wrong with settings and rules, behind its place."""
    found = [problem for one in FIELDS for problem in parse_settings({one.option: object()})[1]]
    found += parse_settings({"zluda_sync_dept": 1, "zluda_sync_": 1})[1]
    found += ProfileBook().choose(replace(DEFAULTS, profile="nobody")).problems
    found += ProfileBook().choose(replace(DEFAULTS, profile="balanced2")).problems
    rules = [
        7,
        {},
        {"profile": "offs"},
        {"profile": "off", "step_min": 3},
        {"profile": "off", "": 3},
        {"profile": "off", "images_min": 5, "images_max": 2},
        {"profile": "off", "steps_min": -1},
        {"profile": "off", "model_type": 7},
        {"profile": "off", "source": "nobody"},
        {"profile": "off", "images_min": 4},
        {"profile": "off", "images_min": 6},
    ]
    yield "is '..', which no address can carry. Give the profile another name."
    profile = {"dept": 1, "": 1, "depth": 99, "mode": "run-ahead", "rung": "device-synchronize"}
    for remedy in (CORRECT, "Change it on the ZLUDA Sync tab or in config.json."):
        is_new = remedy == CORRECT
        found += parse_rules(rules, ["off"], "rules", remedy, is_new=is_new)[1]
        for name, tree in (("night", profile), ("night", 7), ("a/b", {}), ("off", {})):
            found += parse_profile(name, tree, "profiles", remedy, is_new=is_new)[1]
    yield from (problem.text.removeprefix(problem.where).strip() for problem in found)


def reasons() -> Iterator[str]:
    """Yield what is told of a way to ask that does not tell the truth, and of tests that cannot run."""
    yield from (rung_trial.NOT_JUDGED, self_test.NOT_BESIDE, *rung_trial._SILENT)
    yield "says too early that work is done: 12 ms were left"
    beginnings = ("waits for work", "comes before", "keeps the host")
    yield from constants_of(rung_trial.__file__, *beginnings)
    yield from constants_of(self_testing.__file__, "a job runs", "a self-test runs")
    yield from (truth.value for truth in Truth)
    names = ("UNKNOWN_MODEL", "UNLIKE_ANY", "MAY_COMPILE", "MUST_LOAD", "DETAILER", "SCRIPT")
    yield from (getattr(estimate, name) for name in names)


def titles() -> Iterator[str]:
    """Yield what jobs are called."""
    yield from ("1 image, 512 x 512", "3 images, 512 x 768, hires, refine, detail", "loading a model")
    yield from ("1 image upscaled", "2 images described", "12 cells of 2 images, 64 x 64")


def news() -> Iterator[str]:
    """Yield what the newest version has brought."""
    yield from read_changes(CHANGE_LOG)


def constants_of(file: str | None, *beginnings: str) -> list[str]:
    """Return the texts of a file that begin so; each must be there."""
    tree = ast.parse(Path(str(file)).read_text(encoding="utf-8"))
    found = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    texts = [text for text in found if isinstance(text, str) and text.startswith(beginnings)]
    assert len(set(texts)) >= len(beginnings)
    return texts


def all_texts() -> list[str]:
    """Return everything, each once."""
    makers = (labels, explanations, descriptions, problems, reasons, titles, news)
    return sorted({text for maker in makers for text in maker()})
