"""The lane's options, here and in the packed folder, and its verdict."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.commands.command_line import OneLineParser, fail
from bench.lane.parts import PARTS
from bench.lane.runner import LIMIT_S, ROOT, Lane, choose, empty, find_added_syncs, read_leads


def build_parser(prog: str) -> OneLineParser:
    """Return the parser of the options that a run takes."""
    parser = OneLineParser(
        prog=prog,
        description="Measure networks of real sizes on the GPU at hand, else on the emulated device.",
        allow_abbrev=False,
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="for tables and summary.md; needed to run")
    parser.add_argument("--limit-s", type=float, default=LIMIT_S, help="longest time (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter cases")
    parser.add_argument("--emulated", action="store_true", help="the emulated device, though there be a GPU")
    names = ", ".join(part.name for part in PARTS)
    parser.add_argument("--part", action="append", default=[], metavar="NAME", help=f"only this: {names}")
    return parser


def main(arguments: Sequence[str] | None = None, prog: str = "run_lane.py") -> int:
    """Return the command's exit code: 0 if every part was done, and nothing was reported too early."""
    return run(build_parser(prog).parse_args(arguments))


def run(options: argparse.Namespace) -> int:
    """Run the lane as the options say, and return the exit code."""
    if options.out is None:
        fail("--out DIR is needed")
    try:
        parts = choose(options.part)
    except ValueError as error:
        fail(str(error))
    # The end of the process is then an orderly one, which ends the part that runs.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(128 + signal.SIGTERM))
    empty(options.out)
    lane = Lane(options.out, options.limit_s, options.quick, options.emulated, parts)
    return end(lane.run(), options.out)


def run_gpu_lane(quick: bool) -> int:
    """Run the whole lane from the repository; what it finds is kept in `.host/gpu_lane`."""
    out = ROOT / ".host" / "gpu_lane"
    return main(["--out", str(out), *(["--quick"] if quick else [])], prog="measure.py --gpu")


def end(is_done: bool, out: Path) -> int:
    """Print the summary and the verdict, and return the exit code."""
    print("\n" + (out / "summary.md").read_text(encoding="utf-8"))
    leads, added = read_leads(out), find_added_syncs(out)
    if leads:
        print(f"{leads} times a step was reported before it was finished", file=sys.stderr)
    if added:
        print(f"observe waits: {added[0]}", file=sys.stderr)
    print(f"All tables: {out}")
    return 0 if is_done and not leads and not added else 1
