"""Check reports on cards that strangers have sent, and merge them into the page of cards that were tried.

A file holds a report, or the text of an issue in which one stands. Needs Python alone.

python scripts/read_reports.py issue-12.md report.json
python scripts/read_reports.py --check report.json
"""

from __future__ import annotations

import sys


def main() -> int:
    """Return the command's exit code: 0 if every report is good, else 1."""
    from pathlib import Path

    from bench.commands.command_line import OneLineParser, fail
    from bench.commands.environment import REPOSITORY

    parser = OneLineParser(
        prog="read_reports.py",
        description="Check reports on cards, and merge them into the page of cards that were tried.",
        allow_abbrev=False,
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a report, or an issue with one")
    parser.add_argument("--check", action="store_true", help="only check: leave the page as it is")
    options = parser.parse_args()
    sys.path.insert(0, str(REPOSITORY / "extensions" / "zluda_sync"))

    from bench.reports.cards_page import merge_into_page, why_left_out
    from bench.reports.reading import read_reports

    read = [one for file in options.files for one in read_reports(file)]
    listed = []
    for one in read:
        left_out = why_left_out(one.report) if one.report is not None else ""
        if one.report is None:
            print(f"{one.where}: {one.problem}", file=sys.stderr)
        elif left_out:
            print(f"{one.where}: {left_out}")
        else:
            listed.append(one.report)
    bad = sum(one.report is None for one in read)
    try:
        new = 0 if options.check else merge_into_page(listed)
    except (OSError, ValueError) as error:
        fail(str(error))
    print(f"{len(read) - bad} good, {bad} bad, {len(listed)} of cards, {new} new rows")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
