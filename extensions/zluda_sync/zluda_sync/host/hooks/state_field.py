"""A descriptor for one field of the host's state: what is read and written may differ by who asks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from zluda_sync.host.hooks.patch_table import Switch


class StateField(ABC):
    """Stands on the host's class in the place of a property or of the default of a plain attribute.

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
