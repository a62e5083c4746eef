"""Where the host comes in: the entry script is loaded, and registers the session's callbacks and its tab."""

from __future__ import annotations

import atexit
from pathlib import Path
from typing import Any

import zluda_sync
from zluda_sync.host.sdnext import SdNext, log
from zluda_sync.host.session import Session

#: The tab's element is filled by the scripts in ``javascript/``. They draw everything, so that the same panel
#: stands in every version of the host.
_TAB_TITLE, _TAB_ID = "ZLUDA Sync", "zluda_sync"
_PANEL = '<div id="zluda-sync-panel"><noscript>The panel needs JavaScript.</noscript></div>'

_session: Session | None = None


@atexit.register
def _on_exit() -> None:
    """End our threads: one that is inside torch when the interpreter goes away aborts the process."""
    if _session is not None:
        _session.close()


def register(extension_root: Path) -> Session | None:
    """Register with the host and return the session, or None if another copy of the extension has done so.

    Called each time the host loads the entry script: once at start, and again after a restart in process.

    Args:
        extension_root: folder that holds the ``zluda_sync`` package next to the entry script.
    """
    global _session
    loaded_from = Path(zluda_sync.__file__).resolve().parent.parent
    if loaded_from != extension_root.resolve():
        log.warning(
            f"ZLUDA Sync: installed twice; {loaded_from} is used. "
            f"Remove {extension_root} or disable it on the Extensions tab."
        )
        return None
    from modules import script_callbacks

    if _session is not None:
        _session.close()
    _session = Session(SdNext())
    _register_options()  # at load too: the API can set options before the settings page is built
    _forget_earlier_registration(script_callbacks.callback_map)
    script_callbacks.on_ui_settings(_register_options)
    script_callbacks.on_ui_tabs(_build_tabs)
    script_callbacks.on_app_started(_on_app_started)
    script_callbacks.on_before_process(_on_before_process)
    script_callbacks.on_after_process(_on_after_process)
    script_callbacks.on_script_unloaded(_on_script_unloaded)
    return _session


def current_session() -> Session | None:
    """Return the session of this process, None before the extension is loaded."""
    return _session


# Functions of this module, not of a session: however often the host loads the script, each is registered once
# and serves the session that is current.


def _register_options() -> None:
    if _session is not None:
        _session.register_options()


def _build_tabs() -> list[tuple[Any, str, str]]:
    """Return the tab as the host's callback for tabs wants it: Gradio's blocks, title, element id."""
    import gradio

    with gradio.Blocks(analytics_enabled=False) as blocks:
        gradio.HTML(_PANEL)
    return [(blocks, _TAB_TITLE, _TAB_ID)]


def _on_app_started(_demo: Any, app: Any) -> None:
    if _session is not None:
        _session.serve(app)


def _on_before_process(processing: Any) -> None:
    if _session is not None:
        _session.begin_job(processing)


def _on_after_process(processing: Any) -> None:
    if _session is not None:
        _session.end_job(processing)


def _on_script_unloaded() -> None:
    if _session is not None:
        _session.close()


def _forget_earlier_registration(callback_map: dict[str, list[Any]]) -> None:
    for callbacks in callback_map.values():
        callbacks[:] = [entry for entry in callbacks if getattr(entry.callback, "__module__", "") != __name__]
