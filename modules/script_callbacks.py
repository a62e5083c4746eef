"""Stand-in for SD.Next's modules/script_callbacks.py: what an extension can be called for.

Each `on_x` registers a function, each `x_callback` runs them. An exception of one is logged with its
traceback; the others still run.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from modules import errors


class ScriptCallback(NamedTuple):
    """A registered function and the file that registered it."""

    script: str
    callback: Callable


callback_map: dict[str, list[ScriptCallback]] = {}


def clear_callbacks() -> None:
    """Forget every callback."""
    for callbacks in callback_map.values():
        callbacks.clear()


def remove_callbacks_for_function(callback_func: Callable) -> None:
    """Forget `callback_func` wherever it was registered."""
    for callbacks in callback_map.values():
        callbacks[:] = [c for c in callbacks if c.callback != callback_func]


def registrar(name: str, doc: str) -> Callable[[Callable], None]:
    """Build the `on_x` function for one list of `callback_map`."""
    callbacks = callback_map.setdefault(f"callbacks_{name}", [])

    def on_event(callback: Callable) -> None:
        filename = sys._getframe(1).f_code.co_filename
        callbacks.append(ScriptCallback(filename, callback))

    on_event.__doc__ = doc
    return on_event


def call(c: ScriptCallback, name: str, args: tuple) -> Any:
    """Call one function; what it raises is logged, and None returned."""
    try:
        return c.callback(*args)
    except Exception as e:  # noqa: BLE001 - an extension must not end a job
        errors.display(e, f"Executing callback: {c.script} {name}")
        return None


def runner(name: str, last_first: bool = False) -> Callable[..., list]:
    """Build the `x_callback` function for one list; it returns what the callbacks returned, joined."""

    def run_callbacks(*args: Any) -> list:
        results: list = []
        callbacks = list(callback_map[f"callbacks_{name}"])
        for c in reversed(callbacks) if last_first else callbacks:
            returned = call(c, name, args)
            if isinstance(returned, list):
                results += returned
        return results

    return run_callbacks


on_app_started = registrar("app_started", "callback(demo, app) once the page and the FastAPI app exist.")
on_before_process = registrar("before_process", "callback(p) just before a job is processed.")
on_after_process = registrar("after_process", "callback(p) when a job ended, however it ended.")
on_model_loaded = registrar("model_loaded", "callback(sd_model) after a model was loaded.")
on_ui_settings = registrar("ui_settings", "callback() before the settings page is made: add options here.")
on_ui_tabs = registrar("ui_tabs", "callback() -> [(blocks, title, elem_id)] of further tabs, or None.")
on_before_image_saved = registrar("before_image_saved", "callback(params) before an image is written.")
on_image_saved = registrar("image_saved", "callback(params) after an image was written.")
on_before_ui = registrar("before_ui", "callback() before the page is made.")
on_after_ui = registrar("after_ui", "callback() after the page was made.")
on_before_reload = registrar("on_reload", "callback() before the host restarts in process.")
on_script_unloaded = registrar("script_unloaded", "callback() before scripts are loaded anew.")

app_started_callback = runner("app_started")
before_process_callback = runner("before_process")
after_process_callback = runner("after_process")
model_loaded_callback = runner("model_loaded")
ui_settings_callback = runner("ui_settings")
ui_tabs_callback = runner("ui_tabs")
before_image_saved_callback = runner("before_image_saved")
image_saved_callback = runner("image_saved")
before_ui_callback = runner("before_ui", last_first=True)
after_ui_callback = runner("after_ui", last_first=True)
app_reload_callback = runner("on_reload")
script_unloaded_callback = runner("script_unloaded", last_first=True)


class ImageSaveParams:
    """What the image callbacks get."""

    def __init__(self, image: Any, p: Any, filename: str, pnginfo: dict) -> None:
        self.image = image
        self.p = p
        self.filename = filename
        self.pnginfo = pnginfo
