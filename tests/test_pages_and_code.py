"""What the pages say of the code is so: fields, routes, metrics, files, messages, commands, figures."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from bench.truth.figures import FIGURE_NAMES
from tests.markdown_page import (
    CHINESE,
    DOCS,
    DROP_IN,
    ENGLISH,
    PAGES,
    ROOT,
    blocks_of,
    bold_names,
    log_lines,
    name_of,
    table_of,
    text_of,
)
from zluda_sync.core.settings.conditions import CONDITIONS
from zluda_sync.core.settings.fields import SettingField
from zluda_sync.core.settings.profiles import AUTO, BUILTIN
from zluda_sync.core.settings.settings import FIELDS, PROFILE_FIELDS, ModeChoice

BOTH = pytest.mark.parametrize("folder", [DOCS, DOCS / "zh-CN"], ids=["English", "Chinese"])
COMMANDS = (
    "bars",
    "check",
    "differential",
    "gpu_lane",
    "measure",
    "pictures",
    "read_reports",
    "run_host",
    "train_model",
    "updates",
    "verify_card",
    "versions",
    "ways",
)
NUMBERS = {"Seven": 7, "Eight": 8, "七": 7, "八": 8}
#: How the tables begin, in English and in Chinese.
PROFILE_HEADS = ("| A profile may set |", "| 配置档可以设定 |")
RULE_HEADS = ("| A rule may ask for |", "| 规则可以要求 |")
_WORD = re.compile(r"[\w'/]+|[^\w\s]")


@cache
def texts_in(folder: Path) -> tuple[str, ...]:
    """Return every text that the code below a folder holds, with … where it puts something in.

    Not of the table that only repeats the messages of others.
    """
    texts = []
    for file in sorted(folder.rglob("*.py")):
        if file.name == "said_lines.py":
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = (part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
                texts.append("".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
    return tuple(texts)


@cache
def words_in(folder: Path) -> str:
    """Return the texts that the code below a folder holds, a line each, with a space around every word."""
    return "\n".join(f" {' '.join(_WORD.findall(text))} " for text in texts_in(folder))


def count_pieces(message: str, folder: Path) -> int:
    """Return of how few pieces a message is made, each found within one text of the code; 99 if of none."""
    words, begin, pieces = _WORD.findall(message), 0, 0
    while begin < len(words):
        for end in range(len(words), begin, -1):
            if f" {' '.join(words[begin:end])} " in words_in(folder):
                begin, pieces = end, pieces + 1
                break
        else:
            return 99
    return pieces


def names_of(row: list[str]) -> list[str]:
    """Return the names in the first cell of a row."""
    return re.findall(r"`([^`]+)`", row[0])


def numbers_in(text: str) -> set[float]:
    """Return the numbers that stand in a text."""
    return {float(number) for number in re.findall(r"\d+(?:\.\d+)?", text)}


def check_choices(rows: list[list[str]], fields: Mapping[str, SettingField]) -> None:
    """Assert that a table has each of these fields once, with its choices."""
    assert sorted(fields) == sorted(name for row in rows for name in names_of(row))
    for row in rows:
        for name in names_of(row):
            assert set(map(str, fields[name].choices or ())) <= set(re.findall(r"`([^`]+)`", row[1])), name


@BOTH
def test_each_message_is_made_of_the_codes_own_words(folder):
    """One that was changed in the code does not live on in the table of remedies."""
    for line in [line for row in log_lines(folder / "remedies.md") for line in row]:
        for fragment in filter(str.strip, line.split("…")):
            assert count_pieces(fragment, DROP_IN) <= 2, fragment


@BOTH
def test_what_a_profile_may_set_is_told_in_full(folder):
    """Each field once, with all its choices or both its limits."""
    rows = table_of(folder / "profiles.md", *PROFILE_HEADS)
    check_choices(rows, PROFILE_FIELDS)
    told = {name: row[1] for row in rows for name in names_of(row)}
    for name, field in PROFILE_FIELDS.items():
        if field.maximum is not None:
            assert {field.minimum, field.maximum} <= numbers_in(told[name]), name


@BOTH
def test_what_a_rule_may_ask_for_is_told_in_full(folder):
    """Each condition once, with all its choices."""
    rows = table_of(folder / "profiles.md", *RULE_HEADS)
    check_choices(rows, {name: condition.field for name, condition in CONDITIONS.items()})


@pytest.mark.parametrize(
    "page", [ENGLISH, CHINESE, DOCS / "profiles.md", DOCS / "zh-CN" / "profiles.md"], ids=name_of
)
def test_the_table_of_profiles_has_each_of_them(page):
    """Those that come with the extension, and the rules."""
    rows = table_of(page, "| Profile |", "| 配置档 |")
    assert {*BUILTIN, AUTO} == {name for row in rows for name in names_of(row)}


def test_the_readme_names_the_mode_that_a_profile_sets():
    """By the word that Settings, the panel and the log have for it."""
    text = ENGLISH.read_text("utf-8")
    set_by = {name: made.values["mode"].value for name, made in BUILTIN.items() if "mode" in made.values}
    rows = {name: re.search(rf"^\| `{name}` \|.*", text, re.MULTILINE)[0] for name in set_by}
    assert {"precise": "every-step", "throughput": "observe", "off": "off"} == set_by
    assert [] == [name for name, mode in set_by.items() if f"`{mode}`" not in rows[name]]


def test_settings_and_page_have_auto_choose_among_the_same_modes():
    """The mode `auto`, in Settings' own words and on the page of profiles."""
    modes = {mode.value for mode in ModeChoice} - {AUTO, ModeChoice.OFF.value}
    settings = FIELDS.mode.info.partition(";")[0]
    (page,) = re.findall(
        r"^\| `auto` \(default\) \|.*", (DOCS / "profiles.md").read_text("utf-8"), re.MULTILINE
    )
    assert {mode for mode in modes if mode in settings} == {mode for mode in modes if f"`{mode}`" in page}


def test_the_change_log_tells_of_nothing_twice():
    """What the newest version has brought was not there before."""
    text = (DROP_IN / "CHANGELOG.md").read_text("utf-8")
    told_once = ("German", "200 jobs", "before you press", "upscaling", "`track`", "of your card")
    assert [] == [words for words in told_once if text.lower().count(words.lower()) != 1]


def test_a_place_in_settings_is_named_only_if_it_exists():
    """By the label that stands there."""
    labels = {field.label.partition(":")[0] for field in FIELDS}
    begin = "Settings > ZLUDA Sync > "
    places = {name for name in bold_names(*PAGES) if name.startswith(begin)}
    assert len(places) >= 2
    assert set() == {place.removeprefix(begin) for place in places} - labels


def test_the_table_of_routes_has_each_of_ours():
    """By the first word behind the version."""
    told = set()
    for row in table_of(DOCS / "api.md", "| Route | What it gives |"):
        told |= {re.sub(r"^(?:GET|PUT|POST|DELETE) ", "", name) for name in names_of(row)} - {"GET", "PUT"}
    served = {
        found[1] for text in texts_in(DROP_IN) if (found := re.fullmatch(r"/zluda_sync/v1/(\w+)", text))
    }
    assert served == {re.split(r"[/?]", route)[0] for route in told}


def test_a_field_of_the_hosts_routes_is_named_only_if_the_stand_in_has_it():
    """It answers with the host's own names."""
    modules = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "modules").rglob("*.py"))
    rows = table_of(DOCS / "api.md", "| Route | Fields |")
    fields = {name for row in rows for name in re.findall(r"`(\w+)`", row[1])}
    assert len(fields) > 10
    assert set() == {name for name in fields if not re.search(rf"\b{name}\b", modules)}


def test_the_table_of_metrics_has_each_of_ours():
    """By the name that it is served under."""
    told = {name for row in table_of(DOCS / "api.md", "| Metric |") for name in names_of(row)}
    code = "".join(file.read_text(encoding="utf-8") for file in DROP_IN.rglob("*.py"))
    served = set(re.findall(r'"(zluda_sync_[a-z_]+)", "(?:counter|gauge)"', code))
    served |= set(re.findall(r'\.family\(\s*"(\w+)"', code))
    served |= {f"zluda_sync_{name}" for name in re.findall(r'_gauge\(\s*"(\w+)"', code)}
    served |= {f"zluda_sync_{name}_total" for name in re.findall(r'_counter\(\s*"(\w+)"', code)}
    assert served == told


@BOTH
def test_what_is_stored_is_told_in_full(folder):
    """Every file that the code keeps in its folder of the host's data, and how many these are."""
    headings = r"^## (?:What is stored|保存了什么)$"
    section = re.split(headings, text_of(folder / "remedies.md"), flags=re.MULTILINE)[1]
    told = {name.partition("/")[0] for name in re.findall(r"^- `([^`]+)`", section, flags=re.MULTILINE)}
    kept: set[str] = set()
    for file in DROP_IN.rglob("*.py"):
        kept |= set(re.findall(r'/ "zluda_sync" / "([\w.]+)"', file.read_text(encoding="utf-8")))
    assert kept == told
    for text in (section, text_of(ENGLISH if folder == DOCS else CHINESE)):
        number = re.search(r"(\w+) things(?:,| are stored)|只有(\w)样", text)
        assert number is not None
        assert len(kept) == NUMBERS[number[1] or number[2]]


@cache
def options_of(command: str) -> frozenset[str]:
    """Return the options that a command's own help tells of."""
    run = [sys.executable, str(ROOT / "scripts" / f"{command}.py"), "--help"]
    said = subprocess.run(run, capture_output=True, text=True, check=True, timeout=120).stdout
    return frozenset(re.findall(r"(?<![\w-])--[a-z][a-z-]*", said))


def test_a_command_is_told_of_only_if_it_exists_with_its_options():
    """On every page, in a line of its own or within one."""
    found = 0
    for page in PAGES:
        for line in [*text_of(page).split("`"), *"".join(blocks_of(page)).splitlines()]:
            called = re.match(r"(?:\w+=\S+ )*python scripts/(\w+)\.py\b(.*)", line)
            if called is not None:
                options = re.findall(r"(?<![\w-])--[a-z][a-z-]*", called[2])
                assert called[1] in COMMANDS, line
                assert set(options) <= options_of(called[1]), line
                found += 1
    assert found > 20


def test_the_readmes_two_commands_are_all_that_it_asks_for():
    """To see the stand-in, and to check everything."""
    commands = "python scripts/run_host.py\npython scripts/check.py\n"
    for page in (ENGLISH, CHINESE, DOCS / "stand-in.md", DOCS / "zh-CN" / "stand-in.md"):
        assert commands in blocks_of(page), name_of(page)


def test_every_measurement_is_explained():
    """The page of measurements has each of the command's options that measures something else."""
    told = {name for row in table_of(DOCS / "measurements.md", "| Option |") for name in names_of(row)}
    assert options_of("measure") - {"--help", "--quick", "--json", "--traces", "--plot"} == told


def test_every_figure_is_explained():
    """By the name that the commands print it under."""
    told = {name for row in table_of(DOCS / "measurements.md", "| Key |") for name in names_of(row)}
    assert set(FIGURE_NAMES) <= told
    assert set() == told - set(texts_in(ROOT / "scripts" / "bench"))


def test_the_readmes_figures_are_those_of_the_full_table():
    """Shares as per cent, else the same numbers."""
    rows = table_of(DOCS / "measurements.md", "| Case |")
    full = {(case, row, run): figures for case, row, run, *figures in rows}
    job = ""
    shown = table_of(ENGLISH, "| Job |")
    assert len(shown) > 8
    for case, what, bar, falls, early, eta, steps in shown:
        job = case or job
        _, is_ours, run = what.partition("ZLUDA Sync, ")
        row, run = ("run-ahead", run.removesuffix(" job")) if is_ours else (what, "first")
        figures = full[job, row, run]
        shares = [f"{100 * float(share):.1f} %" for share in (figures[0], figures[3])]
        assert [shares[0], figures[1], figures[2], shares[1], figures[5]] == [bar, falls, early, eta, steps]
