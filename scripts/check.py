"""Check the whole repository: ruff, mypy, and every test. Makes its own environment.

python scripts/check.py
"""

from __future__ import annotations

import sys


def main() -> int:
    """Return 0 when every check passes, 1 when one fails."""
    from bench.commands.checks import run_checks
    from bench.commands.command_line import OneLineParser, fail
    from bench.commands.environment import SetupError, VirtualEnvironment

    parser = OneLineParser(prog="check.py", description="Run ruff, mypy and all tests in .venv.")
    parser.parse_args()
    try:
        VirtualEnvironment().enter(("host", "tests"), __file__, sys.argv[1:])
    except SetupError as failure:
        fail(str(failure))
    return run_checks()


if __name__ == "__main__":
    sys.exit(main())
