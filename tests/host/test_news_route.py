"""What the newest version has brought."""

from __future__ import annotations

import json

import pytest

import zluda_sync
from zluda_sync.host.api import news_route


def test_the_change_log_begins_with_the_version_that_runs():
    """Its first section is told, each change as a line of plain text."""
    told = json.loads(news_route.get_news().body)
    assert zluda_sync.__version__ == told["version"]
    assert news_route.CHANGE_LOG.read_text("utf-8").split("\n## ")[1].startswith(zluda_sync.__version__)
    assert 3 <= len(told["changes"]) <= 12
    assert all(20 < len(change) < 400 and "\n" not in change for change in told["changes"])
    assert not any(sign in change for change in told["changes"] for sign in ("`", "**"))


def test_items_of_several_lines_are_one_change(tmp_path):
    """And those of older versions are left out."""
    log = tmp_path / "CHANGELOG.md"
    log.write_text("# Changes\n\n## 2\n\nWords.\n\n- One `of`\n  **two** lines.\n- Two.\n\n## 1\n\n- Old.\n")
    assert ("One of two lines.", "Two.") == news_route.read_changes(log)


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", b"# Changes\n"])
def test_a_missing_or_broken_change_log_tells_nothing(tmp_path, content):
    """And raises nothing."""
    log = tmp_path / "CHANGELOG.md"
    if content is not None:
        log.write_bytes(content)
    assert () == news_route.read_changes(log)
