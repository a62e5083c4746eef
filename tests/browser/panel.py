"""What a person does on the panel, and what can be measured of it, on any page that it stands on."""

from __future__ import annotations

import re
from types import SimpleNamespace

from tests.browser.chromium import wait_for

KEY = {"down": "\ue015", "up": "\ue013", "enter": "\ue007", "tab": "\ue004"}
CONTRASTS = """
const {backgroundOf, contrast} = zludaSync;
const parse = (colour) => colour.match(/[\\d.]+/g).map(Number).slice(0, 3);
const found = [];
for (const element of document.querySelectorAll('.zs *')) {
  const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  if (!own || !element.checkVisibility()) continue;
  const style = getComputedStyle(element);
  const ink = element.namespaceURI.endsWith('svg') ? style.fill : style.color;
  const behind = backgroundOf(element.closest('svg') ? element.closest('.zs-canvas') : element);
  const name = element.className.baseVal ?? element.className;
  found.push([contrast(parse(ink), behind), name, element.textContent]);
}
return found;
"""


def text(page: SimpleNamespace, css: str) -> str:
    """The text of the first element, empty where there is none."""
    return plain(page.js("return document.querySelector(arguments[0])?.textContent ?? ''", css))


def plain(words: object) -> str:
    """A text with ordinary spaces; between a number and its unit none breaks."""
    return str(words).replace("\N{NO-BREAK SPACE}", " ")


def denoising_steps(page: SimpleNamespace) -> tuple[int, int] | None:
    """Finished steps by the label and by the facts below it, read at one moment; None outside of steps."""
    label, facts = page.js(
        "return arguments[0].map((css) => document.querySelector(css)?.textContent ?? '')",
        [".zs-label-now", ".zs-fact-steps dd"],
    )
    step, fact = re.search(r"Denoise (\d+)/", label), re.match(r"(\d+) of ", facts)
    return (int(step[1]), int(fact[1])) if step and fact and int(step[1]) else None


def texts(page: SimpleNamespace, css: str) -> list[str]:
    """The texts of all such elements."""
    found = page.js("return [...document.querySelectorAll(arguments[0])].map((e) => e.textContent)", css)
    return list(map(plain, found))


def click(page: SimpleNamespace, css: str, words: str | None = None) -> None:
    """Click the one element that is so, and says so if words are given."""

    def press() -> bool:
        (element,) = [one for one in page.find(css) if words in (None, one.text)]
        page.js("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()
        return True

    wait_for(press, f"{css} {words or ''}")


def choose(page: SimpleNamespace, css: str, value: str) -> None:
    """Choose in a list."""
    page.js(
        "arguments[0].value = arguments[1];arguments[0].dispatchEvent(new Event('change', {bubbles: true}))",
        page.find(css)[0],
        value,
    )


def type_into(page: SimpleNamespace, css: str, value: str) -> None:
    """Replace what stands in an input."""
    (field,) = page.find(css)
    field.clear()
    field.send_keys(value)


def poor_contrasts(page: SimpleNamespace) -> list[object]:
    """Every text of the panel with a contrast below 4.5."""
    found = page.js(CONTRASTS)
    assert 40 < len(found)
    return [entry for entry in found if entry[0] < 4.5]


def complaints(page: SimpleNamespace) -> list[str]:
    """What the browser's console says of the extension, and forget it."""
    log = [entry["message"] for entry in page.driver.get_log("browser")]
    return [message for message in log if "zluda" in message]
