"""The tree of a report on a card: groups and rows of entries, each with its form (``card_forms``).

The same tree takes what was found, letting through what has its form, and checks what was read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zluda_sync.core.records.card_forms import Form


@dataclass(frozen=True)
class Group:
    """Entries by name: all of them are told, or null in place of the group."""

    entries: Mapping[str, Node]

    def let_through(self, value: Any, where: str, withheld: dict[str, None]) -> dict[str, Any] | None:
        """Return what may be told of a value; the names of entries that may not are noted."""
        if not isinstance(value, Mapping):
            note(value, where, withheld)
            return None
        return {
            name: let_through(node, value.get(name), below(where, name), withheld)
            for name, node in self.entries.items()
        }

    def check(self, value: Any, where: str) -> None:
        """Raise ValueError, naming the entry, unless a value is such a group or null."""
        if value is None:
            return
        check_kind(value, dict, where, "an object")
        for name in value:
            if name not in self.entries:
                raise ValueError(f"{where or 'the report'}: has an entry that no report has")
        for name, node in self.entries.items():
            if name not in value:
                raise ValueError(f"{below(where, name)}: is missing")
            check(node, value[name], below(where, name))

    def names(self, where: str) -> set[str]:
        """Return the names of this group and of all entries in it."""
        found = [names_of(node, below(where, name)) for name, node in self.entries.items()]
        return {where}.union(*found)


@dataclass(frozen=True)
class Rows:
    """Entries of one kind, so many at most; what there is more is left out."""

    each: Node
    most: int

    def let_through(self, value: Any, where: str, withheld: dict[str, None]) -> list[Any]:
        """As of :class:`Group`; no rows if it is no list."""
        if not isinstance(value, (list, tuple)):
            note(value, where, withheld)
            return []
        rows = [let_through(self.each, one, where, withheld) for one in value[: self.most]]
        return [row for row in rows if row is not None]

    def check(self, value: Any, where: str) -> None:
        """As of :class:`Group`."""
        check_kind(value, list, where, f"a list of at most {self.most}")
        if len(value) > self.most or None in value:
            raise ValueError(f"{where}: must be a list of at most {self.most}, without null")
        for at, one in enumerate(value):
            check(self.each, one, f"{where}[{at}]")

    def names(self, where: str) -> set[str]:
        """As of :class:`Group`."""
        return {where} | names_of(self.each, where)


@dataclass(frozen=True)
class Triple:
    """Three entries of one form, in a row without names."""

    each: Form

    def let_through(self, value: Any, where: str, withheld: dict[str, None]) -> list[Any] | None:
        """As of :class:`Group`; null if it is not three."""
        if not isinstance(value, (list, tuple)) or len(value) != 3:
            note(value, where, withheld)
            return None
        return [let_through(self.each, one, where, withheld) for one in value]

    def check(self, value: Any, where: str) -> None:
        """As of :class:`Group`."""
        check_kind(value, list, where, "three numbers")
        if len(value) != 3:
            raise ValueError(f"{where}: must be three numbers")
        for one in value:
            check(self.each, one, where)

    def names(self, where: str) -> set[str]:
        """As of :class:`Group`."""
        return {where}


Node = Group | Rows | Triple | Form


def let_through(node: Node, value: Any, where: str, withheld: dict[str, None]) -> Any:
    """Return of a value what its node lets through; the names of what may not be told are noted."""
    if isinstance(node, (Group, Rows, Triple)):
        return node.let_through(value, where, withheld)
    told = node(value)
    if told is None:
        note(value, where, withheld)
    return told


def check(node: Node, value: Any, where: str) -> None:
    """Raise ValueError, naming the entry, unless a value is as a report has it; null is what is unknown."""
    if isinstance(node, (Group, Rows, Triple)):
        node.check(value, where)
    elif value is not None:
        told = node(value)
        if told is None or told != value:
            raise ValueError(f"{where}: is of no form that a report has")


def names_of(node: Node, where: str) -> set[str]:
    """Return the names of a node and of all below it."""
    return node.names(where) if isinstance(node, (Group, Rows, Triple)) else {where}


def below(where: str, name: str) -> str:
    """Return the name of an entry within a group."""
    return f"{where}.{name}" if where else name


def note(value: Any, where: str, withheld: dict[str, None]) -> None:
    """Note that there was something which may not be told."""
    if value is not None and not (isinstance(value, str) and not value):
        withheld[where] = None


def check_kind(value: Any, kind: type, where: str, wanted: str) -> None:
    """Raise ValueError unless a value is of this kind."""
    is_right = isinstance(value, kind)
    if not is_right:
        raise ValueError(f"{where or 'the report'}: must be {wanted}")
