"""Profiles and rules: what a job goes by, and what is said of what cannot be used."""

from __future__ import annotations

import copy

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.campaigns.bad_settings import BAD_ENTRIES
from tests.options import DEPTH, MODE
from zluda_sync.core.records.self_test_report import EVENT_RUNGS, SYNCHRONIZE_RUNGS
from zluda_sync.core.settings.conditions import CONDITIONS, Asker, JobTraits
from zluda_sync.core.settings.profiles import (
    BUILTIN,
    ENTRY,
    MOST_PROFILES,
    MOST_RULES,
    parse_book,
    parse_profile,
)
from zluda_sync.core.settings.rules import parse_rules, rule_to_json
from zluda_sync.core.settings.schema import build_schema
from zluda_sync.core.settings.settings import (
    DEFAULTS,
    FIELDS,
    PROFILE_FIELDS,
    PreviewMethod,
    RungChoice,
    Settings,
    parse_settings,
)

TRAITS = JobTraits(
    images=4,
    batch_size=1,
    width=1024,
    height=1024,
    steps=30,
    model_type="sdxl",
    model="some.safetensors",
    device="AMD Radeon RX 7900 XTX [ZLUDA]",
    asked_by=Asker.API,
)
OWN = {"night": {"mode": "observe", "preview": "none"}, "careful": {"mode": "run-ahead", "depth": 2}}


def book(**tree):
    return parse_book(tree, "config.json")


def chosen(name="auto", traits=TRAITS, **tree):
    return book(**tree).choose(Settings(profile=name), traits)


def test_nothing_set_means_balanced_as_the_settings_are():
    """The default overrides nothing: who has set a mode gets it."""
    settings, _problems = parse_settings({MODE: "observe", DEPTH: 3})
    choice = parse_book(None, "config.json").choose(settings)
    assert ("balanced", settings, ()) == (choice.name, choice.settings, choice.problems)


@pytest.mark.parametrize(
    ("name", "mode"),
    [("precise", "every-step"), ("throughput", "observe"), ("off", "off"), ("balanced", "auto")],
)
def test_the_built_in_profiles_set_the_mode(name, mode):
    """The mode is what they are about."""
    assert mode == chosen(name).settings.mode.value


def test_a_profile_overrides_what_it_sets_and_nothing_else():
    """What it leaves out stays as the settings have it."""
    settings, _problems = parse_settings({MODE: "every-step", DEPTH: 5})
    choice = book(profiles=OWN).choose(Settings(**{**vars(settings), "profile": "night"}))
    assert ("observe", 5, PreviewMethod.NONE) == (
        choice.settings.mode.value,
        choice.settings.depth,
        choice.settings.preview,
    )


def test_what_a_request_asks_for_beats_the_profile():
    """``override_settings`` of one request are nearer than a profile for all."""
    choice = book().choose(Settings(profile="precise"), TRAITS, {"mode": DEFAULTS.mode})
    assert DEFAULTS.mode is choice.settings.mode


def test_an_unknown_profile_is_named_with_what_was_meant():
    """The generation goes on, balanced."""
    choice = chosen("nigth", profiles=OWN)
    assert "balanced" == choice.name
    assert "did you mean night?" in choice.problems[0].text


def test_a_rung_that_does_not_go_with_the_mode_is_named():
    """Reading a value back waits for all that is queued: it cannot be used to run ahead."""
    choice = book().choose(Settings(profile="throughput", rung=RungChoice.READ_BACK))
    assert RungChoice.AUTO is choice.settings.rung
    assert "read-back" in choice.problems[0].text


@pytest.mark.parametrize(
    ("wanted", "is_matched"),
    [
        ({}, True),
        ({"images_min": 4}, True),
        ({"images_min": 5}, False),
        ({"images_max": 4}, True),
        ({"images_max": 3}, False),
        ({"megapixels_min": 1}, True),
        ({"megapixels_max": 1}, False),
        ({"steps_min": 31}, False),
        ({"steps_max": 30}, True),
        ({"model_type": "SDXL"}, True),
        ({"model_type": ["sd", "f1"]}, False),
        ({"device": "*7900*"}, True),
        ({"device": "*[ZLUDA]"}, True),
        ({"device": "*7800*"}, False),
        ({"source": "api"}, True),
        ({"source": ["page", "script"]}, False),
        ({"source": "api", "steps_min": 99}, False),
    ],
)
def test_a_rule_asks_for_all_its_conditions(wanted, is_matched):
    """Batch count, size, steps, model type, device and source."""
    choice = chosen(profiles=OWN, rules=[{"profile": "night", **wanted}])
    assert ("night" if is_matched else "balanced") == choice.name


def test_the_first_rule_that_matches_wins_and_is_named():
    """The user sees why."""
    rules = [
        {"profile": "precise", "source": "page"},
        {"profile": "night", "images_min": 2},
        {"profile": "off", "steps_min": 2},
    ]
    choice = chosen(profiles=OWN, rules=rules)
    assert ("night", "rule 2: batch count 2 or more") == (choice.name, choice.reason)


def test_rules_are_numbered_as_they_are_shown():
    """Those that are left out have no number; of rules that are yet to be saved, each has its own."""
    written = [
        {"profile": "nobody"},
        {"profile": "off", "steps_min": 5},
        7,
        {"profile": "night", "images_min": 2},
        {"profile": "off", "images_min": 3},
    ]
    made = book(profiles=OWN, rules=written)
    assert [(1, 1), (2, 3), (3, 4)] == [(rule.number, rule.index) for rule in made.rules]
    choice = made.choose(Settings(profile="auto"), JobTraits(images=4, steps=2))
    assert ("night", "rule 2: batch count 2 or more") == (choice.name, choice.reason)
    assert "rules[4] can never match: rule 2 takes" in made.problems[-1].text
    _rules, problems = parse_rules(written, [*BUILTIN, "night"], "rules", "", is_new=True)
    assert "rules[4] can never match: rule 4 takes" in problems[-1].text


def test_what_is_yet_to_be_saved_is_not_said_to_be_left_out():
    """One thing that is wrong forbids it; what stands in config.json is used without that."""
    rules = [{"profile": "nobody"}, 7, {"profile": "off", "steps_min": 0}, {"profile": "off", "step": 1}]
    rules += [{"profile": "off", "steps_min": 5, "steps_max": 2}]
    values = {"depth": 99, "dept": 1, "mode": "run-ahead", "rung": "device-synchronize"}
    trees = {"night": values, "day": 7, "a/b": {}}
    for is_new, count in ((True, 0), (False, 5)):
        problems = parse_rules(rules, ["off"], "rules", "", is_new=is_new)[1]
        assert (5, count) == (len(problems), sum("left out" in problem.text for problem in problems))
        told = [parse_profile(name, tree, "", "", is_new=is_new)[1] for name, tree in trees.items()]
        assert count == sum("left out" in problem.text for problems in told for problem in problems)
        assert is_new == ("none is used" not in parse_rules({}, [], "", "", is_new=is_new)[1][0].text)


def test_before_a_job_no_rule_has_been_asked():
    """The page says auto, not the profile that nobody has chosen."""
    choice = book().choose(Settings(profile="auto"))
    assert ("auto", "rules are asked when a job begins") == (choice.name, choice.reason)


def test_without_rules_of_the_user_long_batches_are_not_held_up():
    """``auto`` does something sensible as it comes."""
    assert ("throughput", "balanced") == (chosen().name, chosen(traits=JobTraits(images=1)).name)


@pytest.mark.parametrize("name", sorted(CONDITIONS))
def test_what_is_not_known_of_a_job_matches_nothing(name):
    """A video tab tells nothing of its job: no rule is to take it by accident."""
    values = {"source": "page", "model_type": "*", "device": "*"}
    assert (
        "balanced" == chosen(traits=JobTraits(), rules=[{"profile": "off", name: values.get(name, 1)}]).name
    )


@pytest.mark.parametrize(
    "rules",
    [
        [{}, {"images_min": 1}],
        [{"steps_min": 10}, {"steps_min": 20, "source": "api"}],
        [{"steps_max": 20}, {"steps_max": 10}],
        [{"device": "*amd*"}, {"device": "amd rx"}],
        [{"source": ["api", "page"]}, {"source": "page"}],
    ],
)
def test_a_rule_that_can_never_match_is_named(rules):
    """An earlier one takes all of its jobs."""
    problems = book(rules=[{"profile": "off", **rule} for rule in rules]).problems
    assert [f"config.json: zluda_sync.rules[{len(rules) - 1}]"] == [problem.where for problem in problems]
    assert "can never match" in problems[0].text


def test_each_contradiction_of_a_rule_is_named_at_its_field():
    """Batch count at least 4 and at most 2, steps at least 30 and at most 10."""
    rule = {"images_min": 4, "images_max": 2, "steps_min": 30, "steps_max": 10}
    made = book(rules=[{"profile": "off", **rule}, {"profile": "precise"}])
    where = "config.json: zluda_sync.rules[0]"
    assert [f"{where}.images_min", f"{where}.steps_min"] == [problem.where for problem in made.problems]
    assert "is 30, and steps_max 10: it can never match; the rule is left out" in made.problems[1].text
    assert ["precise"] == [one.profile for one in made.rules]


@pytest.mark.parametrize(
    "rules",
    [
        [{"images_min": 4}, {"images_min": 2}],
        [{"source": "page"}, {"source": ["api", "page"]}],
        [{"device": "amd rx"}, {"device": "*amd*"}],
        [{"images_min": 4, "source": "api"}, {"images_min": 5}],
    ],
)
def test_a_rule_that_can_match_is_not_complained_about(rules):
    """Narrow rules before wide ones are how rules are written."""
    assert () == book(rules=[{"profile": "off", **rule} for rule in rules]).problems


@pytest.mark.parametrize(("tree", "named"), BAD_ENTRIES)
def test_bad_text_is_named_with_file_entry_and_remedy_and_kept_as_it_is(tree, named):
    """One message, in one short line; what stands in config.json is not touched."""
    before = copy.deepcopy(tree)
    (problem,) = parse_book(tree, "other.json").problems
    assert problem.where.startswith("other.json: zluda_sync")
    assert named in problem.where
    assert problem.text.startswith(problem.where)
    assert "Change it on the ZLUDA Sync tab or in other.json." in problem.text
    assert len(problem.text) < 400 and "\n" not in problem.text
    assert before == tree


def test_what_is_right_beside_what_is_wrong_is_used():
    """A typing error in one field does not cost the others."""
    made = book(profiles={"night": {"mode": "observe", "depth": 99}, "bad": 1, "day": {"depth": 2}})
    assert [*BUILTIN, "night", "day"] == list(made.profiles)
    assert {"mode": "observe"} == made.profiles["night"].to_json()


@pytest.mark.parametrize(
    ("tree", "kept"),
    [
        (
            {"profiles": {f"p{index}": {} for index in range(MOST_PROFILES + 50)}},
            MOST_PROFILES + len(BUILTIN),
        ),
        (
            {"rules": [{"profile": "off", "steps_min": 200 - index} for index in range(MOST_RULES + 50)]},
            MOST_RULES,
        ),
    ],
)
def test_a_file_of_any_length_stays_manageable(tree, kept):
    """More than a person writes is left out, and said."""
    made = book(**tree)
    assert kept == len(made.profiles if "profiles" in tree else made.rules)
    assert 1 == len(made.problems)


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from([*PROFILE_FIELDS, *CONDITIONS, "profile", "profiles", "rules", "x"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(ANY)
def test_nothing_in_config_json_can_break_the_reading(tree):
    """Whatever stands there, every job gets settings."""
    for name in ("auto", "x"):
        assert isinstance(
            parse_book(tree, "config.json").choose(Settings(profile=name), TRAITS).settings, Settings
        )


# The one source: what is described is what is read, shown and published.


def test_every_profile_field_is_a_setting_with_words_and_limits():
    """The page and the panel are made of these."""
    assert {"mode", "depth", "rung", "preview", "preview_budget", "preview_interval", "gate"} == set(
        PROFILE_FIELDS
    )
    for one in FIELDS:
        assert one.label and one.info and one.wanted
        assert one.default == one.parse(one.plain_default)


def test_the_rungs_to_choose_from_are_the_ladders():
    """An unknown rung cannot be chosen, and none is missing."""
    assert {"auto", *EVENT_RUNGS, *SYNCHRONIZE_RUNGS} == {choice.value for choice in RungChoice}


def test_the_schema_has_just_the_fields_and_conditions_that_are_read():
    """Both ways: nothing documented that is not read, nothing read that is not documented."""
    properties = build_schema()["properties"]
    assert set(PROFILE_FIELDS) == set(properties["profiles"]["additionalProperties"]["properties"])
    assert {"profile", *CONDITIONS} == set(properties["rules"]["items"]["properties"])


@pytest.mark.parametrize(
    "tree",
    [
        {},
        {
            "profiles": OWN,
            "rules": [{"profile": "night", "images_min": 2, "device": ["*a*", "b"], "source": "api"}],
        },
        {"profiles": {"all": {name: one.plain_default for name, one in PROFILE_FIELDS.items()}}},
    ],
)
def test_what_the_schema_allows_is_read_without_complaint(tree):
    """An editor that checks by the schema lets nothing through that is refused later."""
    jsonschema.validate(tree, build_schema())
    assert () == parse_book(tree, "config.json").problems


@pytest.mark.parametrize(
    ("tree", "named"),
    [
        (tree, named)
        for tree, named in BAD_ENTRIES
        # What the schema cannot say: whether values go together, and whether a profile exists.
        if "steps_max" not in str(tree)
        and "read-back" not in str(tree)
        and not named.endswith(("rules[1]",))
        and not any(name in str(tree) for name in ("nigth", "'profile': 'auto'"))
    ],
)
def test_the_schema_refuses_what_the_reading_refuses(tree, named):
    """The same in the other direction."""
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tree, build_schema())


def test_rules_are_written_as_they_were_read():
    """The panel saves what it has read: nothing is changed on the way."""
    written = [{"profile": "off", "device": "*[zluda]", "source": ["page", "api"], "steps_min": 3}]
    assert written == [rule_to_json(rule) for rule in book(rules=written).rules]
    assert ENTRY == "zluda_sync"
