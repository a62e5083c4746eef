"""Many tabs of one browser, with an extra of the page on: all respond, over one stream, and are told."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from tests.browser import canned_answers
from tests.browser.canned_api import CannedApi, serve_canned
from tests.browser.chromium import give_focus, open_page, wait_for

pytestmark = pytest.mark.browser

TABS = 8
#: A browser opens six connections to a server; what comes after them waits for ever.
LOAD_LIMIT_S = 20
EXTRAS = {"favicon": True, "notification": True}
NOTES = (
    "<script>window.notes = []; window.Notification = class { static permission = 'granted';"
    " constructor(title) { window.notes.push(title); } };</script>"
)
#: As over plain http to another machine; and as in a browser that is older.
LOCKS_ARE_MISSING = "<script>Object.defineProperty(navigator, 'locks', {value: undefined});</script>"
CHANNEL_IS_MISSING = "<script>delete window.BroadcastChannel;</script>"
#: As in a frame that has no origin of its own.
LOCKS_ARE_REFUSED = (
    "<script>navigator.locks.request = () =>"
    " Promise.reject(new DOMException('no', 'SecurityError'));</script>"
)
#: As behind SD.Next's login, whose token EventSource cannot send.
LOGGED_IN = (
    "<script>window.authFetch = () => {}; const ask = window.fetch; window.fetch = (address, more) =>"
    ' String(address).endsWith(\'/token\') ? Promise.resolve(new Response(\'{"user": "u", "token": "t"}\'))'
    " : ask(address, more);</script>"
)
ALONE = {"no locks": LOCKS_ARE_MISSING, "no channel": CHANNEL_IS_MISSING, "refused": LOCKS_ARE_REFUSED}


class Tabs:
    """Windows of one browser on the page; what is asked of them is asked of each.

    Args:
        browser: with one window.
        api: that serves the page.
        head: of the page.
    """

    def __init__(self, browser: SimpleNamespace, api: CannedApi, head: str = "") -> None:
        self.api = api
        self.driver = browser.driver
        self.driver.set_page_load_timeout(LOAD_LIMIT_S)
        self.driver.set_script_timeout(LOAD_LIMIT_S)
        api.head = NOTES + head
        api.status["page"] = EXTRAS

    def open(self, count: int = TABS, is_hidden: bool = False) -> None:
        """Open so many, one after the other; hidden ones as soon as they are there."""
        for index in range(count):
            if index:
                self.driver.switch_to.new_window("window")
            self.driver.get(self.api.address)
            wait_for(lambda: self.driver.execute_script("return zludaSync.currentStatus?.()"), "status")
            if is_hidden:
                self.driver.minimize_window()
                self.js("return document.visibilityState")

    def js(self, code: str) -> Any:
        """What the code returns in the tab at hand."""
        return self.driver.execute_script(code)

    def each(self, code: str) -> list[Any]:
        """What the code returns in every tab."""
        found = []
        for handle in self.driver.window_handles:
            self.driver.switch_to.window(handle)
            found.append(self.js(code))
        return found

    def kinds(self) -> list[str]:
        """How each tab is connected, in alphabetical order."""
        return sorted(self.each("return zludaSync.liveKind()"))

    def icons(self) -> list[bool]:
        """Whether each tab shows the progress as its icon."""
        return self.each("return document.querySelector('link[rel~=icon]').href.startsWith('data:image/png')")

    def answers(self) -> list[int]:
        """The status of an answer to each tab."""
        ask = "zludaSync.ask('GET', 'jobs').then((answer) => arguments[0](answer.status))"
        found = []
        for handle in self.driver.window_handles:
            self.driver.switch_to.window(handle)
            found.append(self.driver.execute_async_script(ask))
        return found

    def run_job(self) -> None:
        """Have a job run until every tab shows it, and end."""
        self.api.status = {**canned_answers.build_status(canned_answers.build_running()), "page": EXTRAS}
        wait_for(lambda: all(self.icons()), lambda: f"icons: {self.icons()}, {self.kinds()}")
        self.api.status = {**canned_answers.build_status(), "page": EXTRAS}
        wait_for(lambda: not any(self.icons()), "the tabs' own icons")


@pytest.fixture
def browser(tmp_path) -> Iterator[SimpleNamespace]:
    """A browser of its own for each test: windows are closed with it."""
    with open_page("about:blank", tmp_path) as opened:
        yield opened


@pytest.fixture
def api() -> Iterator[CannedApi]:
    with serve_canned() as served:
        yield served


@pytest.mark.parametrize("is_hidden", [False, True], ids=["seen", "hidden"])
def test_eight_tabs_share_one_stream(browser, api, is_hidden):
    """All respond, all show the progress, and the end is told once."""
    tabs = Tabs(browser, api)
    tabs.open(is_hidden=is_hidden)
    wait_for(lambda: tabs.kinds() == ["events", *["shared"] * (TABS - 1)], lambda: str(tabs.kinds()))
    assert [200] * TABS == tabs.answers()
    wait_for(lambda: api.streams == 1, lambda: f"{api.streams} streams")
    tabs.each("document.hasFocus = () => false")
    polls = api.count("GET", "status")
    tabs.run_job()
    assert 1 == sum(map(len, tabs.each("return window.notes")))
    assert (1, polls) == (api.streams, api.count("GET", "status"))


@pytest.mark.parametrize("missing", ["", LOCKS_ARE_MISSING], ids=["shared", "no locks"])
def test_tabs_that_wait_for_the_first_job_ask_only_where_they_are_seen(browser, api, missing):
    """The place of the bar is in view in each: one stream for those that are seen, none for hidden ones."""
    api.jobs = []
    api.body = '<div id="txt2img_results"><div id="txt2img_gallery" style="height: 40px"></div></div>'
    tabs = Tabs(browser, api, missing + "<style>#zluda-sync-panel { display: none }</style>")
    api.status["page"] = {"favicon": False, "notification": False}
    tabs.open(3, is_hidden=True)
    wait_for(lambda: all(tabs.each("return document.querySelector('.zs-above') !== null")), "places")
    wait_for(lambda: (tabs.kinds(), api.streams) == (["none"] * 3, 0), lambda: str(tabs.kinds()))
    tabs.driver.set_window_rect(width=1200, height=900)  # seen again
    give_focus(tabs.driver)
    wait_for(lambda: tabs.kinds() == ["events", "none", "none"], lambda: str(tabs.kinds()))
    wait_for(lambda: api.streams == 1, lambda: f"{api.streams} streams")


def test_the_next_tab_leads_when_the_leading_one_is_closed(browser, api):
    """And the stream goes with the last."""
    tabs = Tabs(browser, api)
    tabs.open(3, is_hidden=True)
    for left in (2, 1):
        tabs.kinds()
        leading = next(
            handle
            for handle, kind in zip(
                tabs.driver.window_handles, tabs.each("return zludaSync.liveKind()"), strict=True
            )
            if kind == "events"
        )
        tabs.driver.switch_to.window(leading)
        tabs.driver.close()
        wait_for(lambda: tabs.kinds()[0] == "events", lambda: str(tabs.kinds()))
        assert left == len(tabs.kinds())
        tabs.run_job()
        wait_for(lambda: api.streams == 1, lambda: f"{api.streams} streams")
    tabs.driver.get("about:blank")
    wait_for(lambda: api.streams == 0, lambda: f"{api.streams} streams")


def test_behind_a_login_one_tab_asks_for_all(browser, api):
    """It polls, for it cannot have the stream; a tab that is seen takes over from one that is slowed down."""
    tabs = Tabs(browser, api, LOGGED_IN)
    tabs.open(3, is_hidden=True)
    wait_for(lambda: tabs.kinds() == ["polling", "shared", "shared"], lambda: str(tabs.kinds()))
    tabs.run_job()
    assert 1 == sum(map(len, tabs.each("return window.notes")))
    tabs.driver.set_window_rect(width=1200, height=900)  # seen again
    wait_for(lambda: tabs.js("return zludaSync.liveKind()") == "polling", lambda: str(tabs.kinds()))
    assert 0 == api.count("GET", "events")


def test_a_tab_that_hears_nothing_takes_the_lead(browser, api):
    """A browser may put the leading tab to sleep for good."""
    tabs = Tabs(browser, api)
    tabs.open(2, is_hidden=True)
    wait_for(lambda: tabs.kinds() == ["events", "shared"], lambda: str(tabs.kinds()))
    before = tabs.each("return zludaSync.liveKind()")
    late = "if (zludaSync.liveKind() === 'shared') { const now = Date.now(); Date.now = () => now + 120000; }"
    tabs.each(late)
    wait_for(lambda: tabs.each("return zludaSync.liveKind()") == before[::-1], lambda: str(tabs.kinds()))


def test_an_extra_that_is_switched_on_and_off_reaches_every_tab(browser, api):
    """Tabs that had no connection hear of it from the one that has; off again, there is none."""
    tabs = Tabs(browser, api)
    api.status["page"] = {"favicon": False, "notification": False}
    tabs.open(3, is_hidden=True)
    wait_for(lambda: (tabs.kinds(), api.streams) == (["none"] * 3, 0), lambda: str(tabs.kinds()))
    tabs.driver.set_window_rect(width=1200, height=900)  # seen again
    wait_for(lambda: "events" in tabs.kinds(), lambda: str(tabs.kinds()))
    api.status = {**api.status, "page": EXTRAS}
    wait_for(lambda: tabs.kinds() == ["events", "shared", "shared"], lambda: str(tabs.kinds()))
    api.status = {**api.status, "page": {"favicon": False, "notification": False}}
    wait_for(lambda: tabs.kinds() == ["events", "none", "none"], lambda: str(tabs.kinds()))


@pytest.mark.parametrize(("missing", "count"), [("no locks", TABS), ("no channel", 3), ("refused", 3)])
def test_where_tabs_cannot_share_hidden_ones_ask_from_time_to_time(browser, api, missing, count):
    """They hold no connection, show the progress, and tell the end."""
    tabs = Tabs(browser, api, ALONE[missing])
    tabs.open(count, is_hidden=True)
    wait_for(lambda: tabs.kinds() == ["polling"] * count, lambda: str(tabs.kinds()))
    assert [200] * count == tabs.answers()
    tabs.run_job()
    assert [1] * count == [len(notes) for notes in tabs.each("return window.notes")]
    assert 0 == api.streams


@pytest.mark.parametrize(("missing", "count"), [("no locks", TABS), ("no channel", 3), ("refused", 3)])
def test_where_tabs_cannot_share_the_one_with_the_focus_has_the_stream(browser, api, missing, count):
    """There is one of that kind in a browser; the others are seen, and ask."""
    tabs = Tabs(browser, api, ALONE[missing])
    tabs.open(count)
    give_focus(tabs.driver)
    wait_for(lambda: tabs.kinds() == ["events", *["polling"] * (count - 1)], lambda: str(tabs.kinds()))
    assert [200] * count == tabs.answers()
    tabs.run_job()
    assert 1 >= api.streams
