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


def registrar(name: str) -> Callable[[Callable], None]:
    """Build the `on_x` function for one list of `callback_map`."""
    callbacks = callback_map.setdefault(f"callbacks_{name}", [])

    def on_event(callback: Callable) -> None:
        callbacks.append(ScriptCallback(sys._getframe(1).f_code.co_filename, callback))

    return on_event


def call(c: ScriptCallback, name: str, args: tuple) -> Any:
    """Call one function; what it raises is logged, and None returned."""
    try:
        return c.callback(*args)
    except Exception as e:  # noqa: BLE001 - an extension must not end a job
        errors.display(e, f"Executing callback: {c.script} {name}")
        return None


def runner(name: str) -> Callable[..., list]:
    """Build the `x_callback` function for one list; it returns what the callbacks returned, joined."""

    def run_callbacks(*args: Any) -> list:
        returned = [call(c, name, args) for c in list(callback_map[f"callbacks_{name}"])]
        return [item for items in returned if isinstance(items, list) for item in items]

    return run_callbacks


# callback(demo, app) once page and FastAPI app exist; callback(p) before and after a job, however it ended;
# callback() before the settings page is made; callback() -> [(blocks, title, elem_id)], further tabs, or
# None; callback() before the scripts are loaded anew.
on_app_started = registrar("app_started")
on_before_process = registrar("before_process")
on_after_process = registrar("after_process")
on_ui_settings = registrar("ui_settings")
on_ui_tabs = registrar("ui_tabs")
on_script_unloaded = registrar("script_unloaded")

app_started_callback = runner("app_started")
before_process_callback = runner("before_process")
after_process_callback = runner("after_process")
ui_settings_callback = runner("ui_settings")
ui_tabs_callback = runner("ui_tabs")
script_unloaded_callback = runner("script_unloaded")
