"""``python -m zluda_sync demo``: what the package is for, in ten seconds, in the terminal."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import zluda_sync

#: As a shell has it for what was ended from the keyboard.
INTERRUPTED_EXIT_CODE = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the command's exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m zluda_sync",
        description="Report what the GPU has finished, not what has been queued for it.",
    )
    parser.add_argument("--version", action="version", version=zluda_sync.__version__)
    commands = parser.add_subparsers(title="commands", required=True, metavar="demo")
    commands.add_parser(
        "demo",
        help="show one job twice for ten seconds: as its queue tells it, and as it is; needs no GPU",
        description="Show one job of a simulated GPU twice: as its queue tells it, and as it is.",
    )
    parser.parse_args(arguments)
    from zluda_sync.demo import run_demo

    try:
        return run_demo(sys.stdout)
    except KeyboardInterrupt:
        sys.stdout.write("\n")
        return INTERRUPTED_EXIT_CODE


if __name__ == "__main__":
    sys.exit(main())
