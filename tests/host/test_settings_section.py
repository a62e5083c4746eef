"""The section in the host's settings: one row for each setting, with its words and limits."""

from __future__ import annotations

import gradio
import pytest

from modules import shared
from tests.options import PROFILE
from zluda_sync.core.settings.fields import Group
from zluda_sync.core.settings.profiles import ENTRY
from zluda_sync.core.settings.settings import FIELDS


@pytest.fixture
def rows(bench):
    """What stands in our section, by name."""
    bench.session.register_options()
    labels = shared.opts.data_labels
    return {name: row for name, row in labels.items() if row.section == ("zluda_sync", "ZLUDA Sync")}


def arguments_of(row):
    return row.component_args() if callable(row.component_args) else row.component_args


def test_every_setting_has_a_row_and_every_row_a_setting(rows):
    """Both ways; what is more are headings, in the order of the groups."""
    headings = [row.default for row in rows.values() if row.component is gradio.HTML]
    assert [one.option for one in FIELDS] == [
        n for n, row in rows.items() if row.component is not gradio.HTML
    ]
    assert len(Group) == len(headings)
    assert all(group.value in heading for group, heading in zip(Group, headings, strict=True))


def test_a_row_says_what_the_description_says(rows):
    """Words, limits, choices, default: from one source."""
    for one in FIELDS:
        row, arguments = rows[one.option], arguments_of(rows[one.option])
        assert (one.plain_default, one.info) == (row.default, arguments["info"])
        assert one.label in row.label and one.unit in row.label
        if one.choices is not None:
            assert list(one.choices) == arguments["choices"]
        if one.minimum is not None:
            limits = (arguments["minimum"], arguments["maximum"], arguments["step"])
            assert (one.minimum, one.maximum, one.step) == limits


def test_the_users_own_profiles_can_be_chosen_without_a_restart(rows):
    """Asked each time that the page or its quick settings are drawn."""
    assert ["precise", "balanced", "throughput", "off", "auto"] == arguments_of(rows[PROFILE])["choices"]
    shared.opts.data[ENTRY] = {"profiles": {"night": {}}}
    assert "night" in arguments_of(rows[PROFILE])["choices"]


def test_every_component_takes_what_it_is_given(rows):
    """The host's settings page would drop the row."""
    for row in rows.values():
        made = row.component(label=row.label, value=row.default, **arguments_of(row))
        assert row.default == made.value
