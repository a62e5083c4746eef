"""Stand-in for SD.Next's modules/ui_settings.py: one component for each visible option, by section."""

from __future__ import annotations

import functools
from typing import Any

import gradio as gr

from modules import call_queue, shared
from modules.errors import log

components_by_type = {bool: gr.Checkbox, str: gr.Textbox, int: gr.Number}


def _is_visible(info: Any) -> bool:
    return callable(info.component_args) or info.component_args.get("visible", True)


def create_settings_tab() -> None:
    """Every visible option below the title of its section, and Apply."""
    apply = gr.Button("Apply settings", variant="primary", elem_id="settings_submit")
    message = gr.HTML(elem_id="settings_result")
    sections: dict[tuple[str, str], dict[str, Any]] = {}
    for key, info in shared.opts.data_labels.items():
        component = info.component or components_by_type.get(type(info.default))
        if info.section and component:
            sections.setdefault(info.section, {})[key] = component
        elif callable(info.component_args) or info.component_args.get(
            "visible", True
        ):  # SD.Next's settings page breaks at such an option
            log.error(f'Settings: option "{key}" has no section, or no component for its default')
    components = {}
    for (section_id, title), options in sections.items():
        with gr.Accordion(title, elem_id=f"settings_{section_id}"):
            for key, component in options.items():
                info = shared.opts.data_labels[key]
                arguments = info.component_args() if callable(info.component_args) else info.component_args
                if component is gr.HTML:  # a heading
                    gr.HTML(info.default)
                    continue
                components[key] = component(
                    label=info.label,
                    value=functools.partial(shared.opts.get, key),  # asked at each page load
                    elem_id=f"setting_{key}",
                    interactive=True,
                    **arguments,
                )
                if info.note:
                    gr.HTML(info.note)

    def apply_settings(*values: Any) -> tuple[str]:
        """Set what changed, call each onchange, save, and say what changed."""
        changed = [key for key, value in zip(components, values, strict=True) if shared.opts.set(key, value)]
        shared.opts.save()
        return (f"Settings changed: {', '.join(changed) or 'none'}",)

    run = call_queue.wrap_gradio_call(apply_settings, extra_outputs=[], name="Settings")
    apply.click(run, inputs=list(components.values()), outputs=[message], queue=False)
