"""Start the embedded host inside a command, and turn its complaints into one line."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from bench.commands.command_line import fail
from bench.commands.environment import REPOSITORY
from bench.host.job import ExtensionMissingError, JobError

HOST_OPTIONS = (
    "data_dir",
    "extensions_dir",
    "model",
    "device",
    "step_ms",
    "encode_ms",
    "decode_ms",
    "port",
)
INTERRUPTED_EXIT_CODE = 130

T = TypeVar("T")


def prepare_process(draws_own_bar: bool) -> None:
    """Make `modules/` in the repository's root importable, and keep the libraries' chatter off the terminal.

    To be called before any of them is imported.
    """
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    if draws_own_bar:
        # Two bars would overwrite each other.
        os.environ.setdefault("TQDM_DISABLE", "1")
    root = str(REPOSITORY)
    if root not in sys.path:
        sys.path.insert(0, root)


def import_extension() -> None:
    """Make the extension's package importable where no host loads it."""
    folder = str(REPOSITORY / "extensions" / "zluda_sync")
    if folder not in sys.path:
        sys.path.insert(0, folder)


def build_host_arguments(options: argparse.Namespace) -> list[str]:
    """Return the host's own command line for the options that were given."""
    arguments: list[str] = []
    for name in HOST_OPTIONS:
        value = getattr(options, name)
        if value is not None:
            arguments += [f"--{name.replace('_', '-')}", str(value)]
    return arguments


def serve(arguments: Sequence[str]) -> int:
    """Serve the host with its page until it is stopped; return its exit code."""
    from modules.webui import main

    return int(main(list(arguments)))


def start(arguments: Sequence[str]) -> Any:
    """Start the host without a server and without the pipeline's bar; its `app` answers its API."""
    from diffusers.pipelines import pipeline_utils

    from modules.webui import start_host

    drawn_bar = pipeline_utils.tqdm
    # The pipeline asks for its bar by name, so the environment variable does not reach it.
    pipeline_utils.tqdm = lambda *args, **options: drawn_bar(*args, **{**options, "disable": True})
    host = start_host(list(arguments))
    # A full collection over everything that the libraries have made takes a quarter of a second, at any time.
    gc.collect()
    gc.freeze()
    return host


def ends_in_one_line(work: Callable[[], T]) -> T:
    """Do the work; what the user can put right ends the command with one line and exit code 2.

    A job that delivers too little ends it with exit code 1, Ctrl-C with 130.
    """
    from modules.errors import HostError

    try:
        return work()
    except (HostError, ExtensionMissingError) as error:
        fail(str(error))
    except JobError as failure:
        print(f"error: {failure}", file=sys.stderr)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        raise SystemExit(INTERRUPTED_EXIT_CODE) from None


def check_writable(file: Path) -> None:
    """End the command with one line unless this file can be written; makes its folder."""
    existed = file.exists()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("ab"):
            pass
        if not existed:
            file.unlink()
    except OSError as error:
        fail(f'cannot write "{file}": {error.strerror or error}')
