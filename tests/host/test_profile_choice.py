"""Which profile a job goes by: chosen by hand, by a rule, or by its own request."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest

from modules import devices, processing_args, processing_callbacks, shared
from tests.options import DEPTH, ENABLED, MODE, PROFILE
from zluda_sync.core.records.self_test_report import RungVerdict, SelfTestReport
from zluda_sync.core.settings.profiles import ENTRY


def set_options(**values):
    shared.opts.data.update(values)


def job(**changes):
    """Return the host's object for a job of the page."""
    values = {"n_iter": 1, "batch_size": 1, "steps": 4, "width": 64, "height": 64, "override_settings": {}}
    return SimpleNamespace(**{**values, **changes})


def run(bench, processing, **overrides):
    """Run a job as process_images does, with what its request overrides; yields its mode while it runs."""
    processing.override_settings = overrides
    stored = dict(shared.opts.data)
    set_options(**overrides)
    bench.session.begin_job(processing)
    snapshot = bench.session.snapshot()
    yield snapshot.mode.value if snapshot is not None else None
    bench.session.end_job()
    shared.opts.data.clear()
    shared.opts.data.update(stored)


@pytest.mark.parametrize(
    ("profile", "mode"),
    [("precise", "every-step"), ("throughput", "observe"), ("balanced", "run-ahead"), ("night", "observe")],
)
def test_the_chosen_profile_goes(bench, profile, mode):
    """Over the settings, of which balanced changes none."""
    set_options(**{MODE: "run-ahead", PROFILE: profile, ENTRY: {"profiles": {"night": {"mode": "observe"}}}})
    assert [mode] == list(run(bench, job()))


def test_the_profile_off_installs_nothing(bench):
    """As the mode off does."""
    original = processing_args.diffusers_callback
    set_options(**{PROFILE: "off"})
    bench.session.begin_job(job())
    assert processing_args.diffusers_callback is original
    bench.session.end_job()


def test_rules_are_asked_for_each_job(bench):
    """Long batches are not held up, single pictures are."""
    rules = [{"profile": "throughput", "images_min": 3}, {"profile": "precise", "steps_max": 4}]
    set_options(**{PROFILE: "auto", MODE: "run-ahead", ENTRY: {"rules": rules}})
    modes = [*run(bench, job(n_iter=3)), *run(bench, job()), *run(bench, job(steps=9))]
    assert ["observe", "every-step", "run-ahead"] == modes


def test_a_job_whose_rule_says_off_is_the_hosts_alone(bench):
    """Nothing of it is followed, and the host waits as it does; the next job is followed again."""
    set_options(**{PROFILE: "auto", MODE: "observe", ENTRY: {"rules": [{"profile": "off", "steps_max": 4}]}})
    following = run(bench, job())
    assert next(following) is None
    bench.begin_loop()
    bench.step(0)
    assert bench.session.snapshot() is None
    assert "zluda" == processing_callbacks.devices.backend
    assert list(following) == []
    assert ["observe"] == list(run(bench, job(steps=9)))


def test_one_request_can_choose_for_itself(bench):
    """``override_settings``, with a profile or with a single setting; what is installed stays installed."""
    set_options(**{PROFILE: "precise"})
    bench.session.reconcile()
    patches = bench.session.patches.patches
    assert ["observe"] == list(run(bench, job(), **{PROFILE: "throughput"}))
    assert ["observe"] == list(run(bench, job(), **{MODE: "observe"}))
    assert [None] == list(run(bench, job(), **{PROFILE: "off"}))
    assert bench.session.is_acting and len(patches) <= len(bench.session.patches.patches)
    assert ["every-step"] == list(run(bench, job()))


def test_one_request_can_be_left_alone(bench, caplog):
    """By the checkbox as by the profile off, and the next one is followed again; there is nothing to say."""
    set_options(**{PROFILE: "precise"})
    bench.session.reconcile()
    caplog.clear()
    with caplog.at_level(logging.WARNING, logger="sd"):
        following = run(bench, job(), **{ENABLED: False})
        assert next(following) is None
        assert bench.session.is_acting and 0 == len(bench.session.records.recent(9))
        bench.begin_loop()
        bench.step(0)
        assert bench.session.snapshot() is None
        assert [] == list(following)
        assert ["every-step"] == list(run(bench, job()))
    assert "" == caplog.text


def test_what_a_request_sets_in_vain_is_said_once(bench, caplog):
    """A setting of the page, and a misspelt one, which the host takes without a word."""
    bench.session.reconcile()
    caplog.clear()
    wrong = job()
    with caplog.at_level(logging.WARNING, logger="sd"):
        for _ in range(3):
            wrong.override_settings = {"zluda_sync_bar": False, "zluda_sync_moed": "off", "sd_vae": "x"}
            bench.session.begin_job(wrong)
            assert bench.session.snapshot() is not None
            bench.session.end_job(wrong)
    assert [
        (
            "ZLUDA Sync: override_settings: 'zluda_sync_bar' is a setting for all requests, not for one. "
            "Change it in Settings > ZLUDA Sync."
        ),
        (
            "ZLUDA Sync: override_settings: 'zluda_sync_moed' is no setting and is left out; "
            "did you mean zluda_sync_mode? Take it out of the request."
        ),
    ] == [record.getMessage() for record in caplog.records]


def test_a_device_that_a_rules_profile_leaves_out_is_left_alone(bench, monkeypatch):
    """The gate is part of a profile too."""
    monkeypatch.setattr(devices, "backend", "cuda")
    rules = [{"profile": "careful", "steps_max": 4}]
    profiles = {"careful": {"gate": "runs-ahead"}}
    set_options(zluda_sync_gate="always", **{PROFILE: "auto", ENTRY: {"profiles": profiles, "rules": rules}})
    assert [None] == list(run(bench, job()))
    assert [None] != list(run(bench, job(steps=9)))


def test_the_rung_of_the_profile_is_used(bench):
    """Whatever the ladder prefers."""
    set_options(
        **{PROFILE: "mine", ENTRY: {"profiles": {"mine": {"mode": "observe", "rung": "lagged-wait"}}}}
    )
    bench.session.begin_job(job())
    bench.begin_loop()
    bench.step(0)
    assert "lagged-wait" == bench.session.snapshot().rung
    bench.session.end_job()


def test_a_rung_that_was_found_lying_is_not_used_and_that_is_said(bench, monkeypatch, caplog):
    """The user wants it, and would see a bar that lies."""
    report = SelfTestReport(work_s=1, queued_s=0, rungs=(RungVerdict("lagged-wait", False, "lied"),))
    monkeypatch.setattr(bench.session._book, "find", lambda accelerator: report)
    set_options(zluda_sync_rung="lagged-wait", **{MODE: "observe"})
    with caplog.at_level(logging.WARNING, logger="sd"):
        bench.session.begin_job(job())
    bench.begin_loop()
    bench.step(0)
    assert "lagged-wait" != bench.session.snapshot().rung
    assert "lagged-wait is not used, though it is set: it lied" in caplog.text
    bench.session.end_job()


def test_every_problem_is_said_once(bench, caplog):
    """In the log, with the entry; ten jobs do not fill it."""
    set_options(**{PROFILE: "nobody", DEPTH: 99, ENTRY: {"profiles": {"night": {"depth": 0}}}})
    with caplog.at_level(logging.WARNING, logger="sd"):
        for _ in range(10):
            list(run(bench, job()))
    said = [record.getMessage() for record in caplog.records]
    assert 3 == len(said) == len(bench.session.profile_choice.problems)
    assert all(any(entry in text for text in said) for entry in (PROFILE, DEPTH, "profiles.night.depth"))
