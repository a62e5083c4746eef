"""The pictures of the pages: taken from the running product by one command, and held to its words by tests.

``scripts/pictures.py`` runs the tests with ``--take-pictures``: each picture is made anew, and the words in
it are kept. Without that flag the same tests fail where today's page has other words than the picture.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
DOCS_IMAGES = ROOT / "extensions" / "zluda_sync" / "docs" / "images"
README_IMAGES = ROOT / ".github" / "images"
#: The words of each picture, by its path in the repository.
WORDS_FILE = ROOT / "tests" / "picture_words.json"
#: What has the same words whatever is computed, and at any time of the day.
WORDY = "h2, h3, h4, dt, thead th, legend, summary, .zs-buttons > button"
READ_WORDS = """
const [root, wordy] = arguments;
return [...document.querySelectorAll(root)].flatMap((part) => [...part.querySelectorAll(wordy)])
  .filter((element) => element.checkVisibility()).map((element) => element.textContent);
"""
GIF_COLOURS = 96
#: How much of the panel a picture shows.
PANEL_PX = 1200


class Pictures:
    """Takes pictures, or holds those that are there to today's words.

    Args:
        is_taking: whether the files are to be made anew.
    """

    def __init__(self, is_taking: bool) -> None:
        self.is_taking = is_taking

    def hold(
        self, page: SimpleNamespace, file: Path, css: str, wordy: str = WORDY, most_px: int = 10_000
    ) -> None:
        """Hold, or take, a picture of one element.

        Args:
            page: the browser.
            file: the picture.
            css: of the element.
            wordy: of the elements within it that have words of their own.
            most_px: of its height; what is below is left out.
        """
        if self.is_taking:
            (element, *_) = page.find(css)
            page.js("arguments[0].scrollIntoView({block: 'start'})", element)
            picture = Image.open(io.BytesIO(element.screenshot_as_png)).convert("RGB")
            save_png(picture.crop((0, 0, picture.width, min(picture.height, most_px))), file)
        self.hold_words(page, file, css, wordy)

    def hold_words(self, page: SimpleNamespace, file: Path, css: str, wordy: str = WORDY) -> None:
        """Hold, or keep, the words of a picture."""
        words = sorted({without_figures(text) for text in page.js(READ_WORDS, css, wordy)} - {""})
        assert words, f"nothing to read in {css}"
        kept = json.loads(WORDS_FILE.read_text("utf-8")) if WORDS_FILE.exists() else {}
        name = file.relative_to(ROOT).as_posix()
        if self.is_taking:
            kept[name] = words
            WORDS_FILE.write_text(
                json.dumps(kept, indent=1, ensure_ascii=False, sort_keys=True) + "\n", "utf-8"
            )
            return
        assert words == kept.get(name), f"{name} shows another page than today's: run scripts/pictures.py"

    def record(
        self, page: SimpleNamespace, file: Path, css: str, is_over: Callable[[], bool], period_ms: int
    ) -> None:
        """Take a moving picture of one element until something is over; its words are held apart.

        Only if pictures are taken; else it waits.
        """
        frames: list[Image.Image] = []
        (element,) = page.find(css)
        while not is_over():
            if self.is_taking:
                frames.append(Image.open(io.BytesIO(element.screenshot_as_png)).convert("RGB"))
            page.driver.set_script_timeout(30)
            page.driver.execute_async_script("setTimeout(arguments[1], arguments[0])", period_ms)
        if self.is_taking:
            frames.append(Image.open(io.BytesIO(element.screenshot_as_png)).convert("RGB"))
            save_gif(frames, file, period_ms)


def without_figures(text: str) -> str:
    """The text in one line, with # for each number."""
    return re.sub(r"\d+([.,:]\d+)*", "#", " ".join(text.split()))


def save_png(picture: Image.Image, file: Path) -> None:
    """Write a picture of a page in few bytes: such pictures have few colours."""
    picture.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(
        file, optimize=True
    )


def save_gif(frames: list[Image.Image], file: Path, period_ms: int) -> None:
    """Write frames as a picture that moves as they came; the last stands for three seconds."""
    # The element may grow with what it says in the end.
    size = min(frame.width for frame in frames), min(frame.height for frame in frames)
    palette = frames[len(frames) // 2].quantize(GIF_COLOURS)
    small = [
        frame.crop((0, 0, *size)).quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames
    ]
    times_ms = [period_ms] * (len(small) - 1) + [3000]
    small[0].save(file, save_all=True, append_images=small[1:], duration=times_ms, loop=0, optimize=True)
