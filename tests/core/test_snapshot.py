"""What the user reads: what goes on, and after a Stop what is still awaited."""

from __future__ import annotations

import pytest

from zluda_sync.core.phase import BASE, HIRES, Phase
from zluda_sync.core.progress.snapshot import ProgressSnapshot
from zluda_sync.core.steps.policy import SyncMode
from zluda_sync.core.wishes.request_wishes import Ending


def snapshot(**changes) -> ProgressSnapshot:
    """Return one of a job in its sixth of twenty steps."""
    values = {
        "phase": Phase.DENOISE,
        "role": BASE,
        "image": 0,
        "images": 1,
        "is_compiling": False,
        "part_elapsed_s": 1.0,
        "is_host_ahead": False,
        "pass_index": 0,
        "completed": 5,
        "launched": 5,
        "total": 20,
        "elapsed_s": 2.0,
        "fraction": 0.2,
        "eta_s": 8.0,
        "eta_spread_s": 1.0,
        "mode": SyncMode.RUN_AHEAD,
        "rung": "planted-event",
    }
    return ProgressSnapshot(**{**values, **changes})


@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({}, "Denoise 5/20"),
        ({"phase": Phase.DECODE, "units": (3, 9)}, "VAE decode 3/9"),
        ({"phase": Phase.INTERPOLATE, "units": (1, 16)}, "Interpolate 1/16"),
        ({"phase": Phase.EXPORT}, "Saving video"),
        ({"images": 3, "image": 1}, "Image 2/3: Denoise 5/20"),
        ({"role": HIRES, "completed": 0, "launched": 0, "total": 60}, "Hires"),
        ({"role": HIRES, "completed": 0, "launched": 1, "total": 61}, "Hires 0/61"),
        ({"completed": 0, "launched": 0}, "Denoise 0/20"),
        ({"ending": Ending.STOP}, "Stopping: Denoise 5/20"),
        ({"ending": Ending.STOP, "launched": 6}, "Stopping: 1 queued step"),
        ({"ending": Ending.STOP, "launched": 20, "images": 3}, "Stopping: 15 queued steps"),
        ({"ending": Ending.STOP, "phase": Phase.DECODE}, "Stopping: VAE decode"),
        ({"ending": Ending.SKIP, "launched": 7}, "Skipping: 2 queued steps"),
        ({"ending": Ending.STOP_AFTER_IMAGE}, "Denoise 5/20, then stop"),
        ({"is_paused": True, "images": 3}, "Paused: Image 1/3: Denoise 5/20"),
        ({"is_paused": True, "ending": Ending.STOP}, "Stopping: Denoise 5/20"),
        ({"silence_s": 34.6}, "Denoise 5/20, nothing finished for 35 s"),
        ({"notice": "event lied", "is_notice_new": True}, "Denoise 5/20 (event lied)"),
        ({"notice": "event lied"}, "Denoise 5/20"),
        ({"silence_s": 34.6, "ending": Ending.STOP}, "Stopping: Denoise 5/20"),
    ],
)
def test_the_label_says_what_is_awaited(changes, label):
    """Queued work cannot be called back: a Stop names it."""
    assert label == snapshot(**changes).label


@pytest.mark.parametrize(
    ("eta_s", "spread_s", "range_s"),
    [
        (None, None, (None, None)),
        (100.0, 15.0, (None, None)),
        (100.0, 15.5, (84.5, 115.5)),
        (4.0, 0.9, (None, None)),
        (4.0, 1.0, (3.0, 5.0)),
        (0.5, 1.0, (None, None)),
        (0.5, 2.0, (0.0, 2.5)),
    ],
)
def test_an_eta_is_a_range_where_one_figure_would_promise_too_much(eta_s, spread_s, range_s):
    """Off by more than 15 %, and by seconds that somebody would notice; never before now."""
    made = snapshot(eta_s=eta_s, eta_spread_s=spread_s)
    assert range_s == (made.eta_low_s, made.eta_high_s)
