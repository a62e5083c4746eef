"""The user's profiles in config.json: written only where asked, and nothing of the user's is lost."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from modules import shared
from modules.options_handler import Options
from tests.options import PROFILE
from zluda_sync.core.settings.profiles import ENTRY
from zluda_sync.host.profiles.store import ProfileRefusedError, ProfileStore

OWN = {"night": {"mode": "observe"}, "broken": {"depth": 99, "note": "mine"}}
RULES = [{"profile": "night", "images_min": 3}]


@pytest.fixture
def host(tmp_path):
    """A host whose settings are in a file of another name than usual."""
    opts = Options(dict(shared.opts.data_labels))
    opts.filename = str(tmp_path / "other.json")
    opts.data.update({ENTRY: {"profiles": copy.deepcopy(OWN), "rules": copy.deepcopy(RULES)}, "mine": [1]})
    return SimpleNamespace(
        opts=opts, are_settings_frozen=False, data=opts.data, settings_file=Path(opts.filename)
    )


@pytest.fixture
def store(host):
    return ProfileStore(host)


def in_file(host):
    return json.loads(Path(host.opts.filename).read_text(encoding="utf-8"))


def test_another_settings_file_brings_its_own_profiles(host, store):
    """And messages name it."""
    assert "night" in store.book.profiles
    assert all(problem.where.startswith("other.json: ") for problem in store.book.problems)
    host.data[ENTRY] = {"profiles": {"day": {}}}
    assert "day" in store.book.profiles and "night" not in store.book.profiles


def test_a_saved_profile_is_in_the_file_and_everything_else_is_as_it_was(host, store):
    """Broken entries of the user's included: they are for the user to repair."""
    store.save_profile("day", {"mode": "run-ahead", "depth": 2})
    expected = {"profiles": {**OWN, "day": {"mode": "run-ahead", "depth": 2}}, "rules": RULES}
    assert {ENTRY: expected, "mine": [1]} == in_file(host)


def test_a_profile_survives_load_and_save(host, store):
    """Nested entries that nobody registered are kept by the host."""
    store.save_profile("day", {"preview": "none"})
    host.opts.load()
    host.opts.save()
    assert {"preview": "none"} == store.book.profiles["day"].to_json()


@pytest.mark.parametrize(
    ("name", "values", "where"),
    [
        ("day", {"depth": 0}, "profiles.day.depth"),
        ("day", {"dept": 1}, "profiles.day.dept"),
        ("day", None, "profiles.day"),
        ("a/b", {}, "profiles.a/b"),
        ("auto", {}, "profiles.auto"),
    ],
)
def test_what_cannot_be_used_is_not_saved(host, store, name, values, where):
    """The page shows the message at the field."""
    with pytest.raises(ProfileRefusedError) as refused:
        store.save_profile(name, values)
    assert [where] == [problem.where for problem in refused.value.problems]
    assert refused.value.problems[0].text.endswith("Nothing was saved: correct it and save again.")
    assert "left out" not in str(refused.value)
    assert OWN == host.data[ENTRY]["profiles"]


@pytest.mark.parametrize("broken", [[], "text", {"profiles": []}])
def test_what_is_broken_is_not_overwritten(host, store, broken):
    """Somebody has written it, and may want it back."""
    host.data[ENTRY] = broken
    with pytest.raises(ProfileRefusedError, match="Repair it in the file"):
        store.save_profile("day", {})
    assert broken is host.data[ENTRY]


def test_frozen_settings_stay_as_they_are(host, store):
    """``--freeze`` means everything."""
    host.are_settings_frozen = True
    before = copy.deepcopy(host.data)
    for change in (
        lambda: store.save_profile("day", {}),
        lambda: store.delete_profile("broken"),
        lambda: store.save(rules=[]),
        lambda: store.save(chosen="precise"),
    ):
        with pytest.raises(ProfileRefusedError, match="--freeze"):
            change()
    assert before == host.data


def test_a_profile_that_is_needed_is_not_deleted(host, store):
    """A rule chooses it: what would its jobs go by?"""
    with pytest.raises(ProfileRefusedError, match="rule 1"):
        store.delete_profile("night")
    store.save(rules=[])
    host.data[PROFILE] = "night"
    with pytest.raises(ProfileRefusedError, match="Settings"):
        store.delete_profile("night")
    host.data[PROFILE] = "balanced"
    store.delete_profile("night")
    assert {"broken": OWN["broken"]} == host.data[ENTRY]["profiles"]


def test_rules_are_saved_whole_or_not_at_all(host, store):
    """One bad rule, and the old ones stay."""
    with pytest.raises(ProfileRefusedError) as refused:
        store.save(rules=[{"profile": "off", "steps_min": 3}, {"profile": "nigth"}])
    assert ["rules[1].profile"] == [problem.where for problem in refused.value.problems]
    assert str(refused.value) == (
        "rules[1].profile is 'nigth', which is no profile; did you mean night? "
        "Nothing was saved: correct it and save again."
    )
    assert RULES == host.data[ENTRY]["rules"]
    store.save(rules=[{"profile": "off", "steps_min": 3}])
    assert [{"profile": "off", "steps_min": 3}] == host.data[ENTRY]["rules"]


def test_what_is_broken_in_a_profile_survives_its_edit(host, store):
    """Whoever edits the rest may not even see it."""
    store.save_profile("broken", {"mode": "observe"})
    assert {"note": "mine", "depth": 99, "mode": "observe"} == host.data[ENTRY]["profiles"]["broken"]
    store.save_profile("broken", {"depth": 3})
    assert {"note": "mine", "depth": 3} == host.data[ENTRY]["profiles"]["broken"]


def test_rules_that_cannot_be_used_survive_the_saving_of_others(host, store):
    """They stay behind the others, for the user to correct; those that could be used are replaced."""
    broken = [{"profile": "nobody", "note": "mine"}, "text"]
    host.data[ENTRY]["rules"] = [broken[0], *RULES, broken[1]]
    store.save(rules=[{"profile": "off", "steps_min": 3}])
    assert [{"profile": "off", "steps_min": 3}, *broken] == host.data[ENTRY]["rules"]
    store.save(rules=[])
    assert broken == host.data[ENTRY]["rules"]


@pytest.mark.parametrize("name", ["nigth", "", None, 3, ["night"], {}])
def test_only_a_profile_that_exists_can_be_chosen(host, store, name):
    """The message lists them."""
    with pytest.raises(ProfileRefusedError, match="must be one of precise, balanced"):
        store.save(chosen=name)


def test_the_choice_is_kept(host, store):
    """As if made in Settings."""
    host.opts.data_labels[PROFILE] = SimpleNamespace(default="balanced", onchange=None)
    store.save(chosen="auto")
    assert "auto" == in_file(host)[PROFILE]
