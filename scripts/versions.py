"""Tell on which releases of SD.Next, of torch and of Python the extension works.

The releases of SD.Next are folders that you name: nothing is fetched or installed.

What each release has of what the extension uses, from the source alone; needs a clone with its tags:

SDNEXT_DIR=/path/to/sdnext python scripts/versions.py

Real runs, each release with the Python that runs it:

python scripts/versions.py --run /path/to/sdnext=/path/to/its/python --run /path/to/older=/path/to/its/python

The tests of the inner rings, in environments with other releases of torch or of Python:

python scripts/versions.py --tests /path/to/a/python --tests /path/to/another/python
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> int:
    """Return the command's exit code: 0 if the extension works on all that was asked for, else 1."""
    from bench.commands.command_line import OneLineParser, fail
    from bench.commands.environment import SetupError, VirtualEnvironment

    parser = OneLineParser(
        prog="versions.py",
        description="Tell which release of SD.Next has what; run releases; test with other Pythons.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--run",
        action="append",
        default=[],
        metavar="FOLDER=PYTHON",
        help="measure the extension in the SD.Next of this folder",
    )
    parser.add_argument(
        "--tests",
        action="append",
        default=[],
        metavar="PYTHON",
        help="run the tests of the inner rings with this Python, which has torch and pytest",
    )
    parser.add_words("request", "ring")
    options = parser.parse_args()
    if options.run and options.tests:
        fail("--run and --tests are two measurements: ask for one")
    if options.tests:
        from bench.commands.ring_tests import run_ring_tests

        return run_ring_tests([Path(python) for python in options.tests], options.ring)
    if options.run:
        try:
            VirtualEnvironment().enter(("host",), __file__, sys.argv[1:])
        except SetupError as failure:
            fail(str(failure))

        from bench.real_host.releases import read_release, run_releases

        return run_releases([read_release(text) for text in options.run], options.request)

    from bench.contract.versions import run_versions

    folder = os.environ.get("SDNEXT_DIR")
    if not folder:
        fail("needs a clone of SD.Next: SDNEXT_DIR not set")
    return run_versions(Path(folder))


if __name__ == "__main__":
    sys.exit(main())
