"""The forms of issues: as GitHub reads them, and asking for what the pages promise."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.markdown_page import DOCS, ROOT
from zluda_sync.core.records.card_shape import MARK

FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
#: GitHub's kinds of items, with what each must have and may have.
KINDS: dict[str, tuple[set[str], set[str]]] = {
    "markdown": ({"value"}, set()),
    "textarea": ({"label"}, {"description", "placeholder", "value", "render"}),
    "input": ({"label"}, {"description", "placeholder", "value"}),
    "dropdown": ({"label", "options"}, {"description", "multiple", "default"}),
    "checkboxes": ({"label", "options"}, {"description"}),
}


def load(form: Path) -> Any:
    """Return what stands in a form."""
    return yaml.safe_load(form.read_text(encoding="utf-8"))


def items_of(form: Path) -> dict[str, Any]:
    """Return the items that ask for something, by id."""
    return {item["id"]: item for item in load(form)["body"] if item["type"] != "markdown"}


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_a_form_is_one_that_github_takes(form):
    """Its own keys, items of its kinds, ids of its letters and each once, and answers that are text."""
    tree = load(form)
    assert {"name", "description", "body"} <= tree.keys()
    assert set() == tree.keys() - {
        "name",
        "description",
        "body",
        "title",
        "labels",
        "assignees",
        "projects",
        "type",
    }
    assert 3 < len(tree["name"]) and all(isinstance(tree[name], str) for name in ("name", "description"))
    for item in tree["body"]:
        needed, allowed = KINDS[item["type"]]
        assert set() == item.keys() - {"type", "id", "attributes", "validations"}
        assert needed <= item["attributes"].keys() <= needed | allowed
        assert all(isinstance(item["attributes"][name], str) for name in needed - {"options"})
        assert item.get("validations", {}).keys() <= {"required"}
        assert isinstance(item.get("validations", {}).get("required", False), bool)
        if item["type"] == "markdown":
            assert "id" not in item and "validations" not in item
        if item["type"] == "dropdown":
            options = item["attributes"]["options"]
            assert all(isinstance(option, str) for option in options)  # an unquoted yes is no text in YAML
            assert len(set(options)) == len(options)
    ids = [item["id"] for item in tree["body"] if item["type"] != "markdown"]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", one) for one in ids)


def test_the_form_of_a_card_asks_for_the_report_and_what_was_seen():
    """The report in a block of JSON, as the command that reads it looks for it."""
    items = items_of(ROOT / ".github" / "ISSUE_TEMPLATE" / "card_report.yml")
    required = {name: item.get("validations", {}).get("required", False) for name, item in items.items()}
    assert {"report": True, "bar": True, "happened": False} == required
    assert "json" == items["report"]["attributes"]["render"]
    assert MARK in items["report"]["attributes"]["placeholder"]
    assert ["yes", "no", "unsure"] == items["bar"]["attributes"]["options"]


def test_the_page_of_cards_names_the_form_as_it_is_called():
    """A user finds it in the list."""
    names = {load(form)["name"] for form in FORMS}
    assert (
        set(re.findall(r"choose \*\*([^*]+)\*\*", (DOCS / "cards.md").read_text(encoding="utf-8"))) <= names
    )
