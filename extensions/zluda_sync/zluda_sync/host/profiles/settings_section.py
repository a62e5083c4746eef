"""Our section on the host's Settings page, made from the descriptions of the settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zluda_sync.core.settings.fields import Group, SettingField
from zluda_sync.core.settings.profiles import AUTO
from zluda_sync.core.settings.settings import FIELDS
from zluda_sync.host.sdnext import SdNext

_SECTION = ("zluda_sync", "ZLUDA Sync")
#: A choice of up to so many is drawn as buttons, one of more as a list.
_MOST_BUTTONS = 5


def register_options(
    host: SdNext, find_profiles: Callable[[], list[str]], on_change: Callable[[], None]
) -> None:
    """Add our settings to the host's; the user's values stay.

    Args:
        host: the host.
        find_profiles: returns the names of all profiles.
        on_change: called without arguments after the user has changed one.
    """
    # gradio belongs to the host and takes seconds to import: not before it is needed.
    import gradio

    from modules.options import OptionInfo

    def draw(one: SettingField) -> tuple[Any, Any]:
        words = {"info": one.info}  # shown by every version of the host; OptionInfo.info is not
        if one is FIELDS.profile:
            # Asked each time: the user's own come and go.
            return gradio.Dropdown, lambda: {**words, "choices": [*find_profiles(), AUTO]}
        if one.choices is not None:
            is_short = len(one.choices) <= _MOST_BUTTONS
            return gradio.Radio if is_short else gradio.Dropdown, {**words, "choices": list(one.choices)}
        if one.minimum is not None:
            limits = {"minimum": one.minimum, "maximum": one.maximum, "step": one.step}
            return gradio.Slider, {**words, **limits}
        return gradio.Checkbox, words

    def add(name: str, default: Any, label: str, component: Any, arguments: Any, change: Any = None) -> None:
        made = OptionInfo(default, label, component, arguments, onchange=change, section=_SECTION)
        host.opts.add_option(name, made)

    for group in Group:
        # Drawn as it stands, as the host's own headings are; a name of ours would look like a setting.
        # All of it is explained in one place, so one link is enough.
        link = "<a href='#zluda-sync-profiles'>explain</a>" if group is Group.BASIC else ""
        heading = f"<h2>{group.value}</h2>{link}"
        add(f"heading_{_SECTION[0]}_{group.name.lower()}", heading, "", gradio.HTML, {})
        for one in FIELDS:
            if one.group is group:
                label = f"{one.label}, {one.unit}" if one.unit else one.label
                add(one.option, one.plain_default, label, *draw(one), on_change)
