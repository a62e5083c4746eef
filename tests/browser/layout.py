"""What can be measured of the panel on any page: what is clipped, overlaps, is out of line; ids and focus."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace

from tests.browser.chromium import give_focus, wait_for

#: From a phone to a large screen, with those at which something of the panel or of SD.Next's pages changes.
WIDTHS_PX = (360, 412, 600, 768, 1024, 1280, 1510, 1600, 1920, 2560)
HEIGHT_PX = 1000
#: Returns [what is wrong, where, its text] for each fault of the panel as it stands.
FAULTS = """
const panel = document.querySelector('#zluda-sync-panel .zs');
const found = [];
const tell = (what, element) => found.push(
  [what, element.className?.baseVal ?? element.className, element.textContent.slice(0, 60)]);
const isSeen = (element) => element.checkVisibility() && element.getClientRects().length > 0;
const boxOf = (element) => element.getBoundingClientRect();
const isHiddenText = (element) => element.closest('.zs-hidden') !== null;
const all = [...panel.querySelectorAll('*')].filter((one) => isSeen(one) && !isHiddenText(one));
const edge = document.documentElement.clientWidth;

for (const element of all) {
  const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  if (!hasText) continue;
  const style = getComputedStyle(element);
  const isScrolled = element.closest('.zs-scroll, pre');
  const card = boxOf(element.closest('.zs-card'));
  const range = document.createRange();
  range.selectNodeContents(element);
  if (!isScrolled && !element.closest('select')) {
    for (const line of range.getClientRects()) {
      if (line.left < card.left - 1 || line.right > card.right + 1) tell('beyond its card', element);
    }
  }
  // A short word that does not stand on one line was cut in two.
  const words = element.textContent.trim();
  const lines = new Set([...range.getClientRects()].map(({ top }) => Math.round(top)));
  const isOneWord = !element.children.length && /^\\p{Script=Latin}{2,14}$/u.test(words);
  if (isOneWord && lines.size > 1) tell('cut in two', element);
  if (style.overflow === 'hidden' && element.scrollWidth > element.clientWidth + 1) tell('clipped', element);
  if (element.matches('select')) {
    const pen = document.createElement('canvas').getContext('2d');
    pen.font = style.font;
    const choice = element.selectedOptions[0]?.textContent ?? '';
    if (pen.measureText(choice).width > element.clientWidth - 26) tell('clipped choice', element);
  }
}
for (const element of panel.querySelectorAll('.zs-card')) {
  const box = boxOf(element);
  if (box.right > edge + 1 || box.left < -1) tell('beyond the page', element);
}
for (const plot of all.filter((one) => one.matches('svg.zs-plot'))) {
  const texts = [...plot.querySelectorAll('text')];
  const frame = boxOf(plot);
  texts.forEach((one, index) => {
    const a = boxOf(one);
    if (a.left < frame.left - 1 || a.right > frame.right + 1) tell('beyond its plot', one);
    texts.slice(index + 1).forEach((other) => {
      const b = boxOf(other);
      const isBeside = a.right <= b.left || b.right <= a.left;
      const isOver = a.bottom > b.top + 3 && b.bottom > a.top + 3;
      if (!isBeside && isOver) tell(`overlaps ${other.textContent}`, one);
    });
  });
}
for (const row of all.filter((one) => one.matches('.zs-buttons, .zs-rule-head, .zs-field-row'))) {
  const controls = [...row.children].filter((one) => isSeen(one) && one.matches('button, select, input, a'));
  for (const [one, next] of controls.slice(1).map((control, index) => [controls[index], control])) {
    const [a, b] = [boxOf(one), boxOf(next)];
    const isBelow = b.top >= a.bottom;
    if (!isBelow && (Math.abs(a.top - b.top) > 0.6 || Math.abs(a.height - b.height) > 0.6)) {
      tell(`out of line with ${next.textContent || next.value}`, one);
    }
  }
}
for (const element of all) {
  const {opacity, textShadow} = getComputedStyle(element);
  if (parseFloat(opacity) < 1 && !element.matches('.zs-bar')) tell('faded', element);
  if (textShadow !== 'none') tell('shadowed', element);
}
const lines = [...panel.querySelectorAll('table, thead, tbody, tr')].filter((one) => {
  const style = getComputedStyle(one);
  return ['top', 'left', 'right'].some((side) => style.getPropertyValue(`border-${side}-width`) !== '0px');
});
lines.forEach((one) => tell('heavy outline', one));
return found;
"""
#: Returns what has no frame of its own while it has the focus of a keyboard.
UNFRAMED = """
const controls = '#zluda-sync-panel .zs :is(a, button, input, select, summary, [tabindex])';
const seen = [...document.querySelectorAll(controls)]
  .filter((one) => one.checkVisibility() && !one.disabled);
return seen.filter((one) => {
  one.focus({focusVisible: true, preventScroll: true});
  const {outlineStyle, outlineWidth} = getComputedStyle(one);
  return document.activeElement !== one || outlineStyle === 'none' || parseFloat(outlineWidth) < 2;
}).map((one) => one.outerHTML.slice(0, 120));
"""
IDS = "return [...document.querySelectorAll('#zluda-sync-panel [id]')].map(({id}) => id)"


def set_width(page: SimpleNamespace, width_px: int) -> None:
    """Give the page a width that a window need not be able to have, and wait until the plots follow."""
    size = {"width": width_px, "height": HEIGHT_PX, "deviceScaleFactor": 1, "mobile": False}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    drawn = (
        "return [...document.querySelectorAll('.zs-canvas')].every((one) => !one.clientWidth ||"
        " !one.firstElementChild || Math.abs(one.firstElementChild.getAttribute('width')"
        " - Math.max(260, one.clientWidth)) < 2)"
    )
    wait_for(lambda: page.js(drawn), f"plots at {width_px}")


def find_faults(page: SimpleNamespace) -> list[object]:
    """Return what is clipped, overlaps, or is out of line."""
    return list(page.js(FAULTS))


def find_unframed(page: SimpleNamespace) -> list[str]:
    """Return what a keyboard reaches without being seen."""
    give_focus(page.driver)
    return list(page.js(UNFRAMED))


def find_bad_ids(page: SimpleNamespace) -> list[object]:
    """Return ids that stand twice, and those that end like an id of the host's translations."""
    ids = page.js(IDS)
    assert len(ids) > 10
    endings = read_locale_ids() | set("0123456789")
    twice = [one for one in set(ids) if ids.count(one) > 1]
    return [*twice, *((one, end) for one in ids for end in endings if one.endswith(end))]


def read_locale_ids() -> set[str]:
    """Return the ids in all translations of the SD.Next that the environment names; none without one."""
    files = Path(os.environ.get("SDNEXT_DIR", "-")).glob("**/locale/*.json")
    texts = [json.loads(file.read_text("utf-8")) for file in files]
    sections = [part for text in texts for part in (text.values() if isinstance(text, dict) else [text])]
    return {str(entry["id"]) for part in sections for entry in part if entry.get("id")}
