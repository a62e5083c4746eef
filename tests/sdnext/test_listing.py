"""The entry that stands ready for SD.Next's index, as SD.Next's own Extensions tab draws it."""

from __future__ import annotations

import ast
import html
import os
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.test_listing import ENTRY


def load_table(folder: Path, installed: list[Any]) -> dict[str, Any]:
    """SD.Next's function that draws the table of extensions, and all that it calls, without SD.Next."""

    def parts_of(file: str, names: set[str]) -> ast.Module:
        tree = ast.parse((folder / "modules" / file).read_text("utf-8"))

        def is_wanted(node: ast.stmt) -> bool:
            if isinstance(node, ast.FunctionDef):
                return node.name in names
            targets = node.targets if isinstance(node, ast.Assign) else []
            return any(isinstance(one, ast.Name) and one.id in names for one in targets)

        return ast.Module([node for node in tree.body if is_wanted(node)], [])

    times: dict[str, Any] = {"datetime": datetime, "timezone": timezone}
    exec(
        compile(parts_of("extensions.py", {"parse_isotime", "format_dt", "ts2utc"}), "extensions", "exec"),
        times,
    )
    symbols = SimpleNamespace(svg_bullet=SimpleNamespace(style=lambda colour: colour))
    names: dict[str, Any] = {
        "extensions": SimpleNamespace(extensions=installed, **times),
        "ui_symbols": symbols,
        "log": SimpleNamespace(debug=lambda text: None),
        "debug": lambda text: None,
        "html": html,
        "re": re,
        "timedelta": timedelta,
        **times,
        "extensions_list": [dict(ENTRY)],
    }
    wanted = {"create_html", "get_installed", "make_wrappable_html", "sort_ordering", "hide_tags"}
    wanted |= {"re_snake_case", "re_camelCase"}
    exec(compile(parts_of("ui_extensions.py", wanted), "ui_extensions", "exec"), names)
    return names


@pytest.mark.parametrize("is_installed", [False, True])
def test_the_table_has_a_row_for_the_entry(is_installed):
    """With its name, its description, its state, and a button that installs or uninstalls it."""
    entry = SimpleNamespace(
        remote=ENTRY["url"], is_builtin=False, version="0", enabled=True, path="/here", commit_date=1800000000
    )
    names = load_table(Path(os.environ["SDNEXT_DIR"]), [entry] if is_installed else [])
    for order in names["sort_ordering"]:
        table = names["create_html"]("true progress", order)
        assert html.escape(ENTRY["description"]) in table
        assert "Just discovered" in table
        assert ("uninstall_extension(" if is_installed else "install_extension(") in table
        assert 'style="display: table-row"' in table


def test_it_is_found_by_what_people_look_for():
    """By words of its description, its tags and its name."""
    names = load_table(Path(os.environ["SDNEXT_DIR"]), [])
    for words in ("zluda", "progress", "preview", "stop", "runs ahead"):
        assert 'style="display: table-row"' in names["create_html"](words, "default")
    assert 'style="display: none"' in names["create_html"]("inpaint", "default")
