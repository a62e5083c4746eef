"""Stand-in for SD.Next's modules/cmd_args.py: the command line. Importing it never reads `sys.argv`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

parser = argparse.ArgumentParser(prog="run_host", description="Embedded stand-in host for SD.Next extensions")
add = parser.add_argument
add("--data-dir", default=str(Path(__file__).parents[1] / ".host"), help="config.json, models and outputs")
add("--extensions-dir", default=None, help="folder of extensions (default: extensions/ of this repository)")
add("--config", default=None, help="settings file (default: config.json in the data folder)")
add("--port", type=int, default=7860, help="port on 127.0.0.1; 0 takes a free one")
add("--model", default=None, help="diffusers folder (default: a tiny one with random weights is made)")
add("--device", choices=["auto", "emulated", "cuda", "cpu"], default="auto")
add(
    "--step-ms",
    type=float,
    default=150,
    help="emulated device: one guided denoise step at 256x256, one image",
)
add("--encode-ms", type=float, default=100, help="emulated device: encoding prompt and negative prompt")
add("--decode-ms", type=float, default=500, help="emulated device: VAE decode at 256x256, one image")
add("--debug", action="store_true", help="log at debug level")
parser.set_defaults(lowvram=False, medvram=False, profile=False, freeze=False, auth=None, auth_file=None)


def parse_args(argv: Sequence[str] = ()) -> argparse.Namespace:
    """Parse `argv`; without it, the defaults."""
    return parser.parse_args(list(argv))
