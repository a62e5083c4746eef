"""The printed table."""

from __future__ import annotations

from bench.terminal.table import build_table


def test_columns_line_up_and_unknown_is_a_dash():
    """Every line ends its first number column at the same place, and None is never 0."""
    lines = build_table(
        [
            {"case": "1 image", "mode": "observe", "run": "first", "total_s": 3.2, "falls": 0},
            {"case": "hires", "mode": "stock, sync on", "run": "learned", "total_s": 123.456, "falls": None},
        ]
    ).splitlines()
    end = lines[0].index("total s") + len("total s")
    assert [line[:end].split()[-1] for line in lines[2:]] == ["3.20", "123.46"]
    falls_end = lines[0].index("falls") + len("falls")
    assert [line[falls_end - 1] for line in lines[2:]] == ["0", "-"]
