"""What stands on SD.Next's Generate button while a job runs: the time left is whole at every width."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from tests.browser.canned_api import serve_canned
from tests.browser.chromium import open_page, wait_for

pytestmark = pytest.mark.browser

LABELS = (
    "Denoise 11/30 13% 28s",
    "Image 1/3: VAE decode 97% 123m 45s",
    "Cell 3/12 · Image 1/2: Denoise 11/30 13% 1m 5s",
    "Image 2/3: Compiling kernels (first run) 23 s 4% 2m 33s",
    "Stopping: 3 queued steps 66% Finishing",
    "图像 2/3: 去噪 11/30 13% 28s",
)
#: Of the button, in pixels: on SD.Next's Standard page 64 in a narrow window and 165 in a wide one.
WIDTHS_PX = (64, 72, 82, 95, 101, 122, 165, 300, 900)
MODERN_WIDTHS_PX = (199, 260, 380, 660, 2200)
HEIGHT_PX = 44
FONTS = ("Noto Sans", "DejaVu Sans", "monospace")
#: Write as SD.Next's progressBar does, on the Modern page with its answer to that, and measure.
WRITE = """
const [label, width, height, font, isModern] = arguments;
let button = document.getElementById('txt2img_generate');
button?.closest('.place').remove();
const place = document.createElement('div');
place.className = isModern ? 'place sd-button' : 'place';
button = document.createElement('button');
button.id = 'txt2img_generate';
place.style.cssText = isModern ? `width: ${width}px; height: ${height}px; overflow: hidden` : '';
const style = document.createElement('style');
style.textContent = `#txt2img_generate { display: flex; padding: 4px;
  ${isModern ? 'min-width: max-content' : `width: ${width}px`}; height: ${height}px;
  box-sizing: border-box; align-items: center; justify-content: center; white-space: break-spaces;
  font: ${isModern ? 0 : 15}px "${font}" !important; }
  .sd-button > #txt2img_generate > span { font: 15px "${font}"; }`;
place.append(style, button);
document.body.append(place);
window.zludaSync.watchButtons();
button.innerText = label;
if (isModern) {
  const span = document.createElement('span');
  span.textContent = button.textContent;
  button.append(span);
}
return new Promise((resolve) => setTimeout(() => {
  const box = (isModern ? place : button).getBoundingClientRect();
  const isIn = (element) => {
    const { left, right, top, bottom, width: wide } = element.getBoundingClientRect();
    return wide > 0 && left >= box.left - 0.5 && right <= box.right + 0.5
      && top >= box.top - 0.5 && bottom <= box.bottom + 0.5;
  };
  const shown = [...button.querySelectorAll('.zs-unbroken')];
  const name = button.querySelector('.zs-what');
  resolve({
    left: shown.map((element) => element.textContent).join(' '),
    isWhole: shown.every(isIn) && shown.every((element) => element.scrollWidth <= element.clientWidth + 1),
    name: name?.textContent ?? null,
    isNameIn: Boolean(name) && (name.hidden || isIn(name)),
    text: button.textContent,
  });
}));
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A page with our scripts and style."""
    with serve_canned() as api, open_page(api.address, tmp_path_factory.mktemp("browser")) as opened:
        wait_for(lambda: opened.js("return Boolean(window.zludaSync?.watchButtons)"), "scripts")
        yield opened


@pytest.mark.parametrize("is_modern", [False, True], ids=["standard", "modern"])
@pytest.mark.parametrize("font", FONTS)
def test_the_time_left_is_whole_at_every_width(page, font, is_modern):
    """Whatever the label is; what gives way is the name of what goes on, and it stays within the button."""
    clipped = []
    for width in WIDTHS_PX if not is_modern else MODERN_WIDTHS_PX:
        for label in LABELS:
            seen = page.js(WRITE, label, width, HEIGHT_PX, font, is_modern)
            if not (seen["isWhole"] and seen["isNameIn"] and label.endswith(seen["left"]) and seen["left"]):
                clipped.append((width, label, seen))
    assert [] == clipped


@pytest.mark.parametrize("is_modern", [False, True], ids=["standard", "modern"])
@pytest.mark.parametrize("font", FONTS)
def test_a_guess_is_marked_and_whole_at_every_width(page, font, is_modern):
    """One sign before the time, as long as no such job was learned from."""
    page.js("zludaSync.wasFresh = zludaSync.freshJob; zludaSync.freshJob = () => arguments[0]", {
        "label": "Image 1/3: VAE decode", "fraction": 0.97, "eta_s": 7425.0, "is_eta_guessed": True,
    })  # fmt: skip
    try:
        for width in WIDTHS_PX if not is_modern else MODERN_WIDTHS_PX:
            seen = page.js(WRITE, LABELS[1], width, HEIGHT_PX, font, is_modern)
            told = (seen["left"], seen["isWhole"], seen["isNameIn"])
            assert ("97% ~123m 45s", True, True) == told, (width, seen)
    finally:
        page.js("zludaSync.freshJob = zludaSync.wasFresh")


def test_a_time_that_is_known_by_now_stands_in_the_place_of_start(page):
    """SD.Next writes that word beside a percent where it was told no time, or none of it was left."""
    job = {"label": "Saving", "fraction": 0.99, "eta_s": 0.0, "is_eta_guessed": False}
    page.js("zludaSync.wasFresh = zludaSync.freshJob; zludaSync.freshJob = () => arguments[0]", job)
    try:
        seen = page.js(WRITE, "Saving 99% Start", WIDTHS_PX[-1], HEIGHT_PX, FONTS[1], False)
        assert "99% 0s" == seen["left"]
        seen = page.js(WRITE, "Loading model 3 s Start", WIDTHS_PX[-1], HEIGHT_PX, FONTS[1], False)
        assert "Start" == seen["left"]
    finally:
        page.js("zludaSync.freshJob = zludaSync.wasFresh")


def test_what_was_newer_stays_when_the_status_tells_of_no_job_any_more(page):
    """SD.Next has not written that it is over: what it wrote before would be a step back."""
    job = {"label": "Stopping: 1 queued step", "fraction": 0.96, "eta_s": 0.2, "is_eta_guessed": True}
    page.js("zludaSync.wasFresh = zludaSync.freshJob; zludaSync.freshJob = () => arguments[0]", job)
    try:
        assert "96% ~0s" == page.js(WRITE, "Denoise 9/20 93% 1s", 900, HEIGHT_PX, FONTS[0], False)["left"]
        page.js("zludaSync.freshJob = () => null; zludaSync.refreshButtons()")
        shown = "return document.getElementById('txt2img_generate').textContent"
        assert "Stopping: 1 queued step 96% ~0s" == page.js(shown)
        job["fraction"] = 0.98
        page.js("zludaSync.freshJob = () => arguments[0]; zludaSync.refreshButtons()", job)
        assert "Stopping: 1 queued step 98% ~0s" == page.js(shown)
    finally:
        page.js("zludaSync.freshJob = zludaSync.wasFresh")


@pytest.mark.parametrize(
    ("language", "name"),
    [("de", "Bild 1/3: VAE-Dekodierung"), ("zh", "\u56fe\u50cf 1/3\uff1aVAE \u89e3\u7801")],
)
def test_the_button_speaks_the_pages_language(page, language, name):
    """SD.Next writes what the server says; the time left is whole all the same."""
    page.js("window.opts = {ui_locale: arguments[0]}", language)
    try:
        for width in WIDTHS_PX:
            for label in LABELS[:-1]:
                seen = page.js(WRITE, label, width, HEIGHT_PX, FONTS[1], False)
                assert seen["isWhole"] and seen["isNameIn"], (width, label, seen)
        assert name == page.js(WRITE, LABELS[1], WIDTHS_PX[-1], HEIGHT_PX, FONTS[1], False)["name"]
        paused = page.js(WRITE, "Paused: Denoise 3/9 13% Paused", WIDTHS_PX[-1], HEIGHT_PX, FONTS[1], False)
        assert 1 == paused["text"].count("Pausiert" if language == "de" else "\u5df2\u6682\u505c")
    finally:
        page.js("delete window.opts")


@pytest.mark.parametrize("is_modern", [False, True], ids=["standard", "modern"])
def test_a_request_that_waits_is_said_to_wait(page, is_modern):
    """SD.Next writes "Start" where no time is known; another's job runs, and nothing starts."""
    for width in WIDTHS_PX if not is_modern else MODERN_WIDTHS_PX:
        seen = page.js(WRITE, "Queued Start", width, HEIGHT_PX, FONTS[0], is_modern)
        assert ("Queued", "", True) == (seen["name"], seen["left"], seen["isNameIn"]), (width, seen)


def test_a_wide_button_says_all_in_one_line(page):
    """Nothing is taken away where there is room."""
    seen = page.js(WRITE, LABELS[0], WIDTHS_PX[-1], HEIGHT_PX, FONTS[0], False)
    assert ("Denoise 11/30", "13% 28s", LABELS[0]) == (seen["name"], seen["left"], seen["text"])


@pytest.mark.parametrize("font", FONTS)
def test_a_narrow_button_tells_what_changes(page, font):
    """Counts, or what goes on; the whole label stays for who reads the page aloud."""
    grid, batch = "Cell 3/12 · Image 1/2: Denoise 11/30", "Image 1/2: VAE decode"
    counts = ("11/30", "3/12 · 1/2 · 11/30")
    for width, label, shown in (
        (72, grid, counts[:1]), (101, grid, counts), (900, grid, (None,)),
        (72, batch, ("VAE decode",)), (101, batch, ("VAE decode", None)),
    ):  # fmt: skip
        seen = page.js(WRITE, f"{label} 13% 28s", width, HEIGHT_PX, font, False)
        short = page.js("return document.querySelector('.zs-what').dataset.short ?? null")
        assert short in shown, (width, label, short)
        assert (label, True) == (seen["name"], seen["isNameIn"])


def test_a_button_that_takes_its_time_to_change_stands_still(page):
    """Gradio's buttons go over to another font by and by; what is written anew has its size at once."""
    page.js(
        "document.head.append(zludaSync.el('style',"
        " {text: '#txt2img_generate { transition: all 0.2s ease }', id: 'slow-buttons'}));"
    )
    try:
        page.js(WRITE, "Image 1/3: Denoise 9/20 15% 28s", 165, HEIGHT_PX, FONTS[0], False)
        sizes = page.js(
            "const button = document.getElementById('txt2img_generate'); const sizes = [];"
            "return new Promise((resolve) => { const timer = setInterval(() => {"
            " button.innerText = `Image 1/3: Denoise ${1 + sizes.length % 9}/20 15% 28s`;"
            " setTimeout(() => { const box = button.querySelector('.zs-what').getBoundingClientRect();"
            "  const size = [getComputedStyle(button).fontSize, button.className, Math.round(box.height)];"
            "  if (sizes.push(size.join(' ')) === 20) { clearInterval(timer); resolve(sizes); } }, 30);"
            "}, 60); });"
        )
        assert 1 == len(set(sizes)), sizes
        assert "11px" in sizes[0] and "zs-narrow" in sizes[0]
    finally:
        page.js("document.getElementById('slow-buttons').remove()")


@pytest.mark.parametrize("text", ["Generate", "Loading model", "Upscale 13%"])
def test_what_is_no_progress_is_left_alone(page, text):
    """The idle button, and words of other versions and extensions."""
    seen = page.js(WRITE, text, WIDTHS_PX[-1], HEIGHT_PX, FONTS[0], False)
    assert (None, text) == (seen["name"], seen["text"])
