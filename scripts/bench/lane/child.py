"""The process of one part: finds what it needs, runs the part, and ends without waiting for anything.

Started by the runner as a file, in the lane's repository and in the packed folder alike.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> None:
    """Run the part that the command line names. Ends the process."""
    root = Path(__file__).resolve().parents[3]
    sys.path[0] = str(root / "scripts")  # Python has put this file's folder there
    sys.path[1:1] = [str(root), str(root / "extensions" / "zluda_sync")]
    import argparse
    import importlib
    import threading
    import time

    parser = argparse.ArgumentParser()
    parser.add_argument("module")
    parser.add_argument("function")
    parser.add_argument("--part", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--limit-s", type=float, required=True)
    parser.add_argument("--site", default="")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    if options.site:  # behind all others: what the machine has itself is taken from there
        sys.path.append(options.site)

    threading.Thread(target=_end_with_runner, daemon=True).start()

    from bench.lane.report import Report

    report = Report(options.out, options.part, time.monotonic() + options.limit_s, options.quick)
    code = 0
    try:
        getattr(importlib.import_module(options.module), options.function)(report)
    except BaseException as error:  # noqa: BLE001  whatever it was, it is told, and the process ends
        report.fail("the part", error)
        code = 1
    report.end()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code or int(bool(report.failed)))  # threads inside a driver would hold up an orderly end


def _end_with_runner() -> None:
    """End this process when the runner is gone, however that ended: it holds the other end."""
    sys.stdin.buffer.read()
    os._exit(3)


if __name__ == "__main__":
    main()
