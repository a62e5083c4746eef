"""Stand-in for SD.Next's modules/scripts_manager.py: find and run the scripts of the extensions.

There is no `Script` class to derive from: use `script_callbacks`.
"""

from __future__ import annotations

import sys
from typing import NamedTuple

from modules import errors, extensions, paths, script_callbacks, script_loading

current_basedir = paths.script_path


class ScriptFile(NamedTuple):
    """A file of an extension; `basedir` is the extension's folder."""

    basedir: str
    filename: str
    path: str
    priority: str


def basedir() -> str:
    """Folder of the extension whose script is loading now."""
    return current_basedir


def list_scripts(scriptdirname: str, extension: str) -> list[ScriptFile]:
    """Files of all active extensions, in the order in which they are loaded."""
    files = [file for ext in extensions.active() for file in ext.list_files(scriptdirname, extension)]
    return sorted(files, key=lambda file: file.priority + file.path.lower())


def load_script(file: ScriptFile) -> None:
    """Run one script with its extension's folder first in `sys.path`, which is then as before.

    A script that raises is logged, SystemExit apart.
    """
    global current_basedir
    syspath = sys.path
    try:
        sys.path = [file.basedir, *syspath]
        current_basedir = file.basedir
        script_loading.load_module(file.path)
    except Exception as e:  # noqa: BLE001 - one broken script must not keep the others out
        errors.display(e, f"Load script: {file.filename}")
    finally:
        current_basedir = paths.script_path
        sys.path = syspath


def load_scripts() -> None:
    """Run every script of the active extensions, after forgetting all callbacks."""
    script_callbacks.clear_callbacks()
    for file in list_scripts("scripts", ".py"):
        load_script(file)
