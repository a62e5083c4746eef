"""Stand-in for SD.Next's modules/ui_extensions.py: switch extensions on and off."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr

from modules import extensions, shared


def apply_extensions(enabled: list[str]) -> None:
    """Disable every extension that is not in `enabled`; those not installed now stay as they are."""
    names = [ext.name for ext in extensions.extensions]
    absent = [name for name in shared.opts.disabled_extensions if name not in names]
    shared.opts.set("disabled_extensions", absent + [name for name in names if name not in enabled])
    shared.opts.save()


def create_extensions_tab(request_restart: Callable[[], None]) -> None:
    """A checkbox for each extension, and Apply, which restarts the host in process."""

    def apply_and_restart(enabled: list[str]) -> str:
        apply_extensions(enabled)
        request_restart()
        return "Restarting"

    gr.Markdown("Apply unloads the extensions and restarts the page; a running job is finished first.")
    boxes = gr.CheckboxGroup(
        choices=[ext.name for ext in extensions.extensions],
        label="Enabled extensions",
        elem_id="extensions_list",
        value=[ext.name for ext in extensions.extensions if ext.enabled],
    )
    apply = gr.Button("Apply & restart", variant="primary", elem_id="extensions_apply")
    message = gr.HTML(elem_id="extensions_message")
    apply.click(
        apply_and_restart,
        js="(...args) => (reloadAfterRestart(), args)",
        inputs=[boxes],
        outputs=[message],
        queue=False,
    )
