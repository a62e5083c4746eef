"""What is learned about durations, and the file that keeps it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.interleaving import run_at_each_instruction
from tests.virtual_clock import VirtualClock
from zluda_sync.core.files import JsonFile
from zluda_sync.core.learning.durations import MAX_ENTRIES, Durations
from zluda_sync.core.phase import BASE, DETAIL, HIRES, Phase
from zluda_sync.core.progress.forecast import forecast_whole
from zluda_sync.core.progress.part import Part
from zluda_sync.core.progress.shape import JobShape, PassShape
from zluda_sync.core.steps.ledger import Ledger

DECODE = (Phase.DECODE, BASE)


def file_at(path, warn) -> JsonFile[Durations]:
    return JsonFile(path, "learned durations", Durations.from_json, warn)


def shape_of(width_px: int = 512, steps: int = 20, **changes) -> JobShape:
    return JobShape(passes=(PassShape(BASE, steps, width_px, 512),), **changes)


def decode_of(seconds: float, shape: JobShape) -> tuple[Part, ...]:
    return (Part(Phase.DECODE, pixels=shape.base_pixels, began_at_s=10.0, left_at_s=10.0 + seconds),)


def learned(*jobs: tuple[JobShape, float]) -> Durations:
    durations = Durations()
    for shape, seconds in jobs:
        durations.learn(shape, decode_of(seconds, shape))
    return durations


def test_the_median_of_the_last_jobs_counts():
    """One job that was disturbed does not spoil what ten others have shown."""
    shape = shape_of()
    durations = learned(*[(shape, seconds) for seconds in (1.0, 1.1, 60.0, 0.9, 1.0)])
    assert 1.0 == durations.find(shape, DECODE, shape.base_pixels).unit_s


def test_an_unknown_shape_is_scaled_from_its_nearest_relative():
    """Twice the pixels take nearly twice the time, and the guess says that it is one."""
    durations = learned((shape_of(), 1.0), (shape_of(8192), 16.0))
    wider = shape_of(1024)
    rate = durations.find(wider, DECODE, wider.base_pixels)
    assert 1.6 <= rate.unit_s <= 2.4
    exact = durations.find(shape_of(), DECODE, shape_of().base_pixels)
    assert rate.spread > exact.spread


@pytest.mark.parametrize("other", [{"device": "another card"}, {"model": "another model"}])
def test_another_card_or_model_teaches_nothing(other):
    """Better no ETA than one of another machine."""
    shape = shape_of()
    assert learned((shape_of(**other), 1.0)).find(shape, DECODE, shape.base_pixels) is None


def test_a_part_that_was_never_seen_is_unknown():
    """Unknown is None."""
    shape = shape_of()
    assert learned((shape, 1.0)).find(shape, (Phase.ENCODE, BASE), shape.base_pixels) is None


def test_a_part_that_was_not_finished_teaches_nothing():
    """A job that broke off in mid-decode says nothing of decoding."""
    shape, durations = shape_of(), Durations()
    durations.learn(shape, (Part(Phase.DECODE, pixels=shape.base_pixels, began_at_s=1.0),))
    assert durations.find(shape, DECODE, shape.base_pixels) is None


def test_what_is_kept_is_bounded():
    """A year of different sizes does not grow the file without end; the newest stay."""
    jobs = [(shape_of(64 + 8 * index), 1.0) for index in range(MAX_ENTRIES + 20)]
    durations = learned(*jobs)
    assert MAX_ENTRIES == len(durations)
    newest = jobs[-1][0]
    assert durations.find(newest, DECODE, newest.base_pixels).spread < 0.1


def test_it_survives_the_file(tmp_path):
    """What is written is what is read."""
    file, warnings = tmp_path / "folder" / "durations.json", []
    durations = learned((shape_of(), 1.25), (shape_of(768), 2.5))
    file_at(file, warnings.append).save(durations.to_json())
    assert durations.to_json() == file_at(file, warnings.append).load().to_json()
    assert [] == warnings
    assert [file] == list(file.parent.iterdir())


def test_no_file_means_nothing_learned(tmp_path):
    """The first start is no reason for a message."""
    warnings = []
    assert file_at(tmp_path / "none.json", warnings.append).load() is None
    assert [] == warnings


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        '{"version": 99, "entries": []}',
        '{"version": 1}',
        '{"version": 1, "entries": [1]}',
        '{"version": 1, "entries": [{"device": ""}]}',
        '{"version": 1, "entries": "x"}',
        '{"version": 2}',
        '{"version": 2, "work": [1], "requests": []}',
        '{"version": 2, "work": [{"device": ""}], "requests": []}',
        '{"version": 2, "work": "x", "requests": []}',
        '{"version": 2, "work": [], "requests": [{"model": "m", "passes": []}]}',
        '{"version": 1e999, "entries": []}',
        "\x00\x01",
        "[" * 100_000,
    ],
)
def test_a_file_that_cannot_be_used_is_set_aside_with_a_message(tmp_path, text):
    """Nothing of it is lost, the message names it, and learning begins anew."""
    file, warnings = tmp_path / "durations.json", []
    file.write_text(text)
    assert file_at(file, warnings.append).load() is None
    assert 1 == len(warnings)
    assert str(file) in warnings[0]
    assert text == (tmp_path / "durations.broken.json").read_text()


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    """The job goes on; what was learned lasts until the host ends."""
    (tmp_path / "file").write_text("in the way")
    warnings = []
    file_at(tmp_path / "file" / "durations.json", warnings.append).save(learned((shape_of(), 1.0)).to_json())
    assert 1 == len(warnings)


KEYS = ["version", "entries", "parts", "denoise/base", "unit_s", "work", "requests", "came_passes"]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
        max_leaves=12,
    )
)
def test_any_tree_is_read_or_refused(tree):
    """Whatever stands in the file, reading gives durations or a ValueError."""
    try:
        Durations.from_json(tree)
    except ValueError:
        return
    json.dumps(tree)


@pytest.mark.parametrize("ask", ["find", "extras_of", "to_json"])
def test_who_asks_while_a_job_learns_is_told_what_was_known_before_or_after(ask):
    """A job learns between any two instructions of a poller: no error, and no mixture of the two."""
    shape = shape_of()
    relatives = [(shape_of(width_px), 2.0) for width_px in range(520, 544, 8)]
    answer = {
        "find": lambda durations: durations.find(shape, DECODE, shape.base_pixels),
        "extras_of": lambda durations: durations.outcome_of(shape).extras,
        "to_json": lambda durations: durations.to_json(),
    }[ask]
    detail = Part(Phase.DETAIL, DETAIL, pixels=shape.base_pixels, began_at_s=20.0, left_at_s=23.0)

    def prepare():
        durations = learned(*relatives, (shape, 1.0), *relatives)
        learn = lambda: durations.learn(shape, (*decode_of(0.8, shape), detail))  # noqa: E731
        return lambda: answer(durations), learn

    durations = learned(*relatives, (shape, 1.0), *relatives)
    before = answer(durations)
    durations.learn(shape, (*decode_of(0.8, shape), detail))
    after = answer(durations)
    assert before != after
    assert [] == [one for one in run_at_each_instruction(prepare) if one not in (before, after)]


def test_a_hires_job_is_foreseen_from_a_plain_one():
    """Its pass and decodes by their sizes, the decode between included; nothing of hires was ever seen."""
    plain = JobShape(passes=(PassShape(BASE, 12, 128, 128),))
    durations, steps = Durations(), Ledger(12, clock := VirtualClock())
    for step in range(12):
        steps.record_launch()
        clock.pass_time(0.3)
        steps.record_completion(step)
    loop = Part(Phase.DENOISE, pixels=128**2, began_at_s=0.0, left_at_s=3.6, ledger=steps)
    spans_s = {Phase.ENCODE: (0.0, 0.01), Phase.DECODE: (3.6, 4.4), Phase.SAVE: (4.4, 4.41)}
    others = (
        Part(phase, pixels=128**2, began_at_s=began_s, left_at_s=left_s)
        for phase, (began_s, left_s) in spans_s.items()
    )
    durations.learn(plain, (loop, *others))
    second = PassShape(HIRES, 12, 192, 192, is_from_picture=True)
    hires = JobShape(passes=(*plain.passes, second))
    expected_s = 12 * 0.3 + 0.8 + 12 * 0.3 * 1.5**2 + 0.8 * 1.5**2
    left = forecast_whole(hires, durations.memory_for(hires))
    assert expected_s == pytest.approx(left.remaining_s, rel=0.03)
    assert left.spread_s > 0.05 * expected_s
