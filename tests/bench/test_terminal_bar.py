"""The bar on the terminal."""

from __future__ import annotations

import io

import pytest

from bench.terminal.bar import TerminalBar


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """It is."""
        return True


def test_a_file_gets_a_line_for_every_tenth():
    """A log is not flooded by ten answers a second."""
    stream = io.StringIO()
    bar = TerminalBar(stream)
    for percent in range(0, 101, 2):
        bar.show(percent / 100, "denoise")
    assert len(stream.getvalue().splitlines()) == 11


def test_a_terminal_gets_one_line_that_is_drawn_over():
    """The cursor ends on a fresh line."""
    stream = Terminal()
    bar = TerminalBar(stream)
    bar.show(0.1, "a long text")
    bar.show(0.5, "short")
    bar.close()
    drawn = stream.getvalue().rstrip("\n").split("\r")[1:]
    assert len({len(line) for line in drawn}) == 1
    assert stream.getvalue().endswith("\n")


@pytest.mark.parametrize(("fraction", "percent"), [(-0.5, "  0%"), (1.7, "100%")])
def test_a_fraction_out_of_bounds_is_drawn_at_the_bound(fraction: float, percent: str):
    """A stock host may say anything."""
    stream = io.StringIO()
    TerminalBar(stream).show(fraction, "")
    assert f"] {percent}" in stream.getvalue()
