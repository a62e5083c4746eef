"""Stand-in for SD.Next's modules/ui.py: the page, with the element ids of SD.Next's."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import gradio as gr
from fastapi import FastAPI

from modules import call_queue, extensions, paths, processing, script_callbacks, shared
from modules.default_model import EXAMPLE_PROMPT
from modules.processing_diffusers import READING_BACK, SAMPLERS
from modules.ui_settings import create_settings_tab


def create_text_tab() -> None:
    """Prompt, parameters, buttons and gallery."""
    task_id = gr.Textbox(visible=False)
    with gr.Row():
        with gr.Column(scale=3):
            prompt = gr.Textbox(EXAMPLE_PROMPT, label="Prompt", lines=2, elem_id="txt2img_prompt")
            negative_prompt = gr.Textbox(label="Negative prompt", elem_id="txt2img_neg_prompt")
        with gr.Column(scale=1):
            generate = gr.Button("Generate", variant="primary", elem_id="txt2img_generate")
            with gr.Row():
                stop = gr.Button("Stop", elem_id="txt2img_interrupt", min_width=40)
                skip = gr.Button("Skip", elem_id="txt2img_skip", min_width=40)
                pause = gr.Button("Pause", elem_id="txt2img_pause", min_width=40)

    def slider(least: float, most: float, default: float, step: float, label: str, name: str) -> gr.Slider:
        return gr.Slider(least, most, default, step=step, label=label, elem_id=f"txt2img_{name}")

    with gr.Row():
        with gr.Column():
            samplers = list(SAMPLERS)
            hint = f"{', '.join(READING_BACK)} waits for the device in each step"
            inputs = {
                "prompt": prompt,
                "negative_prompt": negative_prompt,
                "steps": slider(1, 100, 20, 1, "Steps", "steps"),
                "sampler_name": gr.Dropdown(samplers, label="Sampler", info=hint, elem_id="txt2img_sampling"),
                "width": slider(64, 1024, 256, 8, "Width", "width"),
                "height": slider(64, 1024, 256, 8, "Height", "height"),
                "n_iter": slider(1, 16, 1, 1, "Batch count", "batch_count"),
                "batch_size": slider(1, 8, 1, 1, "Batch size", "batch_size"),
                "cfg_scale": slider(1, 20, 2, 0.5, "CFG scale", "cfg_scale"),
                "seed": gr.Number(-1, precision=0, label="Seed", elem_id="txt2img_seed"),
                "enable_hr": gr.Checkbox(False, label="Hires pass", elem_id="txt2img_enable_hr"),
            }
        with gr.Column(elem_id="txt2img_results"):
            gallery = gr.Gallery(label="Pictures", format="png", elem_id="txt2img_gallery")
            info = gr.HTML(elem_id="txt2img_info")

    def txt2img(*values: Any) -> tuple[list, str]:
        """Run a job: its pictures for the gallery and its parameters as HTML."""
        p = processing.StableDiffusionProcessingTxt2Img(**dict(zip(inputs, values, strict=True)))
        processed = processing.process_images(p)
        return processed.images, html.escape(processed.info)

    generate.click(
        call_queue.wrap_gradio_gpu_call(txt2img, extra_outputs=[None], name="Text"),
        js="(...args) => [startTask(), ...args.slice(1)]",
        inputs=[task_id, *inputs.values()],
        outputs=[gallery, info],
        show_progress="hidden",
        concurrency_limit=None,
    )
    for button, action, js in (
        (stop, shared.state.interrupt, None),  # the next poll says what became of it
        (skip, shared.state.skip, None),
        (pause, shared.state.pause, "() => togglePause()"),
    ):
        button.click(action, js=js, queue=False, show_progress="hidden")


def create_extensions_tab(request_restart: Callable[[], None]) -> None:
    """A checkbox for each extension, and Apply, which restarts the host in process."""
    names = [ext.name for ext in extensions.extensions]

    def apply_and_restart(enabled: list[str]) -> str:
        absent = [name for name in shared.opts.disabled_extensions if name not in names]
        shared.opts.set("disabled_extensions", absent + [name for name in names if name not in enabled])
        shared.opts.save()
        request_restart()
        return "Restarting"

    gr.Markdown("Apply unloads the extensions and restarts the page; a running job is finished first.")
    value = [ext.name for ext in extensions.extensions if ext.enabled]
    boxes = gr.CheckboxGroup(names, value=value, label="Enabled extensions", elem_id="extensions_list")
    apply = gr.Button("Apply & restart", variant="primary", elem_id="extensions_apply")
    message = gr.HTML(elem_id="extensions_message")
    js = "(...args) => (reloadAfterRestart(), args)"
    apply.click(apply_and_restart, js=js, inputs=[boxes], outputs=[message], queue=False)


def create_ui(request_restart: Callable[[], None]) -> gr.Blocks:
    """The whole page: Text, Side by side, the extensions' own tabs, Extensions, Settings."""
    own_tabs = script_callbacks.ui_tabs_callback()  # before our Blocks: theirs must not become part of them
    with gr.Blocks(title="Embedded host", analytics_enabled=False) as demo, gr.Tabs(elem_id="tabs"):
        with gr.Tab("Text", elem_id="txt2img_tab"):
            create_text_tab()
        with gr.Tab("Side by side", elem_id="side_by_side_tab"):
            gr.HTML(Path(paths.modules_path, "ui_side_by_side.html").read_text("utf-8"))
        for blocks, title, elem_id in own_tabs:
            with gr.Tab(title, elem_id=elem_id):
                blocks.render()
        with gr.Tab("Extensions", elem_id="extensions_tab"):
            create_extensions_tab(request_restart)
        with gr.Tab("Settings", elem_id="settings_tab"):
            create_settings_tab()
    return demo


def build_head(boot_count: int) -> str:
    """The page's head: options for scripts, our script, then scripts and styles of the active extensions."""
    options = json.dumps(shared.opts.values(), default=str).replace("<", "\\u003c")
    lines = [f"<script>window.opts = {options}; window.bootCount = {boot_count};</script>"]
    own = [Path(paths.modules_path, name) for name in ("ui_progress.js", "ui_side_by_side.js")]
    scripts = [*own, *extensions.list_files("javascript", ".js")]
    lines += [f'<script src="js?file={quote(str(file))}"></script>' for file in scripts]
    modules = extensions.list_files("javascript", ".mjs")
    lines += [f'<script type="module" src="js?file={quote(str(file))}"></script>' for file in modules]
    styles = [file for file in extensions.list_files(".", ".css") if file.name == "style.css"]
    lines += [f'<link rel="stylesheet" href="js?file={quote(str(file))}">' for file in styles]
    return "\n".join(lines)


def mount_ui(app: FastAPI, demo: gr.Blocks, boot_count: int) -> FastAPI:
    """Serve the page from `app` at /. Its fonts are the machine's own: nothing is fetched from elsewhere."""
    theme = gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["monospace"])
    options = {"allowed_paths": [paths.outputs_path], "footer_links": [], "ssr_mode": False}
    return gr.mount_gradio_app(app, demo, path="/", head=build_head(boot_count), theme=theme, **options)
