"""Measure the bar of whatever one press makes, in the real SD.Next: grids, loops, folders, scripts.

Needs the real SD.Next, named by the environment variables SDNEXT_DIR and SDNEXT_PYTHON.

python scripts/bars.py
python scripts/bars.py --request XYZ --mode run-ahead
python scripts/bars.py --alone
"""

from __future__ import annotations

import sys


def main() -> int:
    """Return the command's exit code: 0 if every bar is as true as it should be, else 1."""
    from bench.commands.command_line import OneLineParser, fail
    from bench.commands.environment import SetupError, VirtualEnvironment

    parser = OneLineParser(
        prog="bars.py",
        description="Measure bar and ETA of requests that make many pictures, first and learned.",
        allow_abbrev=False,
    )
    parser.add_words("request", "mode")
    parser.add_argument("--alone", action="store_true", help="SD.Next without the extension")
    options = parser.parse_args()
    try:
        VirtualEnvironment().enter(("host",), __file__, sys.argv[1:])
    except SetupError as failure:
        fail(str(failure))

    from bench.real_host.bars import MODES, run_bars
    from bench.real_host.server import demand_real_host

    demand_real_host()
    modes = [mode for mode in MODES if any(word in mode for word in options.mode)] or list(MODES)
    return run_bars(options.request, modes, not options.alone)


if __name__ == "__main__":
    sys.exit(main())
