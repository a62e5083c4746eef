"""Stand-in for SD.Next's modules/ui.py: the page, with the element ids of SD.Next's."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import gradio as gr
from fastapi import FastAPI

from modules import call_queue, paths, processing, script_callbacks, scripts_manager, sd_samplers, shared
from modules.extensions import active
from modules.ui_extensions import create_extensions_tab
from modules.ui_settings import create_settings_tab


def txt2img(
    id_task: str,
    prompt: str,
    negative_prompt: str,
    steps: int,
    sampler: str,
    width: int,
    height: int,
    n_iter: int,
    batch_size: int,
    cfg_scale: float,
    seed: int,
    enable_hr: bool,
) -> tuple[list, str]:
    """Run a job for the page: its pictures for the gallery and its parameters as HTML."""
    p = processing.StableDiffusionProcessingTxt2Img(
        sd_model=shared.sd_model,
        prompt=prompt,
        negative_prompt=negative_prompt,
        steps=int(steps),
        sampler_name=sampler,
        width=int(width),
        height=int(height),
        n_iter=int(n_iter),
        batch_size=int(batch_size),
        cfg_scale=cfg_scale,
        seed=int(seed),
        enable_hr=enable_hr,
    )
    processed = processing.process_images(p)
    if processed is None:
        return [], "No model is loaded"
    return processed.images, html.escape(processed.info)


def create_text_tab() -> None:
    """Prompt, parameters, buttons and gallery."""
    task_id = gr.Textbox(visible=False)
    with gr.Row():
        with gr.Column(scale=3):
            prompt = gr.Textbox(label="Prompt", lines=2, elem_id="txt2img_prompt")
            negative = gr.Textbox(label="Negative prompt", elem_id="txt2img_neg_prompt")
        with gr.Column(scale=1):
            generate = gr.Button("Generate", variant="primary", elem_id="txt2img_generate")
            with gr.Row():
                stop = gr.Button("Stop", elem_id="txt2img_interrupt", min_width=40)
                skip = gr.Button("Skip", elem_id="txt2img_skip", min_width=40)
                pause = gr.Button("Pause", elem_id="txt2img_pause", min_width=40)
    with gr.Row():
        with gr.Column():
            steps = gr.Slider(1, 100, 20, step=1, label="Steps", elem_id="txt2img_steps")
            sampler = gr.Dropdown(
                sd_samplers.sampler_names(), value="Default", label="Sampler", elem_id="txt2img_sampling"
            )
            width = gr.Slider(64, 1024, 256, step=8, label="Width", elem_id="txt2img_width")
            height = gr.Slider(64, 1024, 256, step=8, label="Height", elem_id="txt2img_height")
            n_iter = gr.Slider(1, 16, 1, step=1, label="Batch count", elem_id="txt2img_batch_count")
            batch_size = gr.Slider(1, 8, 1, step=1, label="Batch size", elem_id="txt2img_batch_size")
            cfg_scale = gr.Slider(1, 20, 6, step=0.5, label="CFG scale", elem_id="txt2img_cfg_scale")
            seed = gr.Number(-1, precision=0, label="Seed", elem_id="txt2img_seed")
            enable_hr = gr.Checkbox(False, label="Hires pass", elem_id="txt2img_enable_hr")
        with gr.Column(elem_id="txt2img_results"):
            gallery = gr.Gallery(label="Pictures", format="png", elem_id="txt2img_gallery")
            info = gr.HTML(elem_id="txt2img_info")
    inputs = [
        task_id,
        prompt,
        negative,
        steps,
        sampler,
        width,
        height,
        n_iter,
        batch_size,
        cfg_scale,
        seed,
        enable_hr,
    ]
    generate.click(
        call_queue.wrap_gradio_gpu_call(txt2img, extra_outputs=[None, ""], name="Text"),
        js="(...args) => [startTask(), ...args.slice(1)]",
        inputs=inputs,
        outputs=[gallery, info],
        show_progress="hidden",
        concurrency_limit=None,
    )
    for button, action, js in (
        (stop, shared.state.interrupt, "() => setProgress()"),
        (skip, shared.state.skip, None),
        (pause, shared.state.pause, "() => togglePause()"),
    ):
        button.click(action, js=js, inputs=None, outputs=None, queue=False, show_progress="hidden")


def create_ui(host: Any) -> gr.Blocks:
    """The whole page: Text, the extensions' own tabs, Extensions, Settings."""
    own_tabs = script_callbacks.ui_tabs_callback()  # before our Blocks: theirs must not become part of them
    with gr.Blocks(title="Embedded host", analytics_enabled=False) as demo, gr.Tabs(elem_id="tabs"):
        with gr.Tab("Text", elem_id="txt2img_tab"):
            create_text_tab()
        for blocks, title, elem_id in own_tabs:
            with gr.Tab(title, elem_id=elem_id):
                blocks.render()
        with gr.Tab("Extensions", elem_id="extensions_tab"):
            create_extensions_tab(host.request_restart)
        with gr.Tab("Settings", elem_id="settings_tab"):
            create_settings_tab()
    return demo


def build_head(boot_count: int) -> str:
    """The page's head: options for scripts, our script, then scripts and styles of the active extensions."""
    values = {k: v.default for k, v in shared.opts.data_labels.items()} | shared.opts.data
    options = json.dumps(values, default=str).replace("<", "\\u003c")
    lines = [f"<script>window.opts = {options}; window.bootCount = {boot_count};</script>"]
    files = [Path(paths.modules_path, "ui_progress.js")]
    files += [
        Path(file.path) for ext in (".js", ".mjs") for file in scripts_manager.list_scripts("javascript", ext)
    ]
    for file in files:
        kind = ' type="module"' if file.suffix == ".mjs" else ""
        lines.append(f'<script{kind} src="js?file={quote(str(file))}"></script>')
    styles = [Path(ext.path, "style.css") for ext in active()]
    lines += [
        f'<link rel="stylesheet" href="js?file={quote(str(style))}">' for style in styles if style.is_file()
    ]
    return "\n".join(lines)


def mount_ui(app: FastAPI, demo: gr.Blocks, boot_count: int) -> FastAPI:
    """Serve the page from `app` at /. Its fonts are the machine's own: nothing is fetched from elsewhere."""
    theme = gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["monospace"])
    return gr.mount_gradio_app(
        app,
        demo,
        path="/",
        head=build_head(boot_count),
        theme=theme,
        allowed_paths=[paths.outputs_path],
        footer_links=[],
        ssr_mode=False,
    )
