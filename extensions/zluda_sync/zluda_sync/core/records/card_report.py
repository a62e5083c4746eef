"""A report on a card: one text that a stranger can send, without a word of the stranger's own in it.

What is told is a tree of closed words, numbers and versions. The table of their forms (``card_shape``) builds
a text and checks one: an entry is well formed if its form leaves it as it is.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from zluda_sync.core.records.card_shape import FORMAT, MARK, shape_of_report
from zluda_sync.core.records.card_tree import check_kind

MOST_BYTES = 8192
#: The entry that names those of which there was something that may not be told.
WITHHELD = "withheld"
#: Of all entries; an entry of a group behind the group's name and a dot.
ENTRY_NAMES = shape_of_report().names("") - {""}


@dataclass(frozen=True)
class CardReport:
    """A report that was read and is well formed.

    Attributes:
        tree: its entries.
    """

    tree: Mapping[str, Any]

    @property
    def device(self) -> str | None:
        """Name of the device, None if it was not told."""
        name: str | None = self.tree["device"]
        return name

    @property
    def made_at_s(self) -> int:
        """When it was made, in seconds since the epoch; 0 if it does not say."""
        return self.tree["made_at_s"] or 0

    @property
    def build(self) -> str | None:
        """What tells one ZLUDA or ROCm from another, None without one."""
        versions = self.tree["versions"] or {}
        words = {"zluda": "ZLUDA", "hip": "HIP"}
        return ", ".join(f"{words[name]} {versions[name]}" for name in words if versions.get(name)) or None


def build_report(found: Mapping[str, Any], private: Collection[str] = ()) -> str:
    """Return the text of a report: at most 8,192 bytes, whatever was found, and well formed.

    Args:
        found: what there is to tell, by the names of the entries; what is missing is not known.
        private: names of the user and of the machine.
    """
    withheld: dict[str, None] = {}
    tree = shape_of_report(private).let_through({**found, MARK: FORMAT}, "", withheld) or {}
    tree[WITHHELD] = list(withheld)
    text = _write(tree)
    while len(text.encode()) > MOST_BYTES:
        _shorten(tree)
        text = _write(tree)
    return text


def parse_report(text: str) -> CardReport:
    """Return the report that stands in a text.

    Raises:
        ValueError: it is none; the message names the entry.
    """
    if len(text.encode("utf-8", "replace")) > MOST_BYTES:
        raise ValueError(f"the report is longer than {MOST_BYTES} bytes")
    try:
        tree = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_without_doubles)
    except RecursionError:
        raise ValueError("the report is no JSON: it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"the report is no JSON: line {error.lineno}") from None
    check_kind(tree, dict, "", "a JSON object")
    if tree.get(MARK) != FORMAT:
        raise ValueError(f"{MARK}: must be {FORMAT}")
    withheld = tree.get(WITHHELD)
    check_kind(withheld, list, WITHHELD, "a list")
    if not all(isinstance(one, str) and one in ENTRY_NAMES for one in withheld):
        raise ValueError(f"{WITHHELD}: has an entry that no report has")
    shape_of_report().check({name: value for name, value in tree.items() if name != WITHHELD}, "")
    return CardReport(tree)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"the report is no JSON: it has {name}")


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    tree = dict(pairs)
    if len(tree) < len(pairs):
        raise ValueError("the report has an entry twice")
    return tree


def _shorten(tree: dict[str, Any]) -> None:
    """Leave out what is worth least: the later steps of the trace, then the log, then rows."""
    verification = tree["verification"] or {}
    trace = verification.get("trace") or {}
    for rows in (trace.get("steps"), tree["log"], verification.get("rows"), tree[WITHHELD]):
        if rows:
            del rows[len(rows) // 2 :]
            return
    raise AssertionError("a report without any rows is short")


def _write(tree: Any, indent: str = "") -> str:
    """Return JSON for a person to read: an entry a line, and what holds only plain values on one line."""
    within = list(tree.values()) if isinstance(tree, dict) else tree if isinstance(tree, list) else []
    inner = indent + "  "
    if not any(isinstance(one, (dict, list)) and one for one in within):
        return json.dumps(tree, allow_nan=False, ensure_ascii=False)
    if isinstance(tree, dict):
        lines = [f"{inner}{json.dumps(name)}: {_write(value, inner)}" for name, value in tree.items()]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    return "[\n" + ",\n".join(inner + _write(one, inner) for one in tree) + f"\n{indent}]"
