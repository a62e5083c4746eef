"""Hold the extension against SD.Next alone: the same press at the same step of every script it ships.

Needs the real SD.Next, named by the environment variables SDNEXT_DIR and SDNEXT_PYTHON. In the mode
"alone again" there is no extension: it shows that the campaign itself finds nothing where there is nothing.

python scripts/differential.py
python scripts/differential.py --quick
python scripts/differential.py --script "XYZ Grid" --press Stop --place middle --mode run-ahead --hosts 1
python scripts/differential.py --quick --mode again
"""

from __future__ import annotations

import sys


def main() -> int:
    """Return the command's exit code: 0 if the extension is nowhere worse, else 1."""
    from bench.commands.command_line import OneLineParser, WholeNumber, fail
    from bench.commands.environment import SetupError, VirtualEnvironment

    parser = OneLineParser(
        prog="differential.py",
        description="Press Stop, Skip and Pause in every script of SD.Next, with the extension off and on.",
        allow_abbrev=False,
    )
    parser.add_words("script", "press", "place", "mode")
    parser.add_argument("--quick", action="store_true", help="fewer presses and places")
    parser.add_argument(
        "--hosts", type=WholeNumber(1, 16), default=3, metavar="N", help="so many SD.Next at a time (3)"
    )
    options = parser.parse_args()
    try:
        VirtualEnvironment().enter(("host",), __file__, sys.argv[1:])
    except SetupError as failure:
        fail(str(failure))

    from bench.differential.campaign import HostStartError, run_differential
    from bench.differential.case_run import Choice
    from bench.differential.presses import EXTRA_STEPS, MODES
    from bench.host.process import INTERRUPTED_EXIT_CODE
    from bench.real_host.server import demand_real_host

    demand_real_host()
    modes = tuple(mode for mode in EXTRA_STEPS if any(word in mode for word in options.mode)) or MODES
    words = (tuple(options.script), tuple(options.press), tuple(options.place))
    try:
        return run_differential(Choice(*words, modes, options.quick), options.hosts)
    except HostStartError as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return INTERRUPTED_EXIT_CODE


if __name__ == "__main__":
    sys.exit(main())
