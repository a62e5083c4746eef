"""What the commands share in reading their options and in failing: one clear line, exit code 2."""

from __future__ import annotations

import argparse
import sys
from typing import NoReturn

USAGE_EXIT_CODE = 2
LONGEST_MS = 600_000


class OneLineParser(argparse.ArgumentParser):
    """An argument parser whose complaint is one line; `--help` still prints everything."""

    def error(self, message: str) -> NoReturn:
        """Print the complaint and exit with code 2."""
        fail(f"{message} (see {self.prog} --help)")

    def add_words(self, *names: str) -> None:
        """Add an option for each name that chooses among things by words in their names; none chooses all."""
        for name in names:
            self.add_argument(
                f"--{name}",
                action="append",
                default=[],
                metavar="WORD",
                help=f"only what has this in the name of its {name}",
            )


def fail(message: str) -> NoReturn:
    """Print one line on stderr and exit with code 2."""
    print(f"error: {' '.join(message.split())}", file=sys.stderr, flush=True)
    raise SystemExit(USAGE_EXIT_CODE)


class WholeNumber:
    """An argparse type: a whole number within bounds, both included."""

    def __init__(self, smallest: int, largest: int) -> None:
        self.smallest = smallest
        self.largest = largest

    def __call__(self, text: str) -> int:
        """Read the number.

        Raises:
            argparse.ArgumentTypeError: it is no whole number or out of bounds.
        """
        complaint = f"{text!r} is not a whole number, {self.smallest} to {self.largest}"
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(complaint) from None
        if not self.smallest <= number <= self.largest:
            raise argparse.ArgumentTypeError(complaint)
        return number


def duration_ms(text: str) -> float:
    """An argparse type: milliseconds, 0 to ten minutes.

    Raises:
        argparse.ArgumentTypeError: it is no such number.
    """
    complaint = f"{text!r} is not a number of milliseconds, 0 to {LONGEST_MS}"
    try:
        value_ms = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(complaint) from None
    if not 0 <= value_ms <= LONGEST_MS:
        raise argparse.ArgumentTypeError(complaint)
    return value_ms
