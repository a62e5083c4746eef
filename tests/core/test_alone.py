"""Work that makes no pictures: bar and time left of what is upscaled, or loaded, under a virtual clock."""

from __future__ import annotations

import pytest

from tests.virtual_clock import VirtualClock
from zluda_sync.core.learning.durations import Durations
from zluda_sync.core.phase import ALONE, DETAIL, Phase
from zluda_sync.core.progress.job import Job
from zluda_sync.core.progress.shape import JobShape, PassShape
from zluda_sync.core.records.job_record import build_title
from zluda_sync.core.settings.conditions import JobTraits
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.core.steps.policy import SyncMode

TILE_S, TILES = 0.3, 9
FILES = JobShape(
    model="upscaler",
    images=3,
    passes=(PassShape(ALONE, None, 128, 128),),
    phases=(Phase.UPSCALE,),
)
TEXT = JobShape(passes=(PassShape(ALONE, None, 512, 512),), phases=(Phase.CAPTION,))
MOST_TOKENS, TOKEN_S = 100, 0.05
LOAD = JobShape(model="load", passes=(PassShape(ALONE, None, 512, 512),), phases=(Phase.LOAD,))


def upscale(clock: VirtualClock, job: Job, image: int, tiles: int) -> None:
    """Upscale a picture as far as so many tiles."""
    part = job.begin_part(Phase.UPSCALE, ALONE, image)
    blocks = Ledger(TILES, clock)
    job.attach_blocks(part, blocks)
    for tile in range(tiles):
        clock.pass_time(TILE_S)
        blocks.record_launch()
        blocks.record_completion(tile)


def test_nothing_is_said_of_a_picture_before_its_first_tile():
    """A bar that begins with a guess would stand there, for it never falls."""
    clock = VirtualClock()
    job = Job(SyncMode.RUN_AHEAD, FILES, clock=clock)
    job.begin_part(Phase.UPSCALE, ALONE, 0)
    clock.pass_time(TILE_S)
    snapshot = job.snapshot()
    assert (0.0, None) == (snapshot.fraction, snapshot.eta_s)


def test_tiles_tell_of_the_pictures_to_come():
    """A third of the first of three pictures is a ninth of all."""
    clock = VirtualClock()
    job = Job(SyncMode.RUN_AHEAD, FILES, clock=clock)
    upscale(clock, job, 0, TILES // 3)
    assert pytest.approx(1 / 9, abs=0.02) == job.snapshot().fraction


def test_a_picture_that_is_detailed_has_no_bar_before_its_first_step():
    """How many steps come is not asked for, so nothing is known until the loop begins."""
    clock = VirtualClock()
    shape = JobShape(passes=(PassShape(DETAIL, None, 128, 128),), phases=(Phase.DETAIL, Phase.DECODE))
    job = Job(SyncMode.RUN_AHEAD, shape, clock=clock)
    for phase in (Phase.DETAIL, Phase.ENCODE):
        job.begin_part(phase, DETAIL)
        clock.pass_time(0.5)
        assert 0.0 == job.snapshot().fraction


@pytest.mark.parametrize(
    ("shape", "phase"), [(LOAD, Phase.LOAD), (FILES, Phase.UPSCALE)], ids=["loading", "upscaling"]
)
def test_how_long_it_takes_is_learned(shape, phase):
    """The second time the bar and the time left are right from the beginning, without any tile."""
    durations = Durations()
    for run in range(2):
        clock = VirtualClock()
        job = Job(SyncMode.RUN_AHEAD, shape, durations.memory_for(shape), clock)
        for image in range(shape.images):
            job.begin_part(phase, ALONE, image)
            clock.pass_time(1.0)
            if run == 1 and image == 0:
                half = job.snapshot()
            clock.pass_time(1.0)
        job.end_parts()
        durations.learn(shape, job.parts)
    assert pytest.approx(2.0 * shape.images - 1.0, abs=0.1) == half.eta_s
    assert pytest.approx(1.0 / (2.0 * shape.images), abs=0.05) == half.fraction


def write(clock: VirtualClock, job: Job, tokens: int) -> None:
    """Write so many tokens of a text."""
    part = job.begin_part(Phase.CAPTION, ALONE)
    if part.blocks is None:
        job.attach_blocks(part, Ledger(MOST_TOKENS, clock))
    assert part.blocks is not None
    for _ in range(tokens):
        clock.pass_time(TOKEN_S)
        part.blocks.record_launch()
        part.blocks.record_completion(part.blocks.launched - 1)


def test_what_a_text_took_is_learned_and_not_the_most_that_it_may_take():
    """Most texts end long before the most tokens that may come; the first time that is all that is known."""
    durations, tokens = Durations(), 20
    etas_s = []
    for _ in range(2):
        clock = VirtualClock()
        job = Job(SyncMode.RUN_AHEAD, TEXT, durations.memory_for(TEXT), clock)
        write(clock, job, tokens // 2)
        etas_s.append(job.snapshot().eta_s)
        write(clock, job, tokens // 2)
        job.end_parts()
        durations.learn(TEXT, job.parts)
    assert etas_s[0] > (MOST_TOKENS - tokens) * TOKEN_S * 0.8
    assert pytest.approx(tokens / 2 * TOKEN_S, abs=0.1) == etas_s[1]


def test_tokens_are_told():
    """The label shows that something lives, where no one knows how many come."""
    clock = VirtualClock()
    job = Job(SyncMode.RUN_AHEAD, TEXT, clock=clock)
    for label in ("Caption 1 token", "Caption 2 tokens"):
        write(clock, job, 1)
        assert label == job.snapshot().label


def test_the_record_says_what_was_done():
    """No picture was made, so none is counted as made."""
    clock = VirtualClock()
    job = Job(SyncMode.RUN_AHEAD, FILES, clock=clock)
    upscale(clock, job, 0, TILES)
    assert "3 images upscaled" == build_title(JobTraits(), job.parts)
    described = Job(SyncMode.RUN_AHEAD, TEXT, clock=clock)
    assert "1 image described" == build_title(JobTraits(), described.parts)
    loading = Job(SyncMode.RUN_AHEAD, LOAD, clock=clock)
    assert "loading a model" == build_title(JobTraits(), loading.parts)
