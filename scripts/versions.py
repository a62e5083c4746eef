"""Tell what each release of SD.Next has of what the extension uses, without running any of them.

Needs a clone of SD.Next with its tags, named by the environment variable SDNEXT_DIR.

python scripts/versions.py
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> int:
    """Return the command's exit code: 0 if the extension acts on every release, else 1."""
    from bench.commands.command_line import OneLineParser, fail
    from bench.contract.versions import run_versions

    parser = OneLineParser(prog="versions.py", description="Tell which release of SD.Next has what.")
    parser.parse_args()
    folder = os.environ.get("SDNEXT_DIR")
    if not folder:
        fail("needs a clone of SD.Next: SDNEXT_DIR not set")
    return run_versions(Path(folder))


if __name__ == "__main__":
    sys.exit(main())
