"""Stand-in for SD.Next's modules/options.py: the description of one setting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class OptionInfo:
    """One setting: default, label, how it is drawn, what a change calls, (id, title) of its section.

    `component_args` may be a function that is asked when the page is drawn.
    """

    def __init__(
        self,
        default: Any = None,
        label: str = "",
        component: Any = None,
        component_args: dict | Callable[[], dict] | None = None,
        onchange: Callable[[], Any] | None = None,
        section: tuple[str, str] | None = None,
    ) -> None:
        self.default = default
        self.label = label
        self.component = component
        self.component_args = component_args or {}
        self.onchange = onchange
        self.section = section
        self.note = ""

    def info(self, text: str) -> OptionInfo:
        """Add a note, which stands below the setting."""
        self.note = f"<span class='info'>({text})</span>"
        return self
