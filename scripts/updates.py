"""Run the last versions of the extension over one data folder, as a user who updates in place.

Needs this repository's history. Makes its own environment.

python scripts/updates.py
"""

from __future__ import annotations

import sys


def main() -> int:
    """Return the command's exit code: 0 if each version took over what those before it had left, else 1."""
    import tempfile
    from pathlib import Path

    from bench.commands.command_line import OneLineParser, WholeNumber, fail
    from bench.commands.environment import SetupError, VirtualEnvironment

    parser = OneLineParser(prog="updates.py", description="Run the last versions over one data folder.")
    parser.add_argument("--count", type=WholeNumber(1, 1000), default=20, help="how many (default: 20)")
    options = parser.parse_args()
    try:
        VirtualEnvironment().enter(("host",), __file__, sys.argv[1:])
    except SetupError as failure:
        fail(str(failure))

    from bench.updates.chain import find_versions, run_chain

    if not find_versions(1):
        fail("needs the history of this repository: a clone by git")
    with tempfile.TemporaryDirectory() as folder:
        return run_chain(options.count, Path(folder))


if __name__ == "__main__":
    sys.exit(main())
