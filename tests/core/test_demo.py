"""``python -m zluda_sync demo``: one job as its queue tells it, and as it is."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

import pytest

from zluda_sync import __main__ as command
from zluda_sync import demo

DROP_IN = Path(demo.__file__).parents[1]
LINE = re.compile(r"(\d+)% (?:(\d+) s left)? *\| \S+ +(\d+)% (?:(\d+) s left)? *(.*?) +([\d.]+) s")


class Terminal(io.StringIO):
    """Text that says whether it is a terminal, and what it can write."""

    def __init__(self, is_terminal: bool = False, encoding: str = "utf-8") -> None:
        super().__init__()
        self._is_terminal, self._encoding = is_terminal, encoding

    @property
    def encoding(self) -> str:
        return self._encoding

    def isatty(self) -> bool:
        return self._is_terminal


class Time:
    """A clock that a sleep moves."""

    now_s = 100.0

    def clock(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


def run(**terminal) -> str:
    """What the demo writes."""
    time, out = Time(), Terminal(**terminal)
    assert 0 == demo.run_demo(out, time.clock, time.sleep)
    assert 8 < time.now_s - 100 < 12
    return out.getvalue()


def test_the_one_bar_is_full_at_once_and_the_other_is_true():
    """Read line by line, as where there is no terminal."""
    lines = [LINE.search(line) for line in run().splitlines() if "|" in line]
    assert 9 <= len(lines) <= 11
    total_s = float(lines[-1][6])
    for found in lines[1:-1]:
        truth = 100 * float(found[6]) / total_s
        assert "100" == found[1]
        assert abs(int(found[3]) - truth) < 6
        assert abs(int(found[4]) - (total_s - float(found[6]))) < 1.5
    assert "VAE decode" in {found[5] for found in lines}


def test_the_closing_words_say_how_far_off_each_was():
    """The mean over all that was shown."""
    found = re.search(
        r"100 % after ([\d.]+) s, .* after ([\d.]+) s; off by (\d+)%(?s:.*)off by ([\d.]+)%", run()
    )
    full_s, total_s, queued, finished = map(float, found.groups())
    assert full_s < total_s / 10
    assert queued > 40
    assert 0 < finished < 5


def test_a_terminal_has_one_line_that_is_drawn_over():
    """Ten times a second, and no wider than it is."""
    drawn = run(is_terminal=True).split("\r")[1:]
    assert 80 < len(drawn)
    assert {1} == {len(text.splitlines()) for text in drawn[:-1]}
    assert all(len(text) < 80 for text in drawn[:-1])


@pytest.mark.parametrize("columns", [64, 63, 49, 48, 40, 29, 20])
def test_in_a_narrow_terminal_nothing_wraps(monkeypatch, columns):
    """A line that wraps would leave one behind each time it is drawn; words are broken between two."""
    monkeypatch.setenv("COLUMNS", str(columns))
    drawn = run(is_terminal=True).split("\r")[1:]
    assert all(len(text) < columns for text in drawn[:-1])
    assert ("VAE decode" in drawn[-5]) == (columns >= 64)
    assert ("s left" in drawn[-5]) == (columns >= 49)
    assert drawn[-5].endswith(" s") or columns < 29
    prose = run(is_terminal=True).replace("\r", "\n").splitlines()
    assert all(len(line) < columns or " " not in line for line in prose)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_what_cannot_write_blocks_gets_plain_signs(encoding):
    """A console of Windows may know no others."""
    text = run(encoding=encoding)
    assert text.encode(encoding)
    assert "#" in text


def test_it_needs_nothing_but_python():
    """Neither torch nor diffusers is loaded, and a bare Python runs it."""
    code = (
        "import sys; from zluda_sync import __main__ as c; from zluda_sync import demo; "
        "demo.STEPS, demo.QUEUE_S, demo.STEP_S = 2, 0.001, 0.1; assert c.main(['demo']) == 0; "
        "assert not {'torch', 'diffusers', 'numpy'} & set(sys.modules)"
    )
    code = f"import sys; sys.path.insert(0, {str(DROP_IN)!r}); {code}"
    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True)


def test_ctrl_c_ends_it_without_a_traceback(monkeypatch, capsys):
    """With the exit code of a shell."""
    monkeypatch.setattr(demo, "run_demo", lambda out: (_ for _ in ()).throw(KeyboardInterrupt))
    assert command.INTERRUPTED_EXIT_CODE == command.main(["demo"])


def test_without_a_command_it_says_what_there_is(capsys):
    """One line of usage, and exit code 2."""
    with pytest.raises(SystemExit) as ended:
        command.main([])
    assert 2 == ended.value.code
    assert "demo" in capsys.readouterr().err
