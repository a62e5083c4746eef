"""The stream of events in a real browser, over the embedded host's server."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from tests.browser.chromium import wait_for
from tests.browser.embedded import button_text, generate, open_host

pytestmark = pytest.mark.browser

STEPS = 8
LISTEN = """
window.told = []; window.opened = 0;
const source = new EventSource('/zluda_sync/v1/events?rate=10');
source.onopen = () => { window.opened += 1; };
source.addEventListener('status', (event) => {
  const job = JSON.parse(event.data).job;
  if (job) window.told.push(job.completed);
});
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """The page of a host with the extension."""
    with open_host(tmp_path_factory.mktemp("events"), "--device", "emulated", "--step-ms", "300") as opened:
        yield opened


def test_a_browser_is_told_step_by_step(page):
    """EventSource takes the stream as it is: once opened, in order, and not in one piece at the end."""
    wait_for(lambda: button_text(page) == "Generate", "page")
    page.js(LISTEN)
    wait_for(lambda: page.js("return window.opened"), "stream")
    generate(page, STEPS)
    wait_for(lambda: STEPS in page.js("return window.told"), lambda: page.js("return window.told"))
    told = page.js("return window.told")
    assert told == sorted(told)
    assert len(set(told)) >= STEPS - 2
    assert 1 == page.js("return window.opened")
