"""Who asked for a job: the page, the API, or one of the host's scripts."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from modules import shared
from tests.options import MODE, PROFILE
from zluda_sync.core.settings.conditions import Asker
from zluda_sync.core.settings.profiles import ENTRY
from zluda_sync.host.job.titles import find_asker


@pytest.mark.parametrize(
    ("script_args", "titles", "source"),
    [
        ((), ["Text"], Asker.PAGE),
        ((0, "x"), ["Control", "UI"], Asker.PAGE),
        ((0,), ["API-TXT", "Load"], Asker.API),
        ([0], ["API TXT"], Asker.API),
        ((2, 1.0), ["Text"], Asker.SCRIPT),
        ((2,), ["API-IMG"], Asker.SCRIPT),
        ((0,), ["Text", "XYZ Grid"], Asker.SCRIPT),
        ((), [], Asker.UNKNOWN),
        ((True,), ["Text"], Asker.PAGE),
        ("3", ["Text"], Asker.PAGE),
        (None, ["Image"], Asker.PAGE),
    ],
)
def test_titles_and_arguments_of_all_versions_are_known(script_args, titles, source):
    """The host's flag for the API stays set in older versions, so it is not asked."""
    assert source is find_asker(SimpleNamespace(script_args=script_args), titles)


def test_a_job_without_a_processing_object_has_a_source_too():
    """Video tabs call pipelines by themselves."""
    assert Asker.PAGE is find_asker(None, ["Video"])


@pytest.mark.parametrize(
    ("title", "keywords", "profile_mode"),
    [("API-TXT", {}, "every-step"), ("Text", {"task_id": "task(1)"}, "observe")],
)
def test_rules_can_ask_for_the_source(bench, title, keywords, profile_mode):
    """A request of the API and one of the page get different profiles, told by how the host begins them."""
    rules = [{"profile": "precise", "source": "api"}, {"profile": "throughput", "source": "page"}]
    shared.opts.data.update({PROFILE: "auto", MODE: "run-ahead", ENTRY: {"rules": rules}})
    bench.session.reconcile()
    bench.state.begin(title, **keywords)
    bench.session.begin_job(SimpleNamespace(script_args=(0,), override_settings={}))
    assert profile_mode == bench.session.snapshot().mode.value
    bench.session.end_job()
    bench.state.end()


def test_a_job_that_goes_on_on_another_thread_is_still_the_pages(bench):
    """The Control tab is a generator: each of its steps may run on another thread."""
    rules = [{"profile": "throughput", "source": "page"}]
    shared.opts.data.update({PROFILE: "auto", MODE: "run-ahead", ENTRY: {"rules": rules}})
    bench.session.reconcile()
    bench.state.begin("Control")
    bench.in_thread(lambda: bench.session.begin_job(SimpleNamespace(override_settings={})))
    assert "observe" == bench.session.snapshot().mode.value
    bench.session.end_job()
    bench.state.end()
