"""The host in a process of its own, which loads the extension anew each time it is told to.

Run as a file; answers each line of its standard input with seconds.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[3]
EXTENSION = REPOSITORY / "extensions" / "zluda_sync"


def _clock() -> float:
    """Return the time of this thread on a processor: nothing here waits, and other programs do not count."""
    from bench.costs.cost import THREAD_CLOCK

    return THREAD_CLOCK()


def forget_package() -> None:
    """Know nothing of the extension's package, as before its first import."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "zluda_sync"]:
        del sys.modules[name]


def time_import(name: str) -> float:
    """Return what an import takes, where the libraries that it needs are there already."""
    forget_package()
    began_s = _clock()
    importlib.import_module(name)
    return _clock() - began_s


class Starts:
    """Starts the extension as the host does, and ends it again."""

    def time_script(self) -> float:
        """Return what the host spends on loading the script, as its own log says it for each extension."""
        from modules import extensions, script_callbacks

        for entry in script_callbacks.callback_map["callbacks_script_unloaded"]:
            entry.callback()
        script_callbacks.clear_callbacks()
        forget_package()
        began_s = _clock()
        extensions.load_script(EXTENSION / "scripts" / "zluda_sync_ext.py")
        return _clock() - began_s

    def time_page(self) -> float:
        """Return what our settings, tab and routes take, of which Gradio and FastAPI make the most."""
        from fastapi import FastAPI

        from modules import script_callbacks, shared
        from modules.api.api import Api

        self.time_script()
        app = FastAPI()
        shared.api = Api(app)
        calls: dict[str, tuple[Any, ...]] = {"ui_settings": (), "ui_tabs": (), "app_started": (None, app)}
        began_s = _clock()
        for kind, arguments in calls.items():
            for entry in script_callbacks.callback_map[f"callbacks_{kind}"]:
                entry.callback(*arguments)
        return _clock() - began_s


def main() -> None:
    """Load what the host has loaded by then, and answer."""
    sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "scripts"), str(EXTENSION)]
    import diffusers  # noqa: F401
    import gradio  # noqa: F401

    from bench.costs.cost import plain_python
    from modules import devices, paths, shared, webui  # noqa: F401

    starts = Starts()
    works: dict[str, Callable[[], float]] = {
        "host": lambda: time_import("zluda_sync.host.entry"),
        "track": lambda: time_import("zluda_sync.track"),
        "script": starts.time_script,
        "page": starts.time_page,
        "plain": plain_python,
    }
    with tempfile.TemporaryDirectory(prefix="zluda_sync_costs_") as folder:
        owner: Any = paths
        owner.data_path = folder
        # As at every start but the first: what was compiled once is read.
        sys.dont_write_bytecode, sys.pycache_prefix = False, folder
        print("ready", flush=True)
        for line in sys.stdin:
            print(works[line.strip()](), flush=True)
    os._exit(0)  # torch takes seconds to end, and nothing is left to be saved


if __name__ == "__main__":
    main()
