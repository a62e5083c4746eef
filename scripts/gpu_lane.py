"""Measure networks of real sizes on a GPU, here or packed for another machine.

python scripts/gpu_lane.py --out DIR
python scripts/gpu_lane.py --pack FOLDER
"""

from __future__ import annotations

import sys


def main() -> int:
    """Return the command's exit code."""
    from pathlib import Path

    from bench.commands.command_line import fail
    from bench.commands.environment import SetupError, VirtualEnvironment
    from bench.lane.gpu_lane import build_parser, run
    from bench.lane.pack import ENTRY, pack

    parser = build_parser("gpu_lane.py")
    parser.add_argument(
        "--pack",
        type=Path,
        metavar="FOLDER",
        help="run nothing: make the folder that travels to another machine",
    )
    options = parser.parse_args()
    if options.pack is not None and options.out is not None:
        fail("--pack runs nothing: leave out --out")
    try:
        if options.pack is None:
            VirtualEnvironment().enter(("host",), __file__, sys.argv[1:])
            return run(options)
        size_bytes = pack(options.pack)
    except (SetupError, OSError) as failure:
        fail(str(failure))
    print(f"{options.pack}: {size_bytes / 2**20:.1f} MiB")
    print(f"Copy it to the machine with the GPU, and run there: python3 {ENTRY} --out DIR")
    return 0


if __name__ == "__main__":
    sys.exit(main())
