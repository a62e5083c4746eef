"""Check the whole repository: ruff, oxlint, mypy, and every test. Makes its own environment.

python scripts/check.py
python scripts/check.py --quick
"""

from __future__ import annotations

import sys


def main() -> int:
    """Return 0 when every check passes, 1 when one fails."""
    from bench.commands.checks import SLOW_TESTS, build_checks, run_checks
    from bench.commands.command_line import OneLineParser, fail
    from bench.commands.environment import SetupError, VirtualEnvironment

    parser = OneLineParser(prog="check.py", description="Run ruff, oxlint, mypy and all tests in .venv.")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="less than a minute: no benchmarks, and no tests that need a browser, a GPU, the real "
        f"SD.Next or jobs on the emulated device, which lie in {', '.join(SLOW_TESTS)}",
    )
    options = parser.parse_args()
    try:
        VirtualEnvironment().enter(("host", "tests"), __file__, sys.argv[1:])
    except SetupError as failure:
        fail(str(failure))
    return run_checks(build_checks(options.quick))


if __name__ == "__main__":
    sys.exit(main())
