"""Stand-in for SD.Next's modules/options.py: the description of one setting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class OptionInfo:
    """One setting: default value, label, how it is drawn, and what to call when it changes.

    `section` is (id, title); the settings page groups by it. `onchange` gets no arguments.
    """

    def __init__(
        self,
        default: Any = None,
        label: str = "",
        component: Any = None,
        component_args: dict | Callable[[], dict] | None = None,
        onchange: Callable[[], Any] | None = None,
        section: tuple[str, ...] | None = None,
        refresh: Callable | None = None,
        folder: bool = False,
        submit: Any = None,
        comment_before: str = "",
        comment_after: str = "",
        category_id: str | None = None,
    ) -> None:
        self.default = default
        self.label = label
        self.component = component
        self.component_args = component_args
        self.onchange = onchange
        self.section = section
        self.refresh = refresh
        self.folder = folder
        self.submit = submit
        self.comment_before = comment_before
        self.comment_after = comment_after
        args = component_args if isinstance(component_args, dict) else {}
        self.visible = args.get("visible", True) and len(label) > 2

    def info(self, text: str) -> OptionInfo:
        """Add a note that stands behind the label."""
        self.comment_after += f"<span class='info'>({text})</span>"
        return self

    def needs_restart(self) -> OptionInfo:
        """Say behind the label that a change takes effect after a restart."""
        return self.info("requires restart")


def options_section(
    section_identifier: tuple[str, ...], options_dict: dict[str, OptionInfo]
) -> dict[str, OptionInfo]:
    """Put every option of `options_dict` into one section."""
    for option in options_dict.values():
        option.section = section_identifier[:2]
    return options_dict
