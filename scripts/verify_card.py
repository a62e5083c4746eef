"""Check the card of this machine: is its bar true, and what does run-ahead save? Needs no SD.Next.

python scripts/verify_card.py
python scripts/verify_card.py --emulated
python scripts/verify_card.py --json result.json
"""

from __future__ import annotations

import sys


def main() -> int:
    """Return the command's exit code: 0 if all is as it should be, 1 if not or unsure, 2 without a GPU."""
    from pathlib import Path

    from bench.commands.command_line import OneLineParser, fail
    from bench.commands.environment import SetupError, VirtualEnvironment

    parser = OneLineParser(
        prog="verify_card.py",
        description="Check the card of this machine in about a minute, and say what was found. A first run "
        "compiles kernels before, which can take minutes more.",
        allow_abbrev=False,
    )
    parser.add_argument("--emulated", action="store_true", help="check the emulated device instead")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was found here too")
    options = parser.parse_args()
    try:
        VirtualEnvironment().enter(("host",), __file__, sys.argv[1:])
    except SetupError as failure:
        fail(str(failure))

    from bench.host.process import ends_in_one_line, import_extension, prepare_process

    prepare_process(draws_own_bar=True)
    import_extension()
    from bench.card.verify import run_verify

    return ends_in_one_line(lambda: run_verify(options.emulated, options.json))


if __name__ == "__main__":
    sys.exit(main())
