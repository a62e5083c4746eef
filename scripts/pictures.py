"""Take every picture of the pages anew, from the running product. Makes its own environment.

Those of SD.Next itself need the real one, named by the environment variables SDNEXT_DIR and SDNEXT_PYTHON;
without it they stay as they are.

python scripts/pictures.py
python scripts/pictures.py --check
"""

from __future__ import annotations

import sys

TESTS = ("tests/browser/test_pictures.py", "tests/sdnext/test_pictures.py")


def main() -> int:
    """Return the command's exit code: 0 if every picture was taken, or shows today's words."""
    from bench.commands.checks import Check
    from bench.commands.command_line import OneLineParser, fail
    from bench.commands.environment import SetupError, VirtualEnvironment

    parser = OneLineParser(prog="pictures.py", description="Take every picture of the pages anew.")
    parser.add_argument(
        "--check", action="store_true", help="take none, and fail if one shows other words than today's page"
    )
    options = parser.parse_args()
    try:
        VirtualEnvironment().enter(("host", "tests"), __file__, sys.argv[1:])
    except SetupError as failure:
        fail(str(failure))
    taking = () if options.check else ("--take-pictures",)
    return Check("pictures", "pytest", ("-q", "-rs", *taking, *TESTS)).run()


if __name__ == "__main__":
    sys.exit(main())
