"""Settings: bad values are named and replaced."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.options import DEPTH, ENABLED, GATE, MODE, PREVIEW
from zluda_sync.core.records.self_test_report import RungVerdict, SelfTestReport
from zluda_sync.core.settings.settings import DEFAULTS, parse_settings
from zluda_sync.core.steps.policy import BarrierPolicy, SyncMode


def test_nothing_set_means_the_defaults():
    """A fresh config.json has none of our keys."""
    assert (DEFAULTS, ()) == parse_settings({})


def test_the_users_values_are_used():
    """What the settings page writes is what is read."""
    settings, problems = parse_settings({ENABLED: True, MODE: "run-ahead", DEPTH: 3})
    assert ((), BarrierPolicy(SyncMode.RUN_AHEAD, 3)) == (problems, settings.policy(None))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (ENABLED, "yes"),
        (ENABLED, 1),
        (MODE, "fastest"),
        (MODE, None),
        (MODE, ["run-ahead"]),
        (MODE, {"mode": "off"}),
        (GATE, "amd"),
        (GATE, 3),
        (DEPTH, 0),
        (DEPTH, 17),
        (DEPTH, 1.5),
        (DEPTH, "2"),
        (DEPTH, True),
        (DEPTH, None),
        (DEPTH, float("nan")),
        (DEPTH, float("inf")),
        (DEPTH, "x" * 10_000),
    ],
)
def test_a_bad_value_is_named_and_replaced(field, value):
    """The message names the field, what is allowed and the remedy, in one short line."""
    settings, problems = parse_settings({field: value})
    assert DEFAULTS == settings
    assert [field] == [problem.where for problem in problems]
    assert field in problems[0].text and "must be" in problems[0].text and "Settings" in problems[0].text
    assert len(problems[0].text) < 250


def test_a_misspelt_name_is_told_with_the_right_one():
    """Nobody looks for a setting that seems to be set already."""
    _settings, problems = parse_settings({"zluda_sync_dept": 3, "zluda_sync": {}, "other": 1})
    assert ["zluda_sync_dept"] == [problem.where for problem in problems]
    assert "did you mean zluda_sync_depth?" in problems[0].text


@pytest.mark.parametrize(
    ("values", "expected"), [({ENABLED: False}, False), ({MODE: "off"}, False), ({}, True)]
)
def test_unchecked_and_off_both_mean_nothing_is_installed(values, expected):
    """Two ways to say the same."""
    settings, _problems = parse_settings(values)
    assert expected == settings.is_on


@given(
    st.dictionaries(
        st.sampled_from([ENABLED, MODE, DEPTH, PREVIEW, GATE]),
        st.one_of(
            st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9), st.lists(st.integers())
        ),
    )
)
def test_no_value_can_break_the_reading(values):
    """Whatever stands in config.json, the settings are usable."""
    settings, problems = parse_settings(values)
    assert isinstance(settings.policy(None), BarrierPolicy)
    assert {problem.where for problem in problems} <= set(values)


TESTED = SelfTestReport(
    work_s=0.2,
    queued_s=0.0,
    probe_queued_s=0.1,
    probe_total_s=0.4,
    rungs=(RungVerdict("planted-event", True, cost_s=0.0),),
)
BLOCKING = SelfTestReport(work_s=0.2, queued_s=0.2)


@pytest.mark.parametrize(
    ("report", "mode"),
    [
        (None, SyncMode.EVERY_STEP),
        (TESTED, SyncMode.RUN_AHEAD),
        (BLOCKING, SyncMode.EVERY_STEP),
        (TESTED.distrusting("planted-event", "lied"), SyncMode.EVERY_STEP),
    ],
)
def test_auto_goes_by_the_self_test(report, mode):
    """Running ahead is for devices on which steps were truly told apart; the depth is the user's."""
    assert BarrierPolicy(mode, 2) == parse_settings({DEPTH: 2})[0].policy(report)


@pytest.mark.parametrize("mode", ["every-step", "run-ahead", "observe"])
def test_the_users_mode_is_not_overruled(mode):
    """Who has chosen a mode gets it, whatever a self-test says."""
    settings, _problems = parse_settings({MODE: mode})
    assert {mode} == {settings.policy(report).mode.value for report in (None, TESTED, BLOCKING)}


def test_auto_waits_for_no_whole_queue_where_the_host_does_not():
    """Who has switched SD.Next's own synchronize off gets no other in its place."""
    settings, _problems = parse_settings({})
    modes = [settings.policy(report, may_sync=False).mode for report in (None, TESTED)]
    assert [SyncMode.OBSERVE, SyncMode.RUN_AHEAD] == modes


def test_auto_believes_what_was_seen_in_use_more_than_a_test():
    """A device that blocks by itself was seen to be left behind: then waiting each step is not needed."""
    settings, _problems = parse_settings({})
    assert SyncMode.RUN_AHEAD is settings.policy(BLOCKING, is_seen_ahead=True).mode
