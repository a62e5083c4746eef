"""The panel in every language that it has: no word of its own and none of the server's stays English."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from tests.browser.canned_api import EXTENSION, serve_canned
from tests.browser.chromium import open_page, wait_for
from tests.browser.server_texts import all_texts
from zluda_sync.core.settings.settings import ModeChoice

pytestmark = pytest.mark.browser

LANGUAGES = sorted(
    file.stem.rpartition("_")[2] for file in (EXTENSION / "javascript").glob("zluda_sync_words_*.js")
)
#: Words that are names, or values as config.json has them.
NAMES = re.compile(
    r"SD\.Next|ZLUDA( Sync)?|Force synchronize|OpenVINO|--freeze|torch|config\.json|zluda_sync\S*|Generate|"
    r"VAE|CPU|GPU|Hires|Detailer|Prompt|sdxl?|f1|true|false|nobody|"
    r"auto|off|zluda|True|False|precise|balanced|throughput|every-step|run-ahead|runs-ahead|observe|always|"
    r"model_type, device, source|preview, gate, mode, depth, rung, preview_budget, preview_interval|depth|"
    r"host|none|fitted|page|api|script|python -m|demo|track|diffusers|Pipeline|"
    r"\w+_(min|max)|(passive|planted|lagged|device|stream|read)-\w+|<object.*?>|object at"
)
#: What no sentence in another language has in it.
ENGLISH = re.compile(r"\b(the|is|are|of|and|with|waits?|after|each|steps?|no|not|by|to|it|queued)\b")
SPEAK = "window.opts = {ui_locale: arguments[0]}; return arguments[1].map(zludaSync.said)"
VALUES = "return arguments[0].map((text) => (text.match(/[{]\\w+[}]/g) ?? []).sort().join())"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A page with our scripts."""
    with serve_canned() as api, open_page(api.address, tmp_path_factory.mktemp("browser")) as opened:
        wait_for(lambda: opened.find(".zs-label-now"), "panel")
        yield opened


def test_there_are_german_and_chinese():
    """Each is a file that no other names."""
    assert {"de", "zh"} <= set(LANGUAGES)
    scripts = (EXTENSION / "javascript").glob("*.js")
    others = [file.read_text("utf-8") for file in scripts if "_words_" not in file.name]
    assert not any(f"words_{language}" in text for text in others for language in LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_has_its_translation(page, language):
    """The same keys as in English, and the same places for values."""
    english, other = page.js("const {words} = zludaSync; return [words.en, words[arguments[0]]]", language)
    said = other.pop("said")
    assert english.keys() == other.keys()
    assert page.js(VALUES, list(english.values())) == page.js(VALUES, [other[key] for key in english])
    assert page.js(VALUES, list(said)) == page.js(VALUES, list(said.values()))


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_server_says_is_translated_in_full(page, language):
    """Labels with their counts, sentences of the self-test, settings, conditions, problems and titles."""
    texts = all_texts()
    told = dict(zip(texts, page.js(SPEAK, language, texts), strict=True))
    english = {text: NAMES.sub("", said) for text, said in told.items()}
    latin = re.compile(r"[A-Za-z]{3,}") if language == "zh" else ENGLISH
    assert [] == [(text, told[text]) for text, rest in english.items() if latin.search(rest)]
    is_said = re.compile("[a-z]{3}")
    assert [] == [text for text in texts if text == told[text] and is_said.search(NAMES.sub("", text))]


@pytest.mark.parametrize(
    ("outcome", "finished", "told"),
    [
        (
            "skipped",
            2,
            ["Finished (1 of 3 skipped)", "Fertig (1 von 3 übersprungen)", "完成 3 张中跳过 1 张"],
        ),
        ("skipped", 3, ["Finished", "Fertig", "完成"]),  # it was whole before it could be left
        ("skipped", 0, ["Skipped", "Übersprungen", "已跳过"]),
        ("skipped", None, ["Skipped", "Übersprungen", "已跳过"]),
        ("stopped", 2, ["Stopped (2 of 3 finished)", "Gestoppt (2 von 3 fertig)", "已停止 3 张中完成 2 张"]),
        ("stopped", 3, ["Finished", "Fertig", "完成"]),
        ("stopped", 0, ["Stopped", "Gestoppt", "已停止"]),
        ("stopped", None, ["Stopped", "Gestoppt", "已停止"]),
        ("finished", 3, ["Finished", "Fertig", "完成"]),
        ("failed", 1, ["Failed", "Fehlgeschlagen", "失败"]),
        ("dreamt", 1, ["dreamt", "dreamt", "dreamt"]),  # what only a newer server knows
    ],
)
def test_a_job_that_ended_early_says_how_many_images_there_are(page, outcome, finished, told):
    """One with a skipped image is not told as skipped; where the numbers are unknown, the word alone."""
    job = {"outcome": outcome, "images": None if finished is None else {"asked": 3, "finished": finished}}
    say = "window.opts = {ui_locale: arguments[0]}; return zludaSync.outcomeOf(arguments[1])"
    said = [page.js(say, language, job) for language in ("en", "de", "zh")]
    assert told == [*said[:2], re.sub("\\W", " ", said[2]).strip()]


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_a_mode_is_called_by_the_name_that_is_chosen_in_settings(page, language):
    """What it does stands behind it; the log and the pages have that name, too."""
    modes = [mode.value for mode in ModeChoice]
    say = "window.opts = {ui_locale: arguments[0]}; return arguments[1].map(zludaSync.modeOf)"
    told = page.js(say, language, modes)
    assert modes == [re.split(r"\W", words.replace("-", "_"))[0].replace("_", "-") for words in told]


def test_a_long_message_of_a_driver_takes_no_time(page):
    """Whatever joins it: each part of it is looked up once, and the page is not held up."""
    joined = "fails: " + " ".join(f"p{number}{',;'[number % 2]}" for number in range(70))
    assert len(joined) < 400
    longer = "x, y; " * 5000
    assert ["\u5931\u8d25\uff1a" + joined[7:], longer] == page.js(SPEAK, "zh", [joined, longer])


def test_no_text_of_others_is_changed(page):
    """Names with commas, or with our own words in them."""
    texts = ["a cat, a dog or both; at night", "constructor", "my model (v2), of cats", "__proto__", ""]
    assert texts == page.js(SPEAK, "zh", texts)
