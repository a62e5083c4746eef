"""The two READMEs name the same things, and everything that they link to is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from zluda_sync.core.settings.settings import FIELDS, ModeChoice, PreviewMethod, RungChoice

ROOT = Path(__file__).resolve().parents[1]
ENGLISH, CHINESE = ROOT / "README.md", ROOT / ".github" / "README.zh-CN.md"
BOTH = pytest.mark.parametrize("readme", [ENGLISH, CHINESE], ids=lambda path: path.name)


def text_of(readme: Path) -> str:
    """Return a README without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", readme.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def code_spans(readme: Path) -> set[str]:
    return set(re.findall(r"`([^`\n]+)`", text_of(readme)))


def bold_names(readme: Path) -> set[str]:
    """Return the bold words that stand on the page in English: labels, buttons, tabs."""
    bold = (" ".join(name.split()) for name in re.findall(r"\*\*([^*]+)\*\*", text_of(readme)))
    return {name for name in bold if name.isascii() and not name.endswith((".", ":"))}


def log_lines(readme: Path) -> list[list[str]]:
    """Return the log lines of each row of the table of faults, in its order."""
    begin = {ENGLISH: "| In the log |", CHINESE: "| 日志里的内容 |"}[readme]
    table = text_of(readme).partition(begin)[2].partition("\n\n")[0]
    return [re.findall(r"`([^`]+)`", row.split("|")[1]) for row in table.splitlines()[2:]]


def anchors(file: Path) -> set[str]:
    """Return what a link may point to within a file, as GitHub names it."""
    headings = re.findall(r"^#+ (.+)$", text_of(file), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@BOTH
def test_every_relative_link_and_picture_exists(readme):
    """Files by their path, headings by their name."""
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text_of(readme)) if "://" not in link]
    assert len(links) > 5
    for link in links:
        path, _, anchor = link.partition("#")
        target = (readme.parent / path).resolve() if path else readme
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_each_links_to_the_other_at_its_top():
    """Before the first section."""
    assert "[简体中文](.github/README.zh-CN.md)" in text_of(ENGLISH).partition("\n## ")[0]
    assert "[English](../README.md)" in text_of(CHINESE).partition("\n## ")[0]


def test_the_chinese_readme_names_nothing_that_the_english_one_does_not():
    """Labels, values, routes and files are the same words in both."""
    assert set() == code_spans(CHINESE) - code_spans(ENGLISH)
    known = bold_names(ENGLISH) | {"System > Settings"}
    assert set() == bold_names(CHINESE) - known


def test_both_tell_the_same_log_lines():
    """The table of faults has the same rows in the same order, with the log's exact words."""
    assert log_lines(ENGLISH) == log_lines(CHINESE)
    assert len(log_lines(ENGLISH)) > 15


@BOTH
def test_modes_previews_and_profiles_are_all_named(readme):
    """What the settings offer, both READMEs explain."""
    values = [one.value for kind in (ModeChoice, PreviewMethod) for one in kind]
    profiles = ["balanced", "precise", "throughput"]
    assert [] == [name for name in (*values, *profiles) if name not in code_spans(readme)]


def test_labels_that_one_readme_names_the_other_names_too():
    """A user finds the same words on the page, whichever README was read."""
    labels = {field.label.partition(":")[0] for field in FIELDS} | {"Settings > ZLUDA Sync"}
    places = {place for label in labels for place in (label, f"Settings > ZLUDA Sync > {label}")}
    in_english, in_chinese = (bold_names(readme) & places for readme in (ENGLISH, CHINESE))
    assert in_english == in_chinese
    assert len(in_english) >= 4


def test_routes_that_one_readme_names_the_other_names_too():
    """Of ours all but those that only programs need, of the host's all."""

    def routes(readme: Path) -> set[str]:
        found = re.findall(r"/(?:internal|sdapi/v1|zluda_sync/v1)/[\w/]+", text_of(readme))
        return set(found) - {"/zluda_sync/v1/profiles/schema"}

    assert routes(ENGLISH) == routes(CHINESE)


def test_a_rung_is_named_in_one_readme_only_if_it_exists():
    """Names in the table of the self-test are the settings' own."""
    table = text_of(ENGLISH).partition("| Rung |")[2].partition("\n\n")[0]
    named = {row.split("|")[1].strip() for row in table.splitlines()[2:]}
    assert named == {rung.value for rung in RungChoice} - {"auto"}
