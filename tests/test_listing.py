"""What stands ready for SD.Next's index of extensions."""

from __future__ import annotations

import json
from datetime import datetime

from bench.commands.environment import REPOSITORY

ENTRY = json.loads((REPOSITORY / ".github" / "listing" / "extensions.json").read_text("utf-8"))
LONGEST_DESCRIPTION = 200


def test_the_description_leads_with_what_it_is_for():
    """And is no longer than GitHub and the index take."""
    assert ENTRY["description"].startswith("True progress for any GPU whose queue runs ahead")
    assert len(ENTRY["description"]) <= LONGEST_DESCRIPTION


def test_dates_are_dates():
    """SD.Next sorts by them, and takes an entry without them for unmaintained."""
    for name in ("added", "created", "updated", "pushed"):
        assert datetime.strptime(ENTRY[name], "%Y-%m-%dT%H:%M:%S%z")


def test_the_page_names_what_the_entry_has():
    """The topics that the page asks for begin with the one by which SD.Next's extensions are found."""
    page = (REPOSITORY / ".github" / "listing" / "README.md").read_text("utf-8")
    assert "| `sdnext-extension`, " in page
    assert str(LONGEST_DESCRIPTION) in page
