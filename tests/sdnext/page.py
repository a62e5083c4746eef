"""What a person does on SD.Next's own page, Standard or Modern, and what can be seen there of a job."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

from tests.browser.chromium import open_page, wait_for
from tests.browser.panel import plain
from tests.sdnext.server import SdNextServer
from tests.sdnext.test_estimate import READ

#: The host builds its page in one go, and the Modern one for up to a minute.
PAGE_LIMIT_S = 180
IDLE = "Generate"
#: The Modern page gives some buttons their word twice.
IDLE_WORDS = (IDLE, "Process", 2 * IDLE, 2 * "Process")
SET_VALUE = """
const box = document.querySelector(arguments[0]);
box.value = arguments[1];
box.dispatchEvent(new Event('input', {bubbles: true}));
box.dispatchEvent(new Event('change', {bubbles: true}));
"""
SHOW_CHOICES = """
const input = document.querySelector(`${arguments[0]} input`);
input.focus();
input.dispatchEvent(new Event('focus'));
"""
CHOOSE = """
const [box, value] = arguments;
const found = [...document.querySelectorAll('ul.options li')].find((one) => one.dataset.value === value);
found?.dispatchEvent(new MouseEvent('mousedown', {bubbles: true, cancelable: true}));
const input = document.querySelector(`${box} input`);
input.blur();
// Some lists tell of a choice once they are left, which one that is not shown never is.
if (found) setTimeout(() => input.dispatchEvent(new Event('blur')), 100);
return Boolean(found);
"""
#: How many pictures or rows of files a field shows.
COUNT_FILES = """
return document.querySelector(arguments[0]).querySelectorAll('td.download a, img').length;
"""
LOOK = """
const button = document.getElementById(`${arguments[0]}_generate`);
const preview = document.getElementById('livePreviewImage')?.src ?? '';
const dressed = button?.querySelector('.zs-left')?.parentElement; // where the time left is kept whole
const words = dressed?.textContent ?? button?.innerText ?? '';
return [words, preview.startsWith('data:image') && preview.length > 2000 ? preview : ''];
"""
OPEN_PANEL = """
const tabs = [...document.querySelectorAll('#tabs > .tab-nav button')];
const standard = tabs.find((one) => one.textContent.trim() === 'ZLUDA Sync');
const tab = document.querySelector('#other_extensions button[tabitemid*="tab_zluda_sync"]') ?? standard;
tab?.click();
return Boolean(tab);
"""
#: Share and time left, as the page writes them.
_SHARE_AND_LEFT = re.compile(r"(\d+)% ~?(?:\d+m )?\d+s$")


@dataclass
class Seen:
    """What a job has shown on its button.

    Attributes:
        words: in order, without repeats.
        previews: distinct ones.
    """

    words: list[str] = field(default_factory=list)
    previews: set[str] = field(default_factory=set)

    @property
    def shares(self) -> list[int]:
        """The percentages that stood beside a time left, in order."""
        return [int(found[1]) for word in self.words if (found := _SHARE_AND_LEFT.search(word))]

    def has(self, label: str) -> bool:
        """Whether the label stood there at some time."""
        return any(label in word for word in self.words)


@contextmanager
def open_main_page(server: SdNextServer, profile: Path) -> Iterator[SimpleNamespace]:
    """A browser on the tab that a page opens with: text to picture, or Control without an input."""
    with open_page(server.url, profile) as opened:
        opened.driver.set_script_timeout(PAGE_LIMIT_S)
        opened.tab = "control" if server.theme.startswith("Modern") else "txt2img"
        # The Modern page shows its button long before it listens; what it takes to estimate comes last.
        wait_for(lambda: opened.js(READ), "page", PAGE_LIMIT_S)
        wait_for(lambda: button_text(opened, opened.tab) == IDLE, "button", PAGE_LIMIT_S)
        yield opened


def button_text(page: SimpleNamespace, tab: str) -> str:
    """What stands on a tab's Generate."""
    # The Modern page has the same words twice, once of them shown.
    return plain(page.js(LOOK, tab)[0]).strip().partition("\n")[0]


def press(page: SimpleNamespace, tab: str, name: str) -> None:
    """Press a button beside Generate; by script, for the page may scroll."""
    page.js("document.getElementById(arguments[0]).click()", f"{tab}_{name}")


def set_value(page: SimpleNamespace, css: str, value: str) -> None:
    """Type into a field."""
    page.js(SET_VALUE, css, value)


def set_numbers(page: SimpleNamespace, **numbers: float) -> None:
    """Type numbers into fields, by the names of their sliders."""
    for name, value in numbers.items():
        set_value(page, f"#{name} input[type=number]", str(value))


def set_flag(page: SimpleNamespace, name: str, wanted: bool) -> None:
    """Switch a checkbox."""
    flip = "if (arguments[0].checked !== arguments[1]) arguments[0].click()"
    page.js(flip, page.find(f"#{name} input[type=checkbox]")[0], wanted)


def choose_in(page: SimpleNamespace, css: str, value: str) -> None:
    """Choose in one of the page's own lists."""
    page.js(SHOW_CHOICES, css)
    wait_for(lambda: page.js(CHOOSE, css, value), value)


def give_files(page: SimpleNamespace, css: str, files: Sequence[Path], kind: str = "") -> None:
    """Give files to a field of the page that has none, and wait until the host has them.

    Args:
        page: the browser.
        css: the field.
        files: to give.
        kind: tells its input from others within it.
    """
    page.find(f"{css} input[type=file]{kind}")[0].send_keys("\n".join(map(str, files)))
    wait_for(lambda: len(files) == page.js(COUNT_FILES, css), lambda: f"{page.js(COUNT_FILES, css)} files")
    time.sleep(1.0)  # what follows from them at the host the page does not show


def wait_until_pressable(page: SimpleNamespace, tab: str) -> None:
    """Wait until the page has noticed that the job before is over."""
    wait_for(lambda: button_text(page, tab) in IDLE_WORDS, lambda: f"not idle: {button_text(page, tab)!r}")


def generate(page: SimpleNamespace, tab: str) -> None:
    """Press Generate, with what was typed."""
    time.sleep(0.5)  # the page sends what is typed with a delay of its own
    wait_until_pressable(page, tab)
    press(page, tab, "generate")


def watch(page: SimpleNamespace, tab: str, until: Callable[[Seen], bool] = lambda _seen: False) -> Seen:
    """Look at a job until its button is what it was, or something was seen."""
    seen = Seen()

    def is_over() -> bool:
        words, preview = page.js(LOOK, tab)
        word = str(words).strip().partition("\n")[0]
        if not seen.words or seen.words[-1] != word:
            seen.words.append(word)
        seen.previews |= {preview} - {""}
        return until(seen) or (len(seen.words) > 2 and word in IDLE_WORDS)

    wait_for(is_over, lambda: f"{seen.words}", PAGE_LIMIT_S)
    return seen


def wait_until_idle(server: SdNextServer) -> None:
    """Wait until the host has nothing to do."""
    wait_for(lambda: server.get("/sdapi/v1/status")["status"] == "idle", "end of the job")
