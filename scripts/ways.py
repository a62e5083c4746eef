"""Measure every way in which the real SD.Next makes a picture: its bar, time left, previews and Stop.

Needs the real SD.Next, named by the environment variables SDNEXT_DIR and SDNEXT_PYTHON.

python scripts/ways.py
python scripts/ways.py --way process --mode every-step
"""

from __future__ import annotations

import sys


def main() -> int:
    """Return the command's exit code: 0 if every way is as it should be, else 1."""
    from bench.commands.command_line import OneLineParser, fail
    from bench.commands.environment import SetupError, VirtualEnvironment

    parser = OneLineParser(
        prog="ways.py",
        description="Measure bar, ETA, previews and Stop of every way to make a picture.",
        allow_abbrev=False,
    )
    parser.add_words("way", "mode")
    options = parser.parse_args()
    try:
        VirtualEnvironment().enter(("host",), __file__, sys.argv[1:])
    except SetupError as failure:
        fail(str(failure))

    from bench.real_host.server import demand_real_host
    from bench.real_host.ways import DEFAULT_MODE, MODES, run_ways

    demand_real_host()
    modes = [mode for mode in MODES if any(word in mode for word in options.mode)]
    return run_ways(options.way, modes or [DEFAULT_MODE])


if __name__ == "__main__":
    sys.exit(main())
