"""Stand-in for SD.Next's modules/ui_settings.py: one component for each visible option, by section."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from modules import call_queue, shared
from modules.logger import log
from modules.options import OptionInfo

components_by_type = {bool: gr.Checkbox, str: gr.Textbox, int: gr.Number}


def create_component(key: str, info: OptionInfo) -> Any:
    """The component of one option, showing its value at each page load.

    None, with a log line, for an option without section or component that SD.Next's page could not draw.
    """
    component = info.component or components_by_type.get(type(info.default))
    if component is None:
        log.error(f'Settings: option "{key}" needs a component for its {type(info.default).__name__} default')
        return None
    args = info.component_args() if callable(info.component_args) else (info.component_args or {})
    return component(
        label=info.label,
        value=lambda: getattr(shared.opts, key),
        elem_id=f"setting_{key}",
        interactive=True,
        **args,
    )


def build_apply(keys: list[str]) -> Callable:
    """The function behind Apply: set what changed, call each onchange, save, and say what changed."""

    def apply_settings(*values: Any) -> tuple[str]:
        changed = [key for key, value in zip(keys, values, strict=True) if shared.opts.set(key, value)]
        shared.opts.save()
        return (f"Settings changed: {', '.join(changed) or 'none'}",)

    return call_queue.wrap_gradio_call(apply_settings, extra_outputs=[""], name="Settings")


def create_settings_tab() -> None:
    """Every visible option below the title of its section, and Apply."""
    apply = gr.Button("Apply settings", variant="primary", elem_id="settings_submit")
    message = gr.HTML(elem_id="settings_result")
    sections: dict[tuple, list[str]] = {}
    for key in shared.opts.list():
        section = shared.opts.data_labels[key].section
        if section is None:
            log.error(f'Settings: option "{key}" has no section')
        elif section[0] is not None:
            sections.setdefault(section, []).append(key)
    components = {}
    for section, keys in sections.items():
        with gr.Accordion(section[1], elem_id=f"settings_{section[0]}"):
            for key in keys:
                info = shared.opts.data_labels[key]
                component = create_component(key, info)
                if component is not None:
                    components[key] = component
                    if info.comment_after:
                        gr.HTML(info.comment_after)
    apply.click(
        build_apply(list(components)), inputs=list(components.values()), outputs=[message], queue=False
    )
