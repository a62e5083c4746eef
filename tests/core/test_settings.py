"""Settings: bad values are named and replaced."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zluda_sync.core.barrier import BarrierPolicy, SyncMode
from zluda_sync.core.settings import DEFAULTS, DEPTH, ENABLED, GATE, MODE, PREVIEW, parse_settings


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
    assert [field] == [problem.field for problem in problems]
    assert field in problems[0].text and "must be" in problems[0].text and "Settings" in problems[0].text
    assert len(problems[0].text) < 250


@pytest.mark.parametrize(
    ("values", "expected"), [({ENABLED: False}, False), ({MODE: "off"}, False), ({}, True)]
)
def test_unchecked_and_off_both_mean_nothing_is_installed(values, expected):
    """Two ways to say the same."""
    settings, _problems = parse_settings(values)
    assert expected == settings.wants_to_act


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
    assert {problem.field for problem in problems} <= set(values)
