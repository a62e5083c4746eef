"""The READMEs and the pages behind them name the same things, and everything that they link to is there."""

from __future__ import annotations

import re

import pytest

from tests.markdown_page import (
    CHINESE,
    CHINESE_PAGES,
    DOCS,
    DROP_IN,
    ENGLISH,
    ENGLISH_PAGES,
    PAGES,
    PAIRS,
    anchors,
    bold_names,
    code_spans,
    links_of,
    log_lines,
    name_of,
    table_of,
    target_of,
    text_of,
)
from zluda_sync.core.settings.settings import FIELDS, ModeChoice, PreviewMethod, RungChoice

IN_ENGLISH, IN_CHINESE = (ENGLISH, *ENGLISH_PAGES), (CHINESE, *CHINESE_PAGES)
BOTH = pytest.mark.parametrize("pages", [IN_ENGLISH, IN_CHINESE], ids=["English", "Chinese"])
EACH_PAIR = pytest.mark.parametrize(
    ("english", "chinese"), PAIRS, ids=[name_of(chinese) for _english, chinese in PAIRS]
)
MOST_BYTES = 13_500


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_and_picture_exists(page):
    """Files by their path, headings by their name."""
    links = links_of(page)
    assert len(links) > 5 or page not in (ENGLISH, CHINESE)
    for link in links:
        target, anchor = target_of(link, page), link.partition("#")[2]
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", [page for page in PAGES if DROP_IN in page.parents], ids=name_of)
def test_a_page_of_the_drop_in_links_to_nothing_outside_it(page):
    """Copied into a host's folder of extensions, all its links still work."""
    assert [] == [link for link in links_of(page) if DROP_IN not in target_of(link, page).parents]


@pytest.mark.parametrize("pages", [ENGLISH_PAGES, CHINESE_PAGES], ids=["English", "Chinese"])
def test_the_index_links_to_every_page(pages):
    """And every page back to the index."""
    index = next(page for page in pages if page.name == "README.md")
    others = {page for page in pages if page != index}
    assert others <= {target_of(link, index) for link in links_of(index)}
    assert [] == [page.name for page in others if "README.md" not in links_of(page)]


def test_every_picture_is_shown_on_a_page():
    """None is carried along that nobody sees."""
    shown = {target_of(link, page) for page in PAGES for link in links_of(page)}
    pictures = {*(DOCS / "images").iterdir(), *(CHINESE.parent / "images").iterdir()}
    assert set() == pictures - shown


@pytest.mark.parametrize("readme", [ENGLISH, CHINESE], ids=name_of)
def test_a_readme_is_short(readme):
    """What does not fit belongs on a page of its own."""
    assert len(readme.read_bytes()) <= MOST_BYTES


def test_each_links_to_the_other_at_its_top():
    """Before the first section."""
    assert "[简体中文](.github/README.zh-CN.md)" in text_of(ENGLISH).partition("\n## ")[0]
    assert "[English](../README.md)" in text_of(CHINESE).partition("\n## ")[0]
    assert "[简体中文](zh-CN/README.md)" in text_of(DOCS / "README.md").partition("\n\n- ")[0]
    for page in CHINESE_PAGES:
        assert f"[English](../{page.name})" in text_of(page).partition("\n\n")[2].partition("\n\n")[0]


def test_both_show_the_same_pictures_and_as_many_tables():
    """The same files in the same order: who reads one language sees what the other shows."""

    def pictures(page):
        return [target_of(link, page) for link in re.findall(r"!\[[^\]]*\]\(([^)\s]+)\)", text_of(page))]

    def tables(page):
        return re.findall(r"^\|(?:-+\|)+$", text_of(page), flags=re.MULTILINE)

    assert pictures(ENGLISH) == pictures(CHINESE)
    assert len(tables(ENGLISH)) == len(tables(CHINESE))
    assert min(len(pictures(ENGLISH)), len(tables(ENGLISH))) > 0


@EACH_PAIR
def test_a_chinese_page_names_nothing_that_the_english_one_does_not(english, chinese):
    """Labels, values, routes and files are the same words in both."""
    assert set() == code_spans(chinese) - code_spans(english)
    known = bold_names(english) | {"System > Settings"}
    assert set() == bold_names(chinese) - known


@pytest.mark.parametrize("name", ["README.md", "remedies.md"])
def test_both_tell_the_same_log_lines(name):
    """The table of faults has the same rows in the same order, with the log's exact words."""
    english, chinese = PAIRS[0] if name == "README.md" else (DOCS / name, DOCS / "zh-CN" / name)
    assert log_lines(english) == log_lines(chinese)
    assert len(log_lines(english)) > (9 if name == "README.md" else 15)


def test_the_readme_tells_log_lines_in_the_order_of_the_whole_table():
    """Each is one that the page of remedies explains in full."""
    few, all_of_them = (
        [line for row in log_lines(page) for line in row] for page in (ENGLISH, DOCS / "remedies.md")
    )
    assert few == [line for line in all_of_them if line in few]


@BOTH
def test_modes_previews_and_profiles_are_all_named(pages):
    """What the settings offer, both languages explain."""
    values = [one.value for kind in (ModeChoice, PreviewMethod) for one in kind]
    profiles = ["balanced", "precise", "throughput"]
    assert [] == [name for name in (*values, *profiles) if name not in code_spans(*pages)]


@BOTH
def test_the_label_of_what_is_only_watched_is_named_too(pages):
    """It is seen with `throughput`, and reads unlike the others."""
    assert [name for name in code_spans(*pages) if re.fullmatch(r"Finishing \d+ queued steps", name)]


def test_labels_that_one_language_names_the_other_names_too():
    """A user finds the same words on the page, whichever pages were read."""
    labels = {field.label.partition(":")[0] for field in FIELDS} | {"Settings > ZLUDA Sync"}
    places = {place for label in labels for place in (label, f"Settings > ZLUDA Sync > {label}")}
    in_english, in_chinese = (bold_names(*pages) & places for pages in (IN_ENGLISH, IN_CHINESE))
    assert in_english == in_chinese
    assert len(in_english) >= 4


def test_routes_that_one_language_names_the_other_names_too():
    """Of ours all but those that only programs need, of the host's all."""

    def routes(pages):
        found = re.findall(r"/(?:internal|sdapi/v1|zluda_sync/v1)/[\w/]+", text_of(*pages))
        return set(found) - {"/zluda_sync/v1/profiles/schema"}

    assert routes(IN_ENGLISH) == routes(IN_CHINESE)


def test_a_rung_is_named_only_if_it_exists():
    """Names in the table of the self-test are the settings' own."""
    named = {row[0] for row in table_of(DOCS / "self-test.md", "| Rung |")}
    assert named == {rung.value for rung in RungChoice} - {"auto"}
