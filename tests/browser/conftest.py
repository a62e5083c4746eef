"""What the files of tests in a browser share."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from tests.browser.chromium import open_page


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """One browser for all tests of a file."""
    with open_page("about:blank", tmp_path_factory.mktemp("browser")) as opened:
        yield opened
