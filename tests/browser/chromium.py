"""A headless Chromium for tests of pages."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

#: What does not come at all is a fault; what comes late is a busy machine, and no test is about that.
LIMIT_S = 120
#: By its name: selenium is optional.
STALE = "StaleElementReferenceException"
MISSING = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1200,1000",
)


def wait_for(read: Callable[[], Any], what: str | Callable[[], str], limit_s: float = LIMIT_S) -> Any:
    """The first true value of `read`, asked for every 50 ms; fails after `limit_s` with a word on `what`.

    A page may replace an element between the call that finds it and the one that reads it, or presses it:
    nothing was done then, and `read` is asked again.
    """
    deadline_s = time.monotonic() + limit_s
    while time.monotonic() < deadline_s:
        try:
            value = read()
        except Exception as failure:
            if type(failure).__name__ != STALE:
                raise
            value = None
        if value:
            return value
        time.sleep(0.05)
    pytest.fail(f"{what() if callable(what) else what}: not within {limit_s} s")


def press_first(find: Callable[[], Sequence[Any]], what: str) -> None:
    """Press the first element of those that `find` gives, as soon as it gives one."""

    def press() -> bool:
        for element in find():
            element.click()
            return True
        return False

    wait_for(press, what)


@contextmanager
def open_page(address: str, profile: Path) -> Iterator[SimpleNamespace]:
    """A browser on a page; skips the test where there is no browser.

    Args:
        address: of the page.
        profile: an empty folder for the browser.
    Returns:
        ``driver``; ``find(css)``, a list of elements; ``js(code, *arguments)``, what the code returns.
    """
    if MISSING:
        pytest.skip(f"not installed: {', '.join(MISSING)}")
    webdriver = pytest.importorskip("selenium.webdriver")
    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options, webdriver.ChromeService(str(shutil.which("chromedriver"))))
    try:
        driver.get(address)
        yield SimpleNamespace(
            driver=driver,
            find=lambda css: driver.find_elements("css selector", css),
            js=driver.execute_script,
        )
    finally:
        driver.quit()


def give_focus(driver: Any) -> None:
    """Have the window that is driven believe it has the focus, from now on.

    Which of several windows has it is otherwise up to the machine: on a busy one, none.
    """
    driver.execute_cdp_cmd("Emulation.setFocusEmulationEnabled", {"enabled": True})
