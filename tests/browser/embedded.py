"""The embedded host's page: a server on a free port, and what a person does on it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.browser.chromium import LIMIT_S, MISSING, open_page, press_first, wait_for

ROOT = Path(__file__).resolve().parents[2]
START = "import sys; from modules.webui import main; sys.exit(main(sys.argv[1:]))"


@contextmanager
def open_host(folder: Path, *arguments: str) -> Iterator[SimpleNamespace]:
    """A browser on the page of a host; both end with the context.

    Args:
        folder: for everything that both write.
        arguments: the host's command line.
    """
    if MISSING:
        pytest.skip(f"not installed: {', '.join(MISSING)}")
    log = folder / "host.log"
    command = [sys.executable, "-c", START, "--port", "0", "--data-dir", str(folder / "data"), *arguments]
    with log.open("w") as stream:
        host = subprocess.Popen(command, cwd=ROOT, stdout=stream, stderr=subprocess.STDOUT)

    def read_address() -> str | None:
        assert host.poll() is None, log.read_text()
        found = re.search(r"http://127\.0\.0\.1:\d+/", log.read_text())
        return found and found.group()

    try:
        address = wait_for(read_address, "address of the host")
        with open_page(address, folder / "browser") as page:
            page.data, page.log = folder / "data", log
            yield page
    finally:
        host.send_signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)
        host.wait(LIMIT_S)


def open_tab(page: SimpleNamespace, name: str) -> None:
    """Press the tab of that name."""
    press_first(lambda: [tab for tab in page.find("button[role=tab]") if tab.text == name], f"tab {name}")


def button_text(page: SimpleNamespace) -> str:
    """What stands on Generate."""
    return page.js("return document.getElementById('txt2img_generate')?.textContent || ''").strip()


def set_number(page: SimpleNamespace, element: str, value: int) -> None:
    """Type a value into a slider's or number's box."""
    box = wait_for(lambda: page.find(f"#{element} input[type=number]"), element)[0]
    page.js(
        "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input', {bubbles: true}));"
        "arguments[0].dispatchEvent(new Event('change', {bubbles: true}));",
        box,
        str(value),
    )


def press(page: SimpleNamespace, name: str) -> None:
    """Press one of the buttons beside Generate."""
    press_first(lambda: page.find(f"#txt2img_{name}"), name)


def generate(page: SimpleNamespace, steps: int, batches: int = 1) -> None:
    """Press Generate for so many steps."""
    wait_for(lambda: button_text(page) == "Generate", "Generate")
    set_number(page, "txt2img_steps", steps)
    set_number(page, "txt2img_batch_count", batches)
    press(page, "generate")


def wait_for_label(page: SimpleNamespace, words: Sequence[str]) -> str:
    """Wait until all these words stand on Generate, and return what stands there."""

    seen: list[str] = []

    def read() -> str | None:
        text = button_text(page)
        seen[:] = [*seen[-20:], text] if text not in seen[-1:] else seen
        return text if all(word in text for word in words) else None

    return str(wait_for(read, lambda: f"{words} among {seen}"))
