"""Serve the embedded host here, or run one job in it and print its figures. Makes its own environment.

python scripts/run_host.py
python scripts/run_host.py --once --steps 20 --mode run-ahead
"""

from __future__ import annotations

import argparse
import sys


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of this command's options."""
    from pathlib import Path

    from bench.commands.command_line import OneLineParser, WholeNumber, duration_ms
    from bench.commands.environment import REPOSITORY
    from bench.host.job import MODES, PROMPT

    parser = OneLineParser(
        prog="run_host.py",
        description="Serve the embedded host on 127.0.0.1, or with --once run one job in it without a page.",
        allow_abbrev=False,
    )
    host = parser.add_argument_group("host")
    host.add_argument("--data-dir", type=Path, default=REPOSITORY / ".host", help="for settings and pictures")
    host.add_argument("--extensions-dir", type=Path, help="folder of extensions (default: this repository's)")
    host.add_argument(
        "--model",
        metavar="DIR",
        help="diffusers folder (default: the one of coloured shapes that comes with this)",
    )
    host.add_argument("--device", choices=("auto", "emulated", "cuda", "cpu"), default="auto")
    host.add_argument("--step-ms", type=duration_ms, help="emulated device: time of one denoise step")
    host.add_argument("--encode-ms", type=duration_ms, help="emulated device: time of text encoding")
    host.add_argument("--decode-ms", type=duration_ms, help="emulated device: time of VAE decode")
    host.add_argument("--port", type=WholeNumber(0, 65535), help="0 takes a free one (default: 7860)")

    once = parser.add_argument_group("one job")
    once.add_argument("--once", action="store_true", help="run one job, print its figures as JSON, and end")
    once.add_argument("--prompt", help=f"what to draw (default: {PROMPT})")
    once.add_argument("--steps", type=WholeNumber(1, 1000), help="denoise steps (default: 20)")
    once.add_argument("--batch", type=WholeNumber(1, 100), help="pictures, one after the other (default: 1)")
    once.add_argument("--hires", action="store_true", help="add a second pass at a larger size")
    once.add_argument("--mode", choices=MODES, help="sync mode, over any saved profile (default: as saved)")
    once.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    once.add_argument(
        "--out", type=Path, metavar="FILE.png", help="write the picture here (default: in .host)"
    )
    return parser


def main() -> int:
    """Return the command's exit code."""
    from bench.commands.command_line import fail
    from bench.commands.environment import SetupError, VirtualEnvironment

    parser = build_parser()
    options = parser.parse_args()
    only_once = ("prompt", "steps", "batch", "hires", "mode", "json", "out")
    needless = [f"--{name}" for name in only_once if getattr(options, name)]
    if needless and not options.once:
        parser.error(f"{', '.join(needless)} needs --once")
    if options.once and options.port is not None:
        parser.error("--port makes no sense with --once")
    try:
        VirtualEnvironment().enter(("host",), __file__, sys.argv[1:])
    except SetupError as failure:
        fail(str(failure))

    from bench.host.once import run_once
    from bench.host.process import build_host_arguments, ends_in_one_line, prepare_process, serve

    prepare_process(draws_own_bar=options.once)
    if options.once:
        return ends_in_one_line(lambda: run_once(options))
    return ends_in_one_line(lambda: serve(build_host_arguments(options)))


if __name__ == "__main__":
    sys.exit(main())
