"""The patch table: every name of the host that is replaced, put in all together and taken out exactly.

And what stands in the place of one field of its state.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from zluda_sync.host.hooks.wrappers import leads_to

_ABSENT = object()
#: Replacements of one name that are out of use and may yet be put back by somebody who kept them.
_MOST_RETIRED = 16


@dataclass
class Switch:
    """Tells a replacement whether it still acts; off, it does just what the original did."""

    is_on: bool = False


@dataclass(frozen=True)
class Patch:
    """One replaced name.

    Attributes:
        owner: module, class or object that holds the name.
        name: the attribute.
        build: makes the replacement from the original and a switch; the replacement must behave as the
            original while the switch is off.
        reason: why, for the log and for tests.
    """

    owner: Any
    name: str
    build: Callable[[Any, Switch], Any]
    reason: str

    @property
    def key(self) -> tuple[int, str]:
        """Identity of the patched place."""
        return id(self.owner), self.name


@dataclass
class _Installed:
    patch: Patch
    original: Any
    replacement: Any
    switch: Switch = field(default_factory=Switch)


class PatchTable:
    """Installs patches and undoes them exactly, absence included.

    A name that somebody else wrapped after us cannot be given back without taking their wrapper away; there
    ours stays beneath as a pass-through. Whoever takes a wrapper away puts back what stood there before it,
    whatever has been done since: what of ours is thrown out by that is put in anew by the next install, and
    a pass-through that comes to light by it is taken out.
    """

    def __init__(self) -> None:
        self._installed: dict[tuple[int, str], _Installed] = {}
        self._retired: dict[tuple[int, str], list[_Installed]] = {}

    @property
    def is_empty(self) -> bool:
        """Whether no name of the host is replaced."""
        return not self._installed

    @property
    def patches(self) -> tuple[Patch, ...]:
        """What is replaced now, in order of installation."""
        return tuple(entry.patch for entry in self._installed.values())

    def install(self, patches: Sequence[Patch]) -> None:
        """Install those that are not in place: all of them, or none if one fails.

        Raises:
            Exception: whatever made a patch fail; the table is as it was before.
        """
        with ExitStack() as undo:
            for patch in patches:
                entry = self._installed.get(patch.key)
                if entry is not None and self._is_thrown_out(entry):
                    self._remove_one(patch.key)
                if patch.key not in self._installed:
                    self._install_one(patch)
                    undo.callback(self._remove_one, patch.key)
            undo.pop_all()

    def remove_all(self) -> None:
        """Undo everything, last one first. Doing it twice is the same as once."""
        for key in reversed(list(self._installed)):
            self._remove_one(key)
        for retired in list(self._retired.values()):
            self._take_out_retired(retired[-1].patch)

    def _is_thrown_out(self, entry: _Installed) -> bool:
        """Whether nobody who uses the name comes to ours any more."""
        value = _own_value(entry.patch.owner, entry.patch.name)
        if value is entry.replacement:
            return False
        beneath = [entry.original, *(old.replacement for old in self._retired.get(entry.patch.key, ()))]
        return any(value is one for one in beneath) or not leads_to(value, entry.replacement)

    def _take_out_retired(self, patch: Patch) -> None:
        """Take out what of ours stands at a name and is out of use."""
        retired = self._retired.get(patch.key, [])
        while found := [old for old in retired if _own_value(patch.owner, patch.name) is old.replacement]:
            _put_back(found[0])
            retired.remove(found[0])
        if not retired:
            self._retired.pop(patch.key, None)

    def _install_one(self, patch: Patch) -> None:
        self._take_out_retired(patch)
        original = _own_value(patch.owner, patch.name)
        inherited = getattr(patch.owner, patch.name) if original is _ABSENT else original
        entry = _Installed(patch, original, None)
        entry.replacement = patch.build(inherited, entry.switch)
        setattr(patch.owner, patch.name, entry.replacement)
        entry.switch.is_on = True
        self._installed[patch.key] = entry

    def _remove_one(self, key: tuple[int, str]) -> None:
        entry = self._installed.pop(key)
        entry.switch.is_on = False
        if _own_value(entry.patch.owner, entry.patch.name) is entry.replacement:
            _put_back(entry)
            return
        retired = self._retired.setdefault(key, [])
        retired.append(entry)
        del retired[:-_MOST_RETIRED]


def _put_back(entry: _Installed) -> None:
    """Put back what stood at a name before."""
    if entry.original is _ABSENT:
        delattr(entry.patch.owner, entry.patch.name)
    else:
        setattr(entry.patch.owner, entry.patch.name, entry.original)


def _own_value(owner: Any, name: str) -> Any:
    """Return what stands at a name of ``owner`` itself.

    Taken from the namespace, not by getattr: a property on a class must come back as a property, and a name
    inherited from a base class must become absent again. Objects with slots have no namespace.
    """
    namespace = getattr(owner, "__dict__", None)
    return getattr(owner, name, _ABSENT) if namespace is None else namespace.get(name, _ABSENT)


class StateField(ABC):
    """What is read and written may differ by who asks.

    Stands on the host's class in the place of a property or of the default of a plain attribute.

    Args:
        name: the field.
        original: what stood there.
        switch: off, the field is as the host made it.
    """

    def __init__(self, name: str, original: Any, switch: Switch) -> None:
        self._name = name
        self._original = original
        self._is_property = isinstance(original, property)
        self._switch = switch

    @abstractmethod
    def read(self, own: Any) -> Any:
        """Return what the calling thread is shown, from the host's own value."""

    @abstractmethod
    def write(self, state: Any, value: Any) -> None:
        """The calling thread writes a value; :meth:`keep` makes it the host's own."""

    def own_value(self, state: Any) -> Any:
        """Return the host's own value."""
        if self._is_property:
            return self._original.__get__(state, type(state))
        return state.__dict__.get(self._name, self._original)

    def keep(self, state: Any, value: Any) -> None:
        """Make a value the host's own."""
        if self._is_property:
            self._original.__set__(state, value)
        else:
            state.__dict__[self._name] = value

    def __get__(self, state: Any, owner: type | None = None) -> Any:
        if state is None:
            return self._original
        own = self.own_value(state)
        return self.read(own) if self._switch.is_on else own

    def __set__(self, state: Any, value: Any) -> None:
        if self._switch.is_on:
            self.write(state, value)
        else:
            self.keep(state, value)

    def __delete__(self, state: Any) -> None:
        if self._is_property:
            self._original.__delete__(state)
        else:
            state.__dict__.pop(self._name, None)
