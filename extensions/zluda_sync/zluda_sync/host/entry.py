"""Where the host comes in: registers the session's callbacks when an entry script is loaded."""

from __future__ import annotations

from pathlib import Path

import zluda_sync
from zluda_sync.host.options import register_options
from zluda_sync.host.sdnext import SdNext, log
from zluda_sync.host.session import Session

_session: Session | None = None


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
    host = SdNext()
    session = _session = Session(host)

    def register_settings() -> None:
        register_options(host, session.reconcile)

    register_settings()  # at load too: the API can set options before the settings page is built
    script_callbacks.on_ui_settings(register_settings)
    script_callbacks.on_app_started(lambda demo, app: session.reconcile())
    script_callbacks.on_before_process(session.begin_job)
    script_callbacks.on_after_process(session.end_job)
    script_callbacks.on_script_unloaded(session.close)
    return session


def current_session() -> Session | None:
    """Return the session of this process, None before the extension is loaded."""
    return _session
