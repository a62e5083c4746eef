"""The stand-in's tab that runs the same job in this host and in one without extensions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from tests.browser.chromium import press_first, wait_for
from tests.browser.embedded import open_host, open_tab

pytestmark = pytest.mark.browser

PANES = ("without", "with")
#: Shares of both bars in percent, at one moment; None for one that shows none.
SHARES = """
return [...document.querySelectorAll('.sbs-share')].map((element) => {
  const share = parseInt(element.textContent, 10);
  return Number.isNaN(share) ? null : share;
});
"""
#: What is shown of the picture beside the extension; empty for nothing.
WITH_PICTURE = "return document.querySelector('[data-pane=\"with\"] .sbs-picture img')?.src ?? ''"
#: From now on, the pictures that this host's jobs deliver are kept.
KEEP_DELIVERED = """
window.delivered = [];
const ask = window.fetch;
window.fetch = async (url, options) => {
  const response = await ask(url, options);
  if (url === './sdapi/v1/txt2img') window.delivered.push(...(await response.clone().json()).images);
  return response;
};
"""
#: From now on, every time left of the one with the extension is kept.
KEEP_LEFT = """
window.left = [];
const shown = document.querySelector('[data-pane="with"] .sbs-left');
window.keeping?.disconnect();
window.keeping = new MutationObserver(() => window.left.push(shown.textContent));
window.keeping.observe(shown, {childList: true, characterData: true, subtree: true});
"""
#: Until `window.fetch` is `window.allJobs` again, jobs are short and of a kind that no other test has.
OTHER_JOBS = """
const ask = window.allJobs = window.fetch;
window.fetch = (url, options) => {
  if (!url.endsWith('txt2img')) return ask(url, options);
  const job = {...JSON.parse(options.body), steps: 8, sampler_name: 'Euler', width: 320};
  return ask(url, {...options, body: JSON.stringify(job)});
};
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """The tab, ready to run."""
    slow = ("--device", "emulated", "--step-ms", "700", "--decode-ms", "300")
    with open_host(tmp_path_factory.mktemp("side"), *slow) as opened:
        open_tab(opened, "Side by side")
        wait_until_ready(opened)
        yield opened


def wait_until_ready(page: SimpleNamespace) -> None:
    """Wait until the job can be run (again)."""
    wait_for(
        lambda: page.js("return document.querySelector('.sbs-run')?.disabled === false"),
        lambda: page.js("return document.querySelector('.sbs-message')?.textContent"),
    )


def verdicts(page: SimpleNamespace) -> dict[str, str]:
    """What is said of each in the end."""
    said = page.js("return [...document.querySelectorAll('.sbs-verdict')].map((e) => e.textContent)")
    return dict(zip(PANES, said, strict=True))


def test_the_same_job_stands_at_100_percent_in_one_and_is_true_in_the_other(page):
    """The bar without is full while the one with is not half full, and both are held against the pictures."""
    press_first(lambda: page.find(".sbs-run"), "run")
    seen = []

    def both() -> bool:
        shares = page.js(SHARES)
        seen.append(shares)
        return shares[0] == 100 and shares[1] is not None and shares[1] < 50

    wait_for(both, lambda: f"100 % beside less than half, among {seen[-30:]}")
    wait_until_ready(page)
    off = {name: re.search(r"off by (less than )?(\d+) %", text) for name, text in verdicts(page).items()}
    assert "It said 100 % at" in verdicts(page)["without"]
    assert "100 %" not in verdicts(page)["with"]
    assert int(off["without"][2]) > 2 * int(off["with"][2])
    assert len(page.find(".sbs-picture img")) == 2
    assert len(page.find(".sbs-chart polyline")) == 4


def message(page: SimpleNamespace) -> str:
    """What is said above both."""
    return page.js("return document.querySelector('.sbs-message').textContent")


def run_to_the_end(page: SimpleNamespace) -> list[str]:
    """Run the job in both, and return every time left that was shown of the one with the extension."""
    page.js(KEEP_LEFT)
    press_first(lambda: page.find(".sbs-run"), "run")
    wait_for(lambda: not page.find(".sbs-run")[0].is_enabled(), "begin")
    wait_until_ready(page)
    return [text for text in page.js("return window.left") if text[-1] == "s"]


def test_a_time_that_is_a_guess_has_its_sign_and_running_it_again_is_advised_once(page):
    """In a first job of its kind alone."""
    page.js(OTHER_JOBS)
    guessed = run_to_the_end(page)
    assert 3 < len(guessed)
    assert all(re.fullmatch(r"~\d+ s", text) for text in guessed)
    assert message(page) == "Done. Run it again: the second time is learned."
    learned = run_to_the_end(page)
    assert sum(not text.startswith("~") for text in learned) > len(learned) / 2
    assert message(page) == "Done."
    page.js("window.fetch = window.allJobs")


def test_stop_ends_the_one_at_once_and_the_other_with_what_is_queued(page):
    """Both are pressed at one moment."""
    press_first(lambda: page.find(".sbs-run"), "run")
    wait_for(lambda: (page.js(SHARES)[1] or 0) > 5, "some steps")
    press_first(lambda: page.find(".sbs-stop:enabled"), "stop")
    wait_until_ready(page)
    took_s = {
        name: float(re.search(r"Stop took ([\d.]+) s", text)[1]) for name, text in verdicts(page).items()
    }
    assert took_s["with"] < took_s["without"]
    assert message(page) == "Stopped."
    assert not page.find(".sbs-chart .sbs-true")
    assert not page.find(".sbs-key-true")[0].is_displayed()


def test_stop_keeps_the_picture_that_was_shown_last(page):
    """What a stopped job delivers is its last step, which is mostly noise."""
    page.js(KEEP_DELIVERED)
    press_first(lambda: page.find(".sbs-run"), "run")
    wait_for(lambda: page.js(WITH_PICTURE) and 20 < (page.js(SHARES)[1] or 0), "a preview")
    press_first(lambda: page.find(".sbs-stop:enabled"), "stop")
    wait_until_ready(page)
    delivered = page.js("return window.delivered")
    assert 1 == len(delivered)
    assert page.js(WITH_PICTURE)
    assert delivered[0] not in page.js(WITH_PICTURE)


def heading_and_hint(page: SimpleNamespace) -> tuple[str, str]:
    """What stands over the pane of this host, and what is said of the extension."""
    css = ["[data-pane='with'] h3", ".sbs-hint"]
    heading, hint = page.js(
        "return arguments[0].map((css) => document.querySelector(css)?.textContent ?? '')", css
    )
    return heading, hint


def switch(page: SimpleNamespace, is_on: bool) -> None:
    """Check Follow the GPU, or uncheck it, as another tab's Settings do."""
    options = {"method": "POST", "headers": {"Content-Type": "application/json"}}
    body = json.dumps({"zluda_sync_enabled": is_on})
    page.driver.execute_async_script(
        "fetch('./sdapi/v1/options', {...arguments[0], body: arguments[1]}).then(arguments[2])", options, body
    )


def test_a_pane_is_not_called_with_where_the_extension_is_off(page):
    """It says why, or what to do where it is not loaded; and is called with again once it acts."""
    assert heading_and_hint(page) == ("With ZLUDA Sync", "")
    switch(page, False)
    press_first(lambda: page.find(".sbs-run"), "run")
    wait_for(lambda: heading_and_hint(page)[0] == "With ZLUDA Sync off", lambda: str(heading_and_hint(page)))
    assert "Follow the GPU is unchecked in Settings > ZLUDA Sync. Until then" in heading_and_hint(page)[1]
    assert "bar with it off" in page.find(".sbs-legend")[0].text
    press_first(lambda: page.find(".sbs-stop:enabled"), "stop")
    wait_until_ready(page)
    page.js(
        "window.asking = window.fetch; window.fetch = (url, options) => "
        "window.asking(url.includes('zluda_sync') ? './not-loaded' : url, options)"
    )
    press_first(lambda: page.find(".sbs-run"), "run")
    wait_for(lambda: "is not loaded" in heading_and_hint(page)[1], lambda: str(heading_and_hint(page)))
    page.js("window.fetch = window.asking")
    press_first(lambda: page.find(".sbs-stop:enabled"), "stop")
    wait_until_ready(page)
    switch(page, True)
    press_first(lambda: page.find(".sbs-run"), "run")
    wait_for(lambda: heading_and_hint(page) == ("With ZLUDA Sync", ""), lambda: str(heading_and_hint(page)))
    assert not page.find(".sbs-hint")[0].is_displayed()
    press_first(lambda: page.find(".sbs-stop:enabled"), "stop")
    wait_until_ready(page)
