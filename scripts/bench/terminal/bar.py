"""A progress bar on the terminal, on stderr; where that is no terminal, a line for every tenth."""

from __future__ import annotations

import shutil
import sys
from typing import TextIO

BAR_WIDTH = 30


class TerminalBar:
    """One bar. `show` may be called from any one thread, `close` leaves the cursor on a fresh line."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._is_terminal = self._stream.isatty()
        self._tenths_shown = -1
        self._drawn = False

    def show(self, fraction: float, text: str) -> None:
        """Draw the bar at a fraction of 0 to 1 with a text behind it."""
        fraction = min(max(fraction, 0.0), 1.0)
        line = f"[{'#' * round(fraction * BAR_WIDTH):.<{BAR_WIDTH}}] {fraction:4.0%}  {text}"
        if self._is_terminal:
            columns = shutil.get_terminal_size().columns
            self._stream.write("\r" + line[: columns - 1].ljust(columns - 1))
            self._drawn = True
        elif int(fraction * 10) > self._tenths_shown:
            self._tenths_shown = int(fraction * 10)
            self._stream.write(line + "\n")
        self._stream.flush()

    def close(self) -> None:
        """End the bar's line."""
        if self._drawn:
            self._stream.write("\n")
            self._stream.flush()
            self._drawn = False
