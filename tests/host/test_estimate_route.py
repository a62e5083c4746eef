"""The estimate over the API: what it takes, what it refuses, and what runs and waits before a job."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import modules.processing  # noqa: F401 - the host has it when it serves
from modules import progress, shared
from tests.host.test_stop_route import serve  # noqa: F401 - a fixture
from zluda_sync.core.learning.estimate import UNKNOWN_MODEL, UNLIKE_ANY, Estimate, Knowledge
from zluda_sync.core.phase import Phase
from zluda_sync.core.progress.part import Part
from zluda_sync.core.progress.shape import JobShape, plan_parts
from zluda_sync.core.steps.ledger import Ledger
from zluda_sync.host.job.outlook import MOST_TOLD, Outlook
from zluda_sync.host.sdnext import SdNext

PATH = "/zluda_sync/v1/estimate"
STEP_S = 2.0


@pytest.fixture
def client(bench, serve, monkeypatch):  # noqa: F811
    """A client of a host whose extension acts, and on which nothing runs or waits."""
    monkeypatch.setattr(progress, "pending_tasks", {})
    monkeypatch.setattr(progress, "current_task", None)
    bench.switch_on()
    return serve()


def learn(bench, **settings: Any) -> None:
    """Learn a job with these settings, whose steps took two seconds each."""
    shape = bench.session.estimator.shape_of(settings)
    now = SimpleNamespace(s=0.0)
    ledger = Ledger(shape.passes[0].steps, lambda: now.s)
    part = Part(Phase.DENOISE, pixels=shape.base_pixels, is_foreseen=True, began_at_s=0.0, ledger=ledger)
    for step in range(shape.passes[0].steps):
        now.s += STEP_S
        ledger.record_launch()
        ledger.record_completion(step)
    part.left_at_s = now.s
    bench.session._lessons.durations._loaded().learn(shape, (part,))


def shape_of_job(bench, **request: Any) -> JobShape:
    """The shape that a job has when the host begins it with such an object."""
    begun = {"width": 512, "height": 512, "steps": 4, "n_iter": 1, "batch_size": 1, "sampler_name": "Default"}
    processing = SimpleNamespace(**{**begun, **request})
    bench.begin("observe", processing=processing)
    shape = bench.session._jobs.current.job.shape
    bench.session.end_job(processing)
    bench.state.end("Inference")
    bench.state.end()
    return shape


def make_known(bench, step_s: float, **request: Any) -> None:
    """Learn a job that the host began with such an object: every part of it, with steps of this length."""
    shape = shape_of_job(bench, **request)
    now = SimpleNamespace(s=0.0)
    parts = plan_parts(shape)
    for part in parts:
        part.began_at_s = now.s
        if part.phase is Phase.DENOISE:
            part.ledger = Ledger(part.steps, lambda: now.s)
            for step in range(part.steps):
                now.s += step_s
                part.ledger.record_launch()
                part.ledger.record_completion(step)
        else:
            now.s += 0.01
        part.left_at_s = now.s
    bench.session._lessons.durations._loaded().learn(shape, tuple(parts))


def ask(client, **query: Any) -> dict[str, Any]:
    answer = client.get(PATH, params=query)
    assert 200 == answer.status_code, answer.text
    return answer.json()


def test_before_the_first_picture_nothing_is_known(client):
    """And it says so, in words."""
    told = ask(client, width=512, height=512)
    assert told["is_acting"]
    assert (None, "", None) == (told["seconds"], told["text"], told["knowledge"])
    assert UNKNOWN_MODEL in told["unknown"]
    assert (0.0, "", []) == (told["starts_in_s"], told["starts_text"], told["queue"])


def test_more_steps_and_more_images_take_longer(bench, client):
    """It moves as the sliders do; what is left out is as the host has it."""
    learn(bench, width=512, height=512)
    few = ask(client, width=512, height=512)
    assert few["low_s"] < few["seconds"] < few["high_s"]
    assert few["text"].startswith("about ")
    assert few["seconds"] < ask(client, width=512, height=512, steps=40)["seconds"]
    four = ask(client, width=512, height=512, n_iter=4)["seconds"]
    assert 4 * few["seconds"] == pytest.approx(four, rel=0.1)
    larger = ask(client, width=1024, height=1024, enable_hr="true", hr_scale=1.5)
    assert larger["knowledge"] != "exact"
    assert UNLIKE_ANY in larger["unknown"]


def test_names_of_the_hosts_api_and_their_aliases_mean_the_same(bench, client):
    """``sampler`` is short for ``sampler_name``."""
    learn(bench, width=512, height=512, sampler_name="Euler")
    assert ask(client, width=512, height=512, sampler="Euler") == ask(
        client, width=512, height=512, sampler_name="Euler"
    )


ALWAYS_ON = SimpleNamespace(
    title=lambda: "Always there",
    args_from=1,
    args_to=3,
    api_info=SimpleNamespace(args=[SimpleNamespace(value=False), SimpleNamespace(value=0.5)]),
)
SCRIPTS = {
    "scripts": SimpleNamespace(selectable_scripts=[], alwayson_scripts=[ALWAYS_ON]),
    "script_args": (0, False, 0.5),
    "per_script_args": {},
}
PICTURE = SimpleNamespace(size=(512, 512))


@pytest.mark.parametrize(
    ("settings", "request_"),
    [
        ({}, {"cfg_scale": 2.0}),
        ({"cfg_scale": 6}, {"cfg_scale": 6.0, **SCRIPTS}),
        ({"cfg_scale": 1}, {"cfg_scale": 1.0}),
        ({"cfg_scale": -1}, {"cfg_scale": -1}),
        ({"hidiffusion": True}, {"cfg_scale": 6.0, "hidiffusion": True}),
        ({"pag_scale": 3}, {"cfg_scale": 6.0, "pag_scale": 3.0}),
        ({"cfg_true": 3}, {"cfg_scale": 6.0, "cfg_true": 3.0}),
        (
            {"has_input": True, "denoising_strength": 0.5},
            {"cfg_scale": 6.0, "init_images": [PICTURE], "resize_mode": 0, "denoising_strength": 0.5},
        ),
        (
            {"has_mask": True, "denoising_strength": 0.5},
            {"cfg_scale": 6.0, "init_images": [PICTURE], "denoising_strength": 0.5, "mask": PICTURE},
        ),
    ],
)
def test_a_job_is_estimated_as_what_it_is_when_it_begins(bench, client, settings, request_):
    """Guidance, input and strength included: else what it teaches would never be found again."""
    told = bench.session.estimator.shape_of({"width": 512, "height": 512, "steps": 4, **settings})
    assert shape_of_job(bench, **request_) == told


def test_what_was_made_before_is_known_exactly_and_with_guidance_takes_longer(bench, client):
    """Jobs with CFG 6 and CFG 1 say nothing exact of each other."""
    asked = {"width": 512, "height": 512, "steps": 4}
    make_known(bench, 1.0, cfg_scale=1.0)
    assert "exact" == ask(client, **asked, cfg_scale=1)["knowledge"]
    assert "exact" != ask(client, **asked, cfg_scale=6)["knowledge"]
    make_known(bench, 2.0, cfg_scale=6.0)
    one, six = (ask(client, **asked, cfg_scale=scale) for scale in (1, 6))
    assert ("exact", "exact") == (one["knowledge"], six["knowledge"])
    assert UNLIKE_ANY not in six["unknown"]
    assert (4.0, 8.0) == (pytest.approx(one["seconds"], rel=0.1), pytest.approx(six["seconds"], rel=0.1))


@pytest.mark.parametrize(
    ("query", "where", "said"),
    [
        ({"widht": 512}, "widht", "did you mean width?"),
        ({"width": 99999}, "width", "from 0 to 16384"),
        ({"width": "../../etc/passwd"}, "width", "number"),
        ({"steps": 0}, "steps", "from 1 to 1000"),
        ({"steps": "nan"}, "steps", "number"),
        ({"cfg_scale": "inf"}, "cfg_scale", "from -1 to 100"),
        ({"has_input": "perhaps"}, "has_input", "true or false"),
        ({"steps": 1.5}, "steps", "whole number"),
        ({"n_iter": 10**9}, "n_iter", "from 1 to 10000"),
        ({"hr_scale": "inf"}, "hr_scale", "number"),
        ({"enable_hr": "maybe"}, "enable_hr", "true or false"),
        ({"sampler_name": "x" * 201}, "sampler_name", "at most 200 characters"),
        ({"task": "../config.json"}, "task", "task(abc123)"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_remedy(client, query, where, said):
    """Each by its name, and what may be given."""
    answer = client.get(PATH, params=query)
    assert 422 == answer.status_code
    (problem,) = answer.json()["detail"]
    assert where == problem["where"].strip("'")
    assert said in problem["text"]


def test_a_size_that_follows_from_the_input_is_not_guessed(bench, client):
    """It would be that of another picture."""
    learn(bench, width=512, height=512)
    told = ask(client, width=0, height=0)
    assert told["seconds"] is None
    assert "give width and height" in told["unknown"][0]


def test_a_script_and_a_detailer_are_named_as_unknown(bench, client):
    """The length is that of the pictures alone."""
    learn(bench, width=512, height=512)
    told = ask(client, width=512, height=512, script_name="XYZ Grid", detailer_enabled="1")
    assert {"script", "detailer"} <= set(" ".join(told["unknown"]).split())


def test_where_nothing_is_followed_nothing_is_told(bench, client):
    """The page then shows no line at all."""
    learn(bench, width=512, height=512)
    shared.opts.data["zluda_sync_enabled"] = False
    bench.session.reconcile()
    told = ask(client, width=512, height=512)
    assert (False, None) == (told["is_acting"], told["seconds"])


def test_what_a_page_has_told_decides_when_yours_starts(bench, client):
    """Two tasks wait: one told by its page, one whose settings nobody knows."""
    learn(bench, width=512, height=512)
    settings = {"width": 512, "height": 512, "n_iter": 2}
    length_s = ask(client, **settings)["seconds"]
    assert 200 == client.post(PATH, json={**settings, "task": "task(known)"}).status_code
    progress.pending_tasks["task(known)"] = 0.0
    told = ask(client, task="task(known)")
    (waiting,) = told["queue"]
    assert (False, True, "settings") == (waiting["is_running"], waiting["is_yours"], waiting["basis"])
    assert (0.0, length_s) == (waiting["starts_in_s"], waiting["ends_in_s"])
    assert length_s == told["starts_in_s"]
    assert told["starts_text"].startswith("yours starts in about ")
    progress.pending_tasks["task(other)"] = 1.0
    told = ask(client)
    assert [False, False] == [one["is_yours"] for one in told["queue"]]
    assert (length_s, None) == (told["queue"][1]["starts_in_s"], told["queue"][1]["ends_in_s"])
    assert (None, "") == (told["starts_in_s"], told["starts_text"])


def test_of_a_task_that_nobody_has_told_the_usual_length_is_taken(bench, client):
    """From the shortest to the longest of the last jobs, and the answer says so."""
    for took_s in (10.0, 20.0, 60.0):
        bench.session.estimator._estimates._loaded().learn_length(took_s)
    progress.pending_tasks["task(other)"] = 0.0
    (waiting,) = ask(client)["queue"]
    assert ("recent", 20.0, 10.0, 60.0) == tuple(
        waiting[name] for name in ("basis", "ends_in_s", "ends_low_s", "ends_high_s")
    )


@pytest.mark.parametrize(
    "body", [None, {}, {"task": "task()"}, {"task": 7}, {"task": "task(a)", "steps": "many"}, [], b"text"]
)
def test_a_task_is_told_with_its_id_and_settings_or_not_at_all(client, body):
    """422, and nothing is kept."""
    given = {"content": body} if isinstance(body, bytes) else {"json": body}
    assert 422 == client.post(PATH, **given).status_code


def test_another_site_tells_nothing(client):
    """It could make the page say what is not so."""
    headers = {"Origin": "http://elsewhere.example"}
    assert 403 == client.post(PATH, json={"task": "task(a)"}, headers=headers).status_code


class FakeEstimator:
    """Knows jobs by their steps: a second each."""

    def tell(self, settings: Any) -> Any:
        seconds = float(settings["steps"])
        return Estimate(seconds, seconds - 1, seconds + 2, Knowledge.EXACT), ()

    def estimate_unknown(self) -> Any:
        return None


def queue_of(monkeypatch, snapshot: Any, current: str | None, *waiting: str) -> Outlook:
    host = SdNext()
    monkeypatch.setattr(progress, "pending_tasks", dict.fromkeys(waiting, 0.0))
    monkeypatch.setattr(progress, "current_task", current)
    return Outlook(host, lambda: snapshot, FakeEstimator())


def test_what_runs_ends_when_its_bar_says_so(monkeypatch):
    """And what waits starts then."""
    snapshot = SimpleNamespace(eta_s=30.0, eta_spread_s=3.0, elapsed_s=10.0)
    queue = queue_of(monkeypatch, snapshot, "task(a)", "task(b)")
    queue.record_settings("task(b)", {"steps": 20})
    running, waiting = queue.look()
    assert (True, "progress", 30.0, 27.0) == (
        running.is_running,
        running.basis.value,
        running.ends.seconds,
        running.ends.low_s,
    )
    assert (30.0, 50.0) == (waiting.starts.seconds, waiting.ends.seconds)
    assert 27.0 <= waiting.starts.low_s <= 30.0 < waiting.starts.high_s


def test_what_runs_without_an_eta_is_reckoned_from_its_settings(monkeypatch):
    """Less what has passed of it."""
    snapshot = SimpleNamespace(eta_s=None, eta_spread_s=None, elapsed_s=5.0)
    queue = queue_of(monkeypatch, snapshot, "task(a)")
    queue.record_settings("task(a)", {"steps": 20})
    (running,) = queue.look()
    assert ("settings", 15.0) == (running.basis.value, running.ends.seconds)


def test_of_what_runs_unknown_nothing_is_said(monkeypatch):
    """A model that is loaded, say: what waits starts nobody knows when."""
    queue = queue_of(monkeypatch, None, "task(a)", "task(b)")
    queue.record_settings("task(b)", {"steps": 20})
    running, waiting = queue.look()
    assert (None, None, None) == (running.ends, waiting.starts, waiting.ends)


def test_what_is_told_is_bounded(monkeypatch):
    """A page that presses all night fills nothing; the newest are known."""
    queue = queue_of(monkeypatch, None, None)
    for number in range(MOST_TOLD + 5):
        queue.record_settings(f"task({number})", {"steps": 20})
    assert MOST_TOLD == len(queue._told)
    assert f"task({MOST_TOLD + 4})" in queue._told


def make_job(bench, **settings: Any) -> None:
    """Make a job of four steps and a decode, to its end."""
    processing = SimpleNamespace(width=512, height=512, steps=4, n_iter=1, batch_size=1, **settings)
    bench.begin("observe", processing=processing)
    for step in range(4):
        bench.step(step)
    bench.finish()
    bench.state.end("Inference")
    decode = bench.state.begin("VAE")
    bench.state.end(decode)
    bench.session.end_job(processing)
    bench.state.end()


def residuals(bench) -> int:
    """How many estimates were held against what came."""
    tree = bench.session.estimator._estimates._loaded().to_json()
    return sum(map(len, tree["residuals"].values()))


def test_each_job_of_the_host_is_held_against_its_estimate(bench, client):
    """The first could not be foreseen, the second was; and that is kept beside the durations."""
    make_job(bench)
    assert 0 == residuals(bench)
    make_job(bench)
    assert 1 == residuals(bench)
    bench.session._lessons.saver.flush(20.0)
    assert (SdNext().data_folder / "zluda_sync" / "estimates.json").is_file()


def test_a_job_that_was_stopped_says_nothing_of_its_estimate(bench, client):
    """It took as long as the user let it."""
    make_job(bench)
    processing = SimpleNamespace(width=512, height=512, steps=4, n_iter=1, batch_size=1)
    bench.begin("observe", processing=processing)
    bench.step(0)
    bench.session.end_job(processing)
    bench.state.end()
    assert 0 == residuals(bench)
