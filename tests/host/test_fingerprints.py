"""What tells settings and scripts apart, and what makes no difference."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zluda_sync.host.job.fingerprints import SPEED_SETTINGS, fingerprint_scripts, fingerprint_settings


class Script:
    """One of the host's scripts."""

    def __init__(self, title: str, args_from: int, *at_first: object) -> None:
        self._title = title
        self.args_from, self.args_to = args_from, args_from + len(at_first)
        self.api_info = SimpleNamespace(args=[SimpleNamespace(value=value) for value in at_first])

    def title(self) -> str:
        return self._title


def request_of(*arguments, **values):
    """Return a request to a host with a grid to choose, and a detailer that is run beside it."""
    runner = SimpleNamespace(
        selectable_scripts=[Script("Grid", 1, "Steps", 1)],
        alwayson_scripts=[Script("Detailer", 3, False, 0.4)],
    )
    return SimpleNamespace(scripts=runner, script_args=arguments, **values)


IDLE = (0, "Steps", 1, False, 0.4)


def test_a_request_without_scripts_has_none():
    """Nor has one whose scripts are as their page has them at first."""
    assert "" == fingerprint_scripts(SimpleNamespace())
    assert "" == fingerprint_scripts(None)
    assert "" == fingerprint_scripts(request_of(*IDLE))


def test_the_page_says_the_same_in_other_words():
    """The number of a choice for its label, and several kinds of nothing: an idle script all the same."""
    script = Script("Grid beside it", 1, "Nothing", None, "", 0)
    script.api_info.args[0].choices = ["Nothing", "Seed", "Steps"]
    runner = SimpleNamespace(selectable_scripts=[], alwayson_scripts=[script])
    assert "" == fingerprint_scripts(SimpleNamespace(scripts=runner, script_args=(0, 0, [], None, 0)))
    for other in ((0, 1, [], None, 0), (0, 0, ["x"], None, 0), (0, 0, [], None, 1)):
        assert "" != fingerprint_scripts(SimpleNamespace(scripts=runner, script_args=other))


def test_the_same_script_with_the_same_arguments_is_known_again():
    """Other arguments are another kind of job, and so is another script."""
    detailed = fingerprint_scripts(request_of(0, "Steps", 1, True, 0.4))
    assert detailed == fingerprint_scripts(request_of(0, "Steps", 1, True, 0.4))
    others = {
        fingerprint_scripts(request_of(0, "Steps", 1, True, 0.5)),
        fingerprint_scripts(request_of(1, "Steps", 1, False, 0.4)),
        fingerprint_scripts(request_of(*IDLE, per_script_args={"Detailer": [True, 0.6]})),
    }
    assert 3 == len(others - {"", detailed})


@pytest.mark.parametrize(
    ("one", "other"),
    [("a cat " * 20, "two dogs " * 20), (1_234_567_890, 3_000_000_000)],
    ids=["prompts", "seeds"],
)
def test_prompts_and_seeds_make_no_difference(one, other):
    """They do not change how much is computed, and none of them is kept."""
    found = [fingerprint_scripts(request_of(0, "Steps", 1, True, value)) for value in (one, other)]
    assert found[0] == found[1] != ""


def test_arguments_of_a_script_that_is_not_chosen_make_no_difference():
    """They stand there all the same."""
    assert "" == fingerprint_scripts(request_of(0, "Sampler", 7, False, 0.4))


@given(st.lists(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=5)))
def test_no_arguments_can_break_it(arguments):
    """Whatever a program sends."""
    assert isinstance(fingerprint_scripts(request_of(*arguments)), str)


@pytest.mark.parametrize("name", SPEED_SETTINGS)
def test_each_setting_that_changes_speed_counts(name):
    """And others do not; a version without it is no error."""
    plain = SimpleNamespace(show_progress_type="Simple")
    changed = SimpleNamespace(show_progress_type="Full", **{name: "another"})
    assert fingerprint_settings(SimpleNamespace()) == fingerprint_settings(plain)
    assert fingerprint_settings(plain) != fingerprint_settings(changed)
