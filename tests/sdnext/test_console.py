"""In the real SD.Next, the bar in its console says what the device has finished."""

from __future__ import annotations

import re
import time

import pytest

from tests.sdnext.server import finished

#: SD.Next's style: rate, bar, share, count, times, name of the pass.
BAR = re.compile(r"Progress .*?(\d+)/(\d+) \d\d:\d\d")


class Console:
    """What the server writes from now on."""

    def __init__(self, server):
        self._log = server.log
        self._begin = self._log.stat().st_size
        self.looks: list[tuple[float, int]] = []

    @property
    def text(self):
        return self._log.read_bytes()[self._begin :].decode(errors="replace")

    @property
    def bars(self):
        """Count and total of each bar that was drawn, in order."""
        return [(int(count), int(total)) for count, total in BAR.findall(self.text)]

    def look(self, _poll):
        """Note the count that stands on the console now."""
        bars = self.bars
        if bars:
            self.looks.append((time.time(), bars[-1][0]))

    def leads(self, ends_s):
        """Return how often the console was ahead of the device."""
        return sum(count > finished(ends_s, at_s) for at_s, count in self.looks)


@pytest.mark.parametrize("mode", ["every-step", "run-ahead", "observe"])
def test_the_console_is_never_ahead_of_the_device(server, mode):
    """One line, in SD.Next's own style, that goes up with the device and is full at the end."""
    server.set_options(zluda_sync_enabled=True, zluda_sync_mode=mode, torch_sync=False)
    console = Console(server)
    job = server.run_job(on_poll=console.look)
    counts = [count for count, _total in console.bars]
    assert 0 == console.leads(job.loops[0])
    assert len({count for _at_s, count in console.looks}) >= 8
    assert sorted(counts) == counts
    assert (12, 12) == console.bars[-1]
    assert re.search(r"\rProgress [^\r]* 12/12 [^\r]*Base[^\r]*\n", console.text)
    assert "Traceback" not in console.text


def test_two_passes_are_two_lines(server):
    """A hires pass begins its bar below the first, even where SD.Next has queued it long before."""
    server.set_options(zluda_sync_enabled=True, zluda_sync_mode="observe", torch_sync=False)
    hires = {"enable_hr": True, "hr_scale": 1.5, "hr_second_pass_steps": 6, "hr_resize_mode": 1}
    console = Console(server)
    job = server.run_job(steps=8, denoising_strength=0.5, hr_upscaler="Latent Nearest", **hires)
    assert 2 == len(job.loops)
    # What stands in a line at its end; lines of the log take the bar's place meanwhile.
    left = [BAR.findall(line.rpartition("\r")[2]) for line in console.text.split("\n")]
    assert [[("8", "8")], [("6", "6")]] == [bars for bars in left if bars]
    totals = [total for _count, total in console.bars]
    assert [8] * totals.count(8) + [6] * totals.count(6) == totals


def test_off_the_console_is_ahead(server):
    """The defect: SD.Next's own bar is full while the device has hardly begun."""
    if not server.can_switch_its_sync:
        pytest.skip("this version of SD.Next always synchronizes")
    server.set_options(zluda_sync_enabled=True, zluda_sync_mode="off", torch_sync=False)
    console = Console(server)
    job = server.run_job(on_poll=console.look)
    assert console.leads(job.loops[0]) > 0
