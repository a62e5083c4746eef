"""The judge of previews: what is true, what is torn, what came too soon, and that it sees all three."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.truth.measured_job import PassTruth
from bench.truth.preview_judge import PreviewJudge, SeenPreview, Verdict, enlarge

STEPS, SIDE = 6, 8
PASSES = (
    PassTruth(completed_s=tuple(map(float, range(1, STEPS + 1)))),
    PassTruth(completed_s=tuple(map(float, range(11, 11 + STEPS)))),
)


@pytest.fixture
def pixels():
    """Of each pass and step."""
    chance = np.random.default_rng(1)
    return [[chance.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8) for _ in range(STEPS)] for _ in PASSES]


def seen(pixels, step, at_s, of_pass=0, zoom=1):
    """A preview of a step as it truly was, delivered at this time."""
    picture = enlarge(pixels[of_pass][step], zoom * SIDE, zoom * SIDE).clip(0, 255).astype(np.uint8)
    return SeenPreview(at_s, step, picture)


@pytest.mark.parametrize("zoom", [1, 8])
@pytest.mark.parametrize(("of_pass", "at_s"), [(0, 3.0), (0, 30.0), (1, 13.0)])
def test_a_true_preview_is_true(pixels, zoom, of_pass, at_s):
    """Of either pass, from the moment on at which its step was finished, at any size."""
    judged = PreviewJudge(pixels, PASSES).judge(seen(pixels, 2, at_s, of_pass, zoom))
    assert (Verdict.TRUE, True) == (judged.verdict, judged.is_told_apart)


@pytest.mark.parametrize(("of_pass", "at_s"), [(0, 2.9), (1, 12.9), (1, 3.0)])
def test_a_preview_of_a_step_that_is_not_finished_is_early(pixels, of_pass, at_s):
    """A step of the next pass too, though the pass before has finished one of that number."""
    assert Verdict.EARLY is PreviewJudge(pixels, PASSES).judge(seen(pixels, 2, at_s, of_pass)).verdict


def test_a_step_of_a_pass_that_never_began_is_early(pixels):
    """Nothing of it was finished."""
    assert Verdict.EARLY is PreviewJudge(pixels, PASSES[:1]).judge(seen(pixels, 2, 30.0, of_pass=1)).verdict


@pytest.mark.parametrize(("off_by", "verdict"), [(2, Verdict.TRUE), (3, Verdict.TORN)])
def test_roundings_to_bytes_are_no_tears(pixels, off_by, verdict):
    """Two levels of 255 may be rounding, three are not."""
    true = seen(pixels, 2, 30.0)
    picture = true.picture.copy()
    level = int(picture[4, 4, 1])
    picture[4, 4, 1] = level + off_by if level < 128 else level - off_by
    assert verdict is PreviewJudge(pixels, PASSES).judge(replace(true, picture=picture)).verdict


@pytest.mark.parametrize("other", [1, 3])
def test_another_step_under_this_number_is_torn(pixels, other):
    """The one before, and the one after."""
    off = replace(seen(pixels, other, 30.0), step=2)
    assert Verdict.TORN is PreviewJudge(pixels, PASSES).judge(off).verdict


def test_what_was_never_written_is_torn(pixels):
    """Memory that was read too soon holds anything."""
    true = seen(pixels, 2, 30.0)
    empty = replace(true, picture=np.full_like(true.picture, 127))
    assert Verdict.TORN is PreviewJudge(pixels, PASSES).judge(empty).verdict


def test_steps_that_look_alike_are_not_told_apart(pixels):
    """Then a preview of another one would pass, and the table says so."""
    pixels[0][3] = pixels[0][2]
    judged = PreviewJudge(pixels, PASSES).judge(seen(pixels, 2, 30.0))
    assert (Verdict.TRUE, False) == (judged.verdict, judged.is_told_apart)


@pytest.mark.parametrize("of_pass", [0, 1])
@pytest.mark.parametrize("zoom", [1, 8])
def test_what_is_spoiled_on_purpose_is_found(pixels, of_pass, zoom):
    """Two steps in one picture, one step off, and delivered too soon; each by its name."""
    judge = PreviewJudge(pixels, PASSES)
    spoiled = judge.spoil(seen(pixels, 2, 30.0, of_pass, zoom))
    assert {"delivered too soon", "two steps mixed", "one step off"} == set(spoiled)
    for expected, false in spoiled.values():
        assert expected is judge.judge(false).verdict
        assert expected is not Verdict.TRUE


def test_of_the_last_step_none_is_mixed_with_the_next(pixels):
    """There is none."""
    assert ["delivered too soon"] == list(PreviewJudge(pixels, PASSES).spoil(seen(pixels, 5, 30.0)))
