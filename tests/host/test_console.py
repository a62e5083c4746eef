"""The bar on the console: the host's own, drawn as the device comes on."""

from __future__ import annotations

import io
import logging
import re
import threading
from types import SimpleNamespace

import pytest
import torch
from diffusers import DiffusionPipeline

from modules import processing_args
from zluda_sync.pipeline.console import drawn_bar

STYLE = "{desc}{bar} {n_fmt}/{total_fmt}"


class Pipeline(DiffusionPipeline):
    """A pipeline with a bar in the host's style, drawn into a text."""

    def __init__(self, text, desc="Base", bar_format=STYLE, **style):
        super().__init__()
        self.set_progress_bar_config(
            **style, bar_format=bar_format, ncols=40, mininterval=0.0, file=text, desc=f"{desc}: "
        )


@pytest.fixture
def text():
    return io.StringIO()


@pytest.fixture(autouse=True)
def no_thread_is_left(bench):
    """The thread that draws ends with the bars."""
    yield
    bench.session.close()
    assert [] == [thread for thread in threading.enumerate() if "console" in thread.name]


def counts(text, name="Base"):
    """Return the counts that were drawn of a bar, in order and each once."""
    found = [int(count) for count in re.findall(rf"{name}: .*? (\d+)/\d+", text.getvalue())]
    return [count for at, count in enumerate(found) if not at or count != found[at - 1]]


def last_line(text):
    return text.getvalue().rsplit("\r", 1)[-1]


def run(bench, pipe, steps=4, queued=None):
    """Queue a whole pass, or so many steps of it."""
    with pipe.progress_bar(total=steps) as bar:
        for index in range(steps if queued is None else queued):
            bench.step(index)
            bar.update()


def test_the_bar_shows_what_is_finished_and_ends_when_all_is(bench, text):
    """Queued in an instant, the line is drawn step by step and ends after the loop, in the host's style."""
    bench.begin("observe")
    run(bench, Pipeline(text))
    assert [0] == counts(text)
    for done in (1, 2, 3):
        bench.finish(done)
        bench.wait_until(lambda done=done: counts(text)[-1] == done)
        assert "\n" not in text.getvalue()
    bench.finish(4)
    bench.wait_until(lambda: text.getvalue().endswith("\n"))
    assert [0, 1, 2, 3, 4] == counts(text)
    assert re.fullmatch(r"Base: #+ 4/4 *\n", last_line(text))
    assert 1 == text.getvalue().count("\n")


def test_an_iterated_bar_follows_the_device_too(bench, text):
    """Loops over the bar itself, as older pipelines have them, with a callback or without."""
    bench.begin("observe")
    seen = [bench.session.snapshot().launched for _ in Pipeline(text).progress_bar(range(3))]
    assert [0, 1, 2] == seen
    assert [0] == counts(text)
    bench.finish(2)
    bench.wait_until(lambda: counts(text)[-1] == 2)
    bench.finish()
    bench.wait_until(lambda: text.getvalue().endswith("\n"))
    assert [0, 2, 3] == counts(text)


def test_a_unit_of_two_launches_needs_both(bench, text):
    """Samplers of second order call back twice for each unit of their bar."""
    bench.pipe.num_timesteps = 4
    bench.begin("observe")
    with Pipeline(text).progress_bar(total=2) as bar:
        for index in range(4):
            bench.step(index)
            bar.update(index % 2)
    bench.finish(1)
    bench.wait_until(lambda: bench.session.snapshot().completed == 1)
    bench.session._console._bars[0].draw()
    assert [0] == counts(text)
    bench.finish(3)
    bench.wait_until(lambda: counts(text)[-1] == 1)
    bench.finish()
    bench.wait_until(lambda: text.getvalue().endswith("\n"))
    assert [0, 1, 2] == counts(text)


def test_the_next_pass_is_drawn_after_the_one_before(bench, text):
    """Two passes queued at once are two lines, one after the other."""
    bench.begin("observe")
    first, second = Pipeline(text), Pipeline(text, "Hires")
    style = dict(second._progress_bar_config)
    run(bench, first, 2)
    bench.begin_loop()
    run(bench, second, 3)
    assert style == second._progress_bar_config
    assert "Hires" not in text.getvalue()
    bench.device.finish(2)
    bench.wait_until(lambda: "Hires" in text.getvalue())
    assert [0] == counts(text, "Hires")
    bench.device.finish()
    bench.wait_until(lambda: text.getvalue().count("\n") == 2)
    base, hires, _ = text.getvalue().split("\n")
    assert "2/2" in base
    assert "Hires" not in base
    assert "3/3" in hires
    assert "Base" not in hires
    assert "\x1b[A" not in text.getvalue()  # no bar beneath another


def test_a_bar_within_another_is_drawn_beside_it(bench, text):
    """Steps within chunks: both are shown, as tqdm does it."""
    bench.begin("observe")
    with Pipeline(text, "Chunks").progress_bar(total=1) as chunks:
        run(bench, Pipeline(text), 2)
        assert [0] == counts(text)
        chunks.update()
        assert [0] == counts(text, "Chunks")
    bench.finish()
    bench.wait_until(lambda: not bench.session._console._bars)
    assert (2, 1) == (counts(text)[-1], counts(text, "Chunks")[-1])


def test_a_line_of_the_log_stands_apart(bench, text):
    """While a bar waits for its end the host logs on: the bar makes room, and is drawn again below."""
    handler, log = logging.StreamHandler(text), logging.getLogger("sd")
    bench.begin("observe")
    filters = list(log.filters)
    log.addHandler(handler)
    try:
        run(bench, Pipeline(text), 2)
        log.warning("Decode: scale=8")
        bench.wait_until(lambda: text.getvalue().endswith(" 0/2"))
        assert re.search(r"\r {10,}\r\r?Decode: scale=8\n\rBase: ", text.getvalue())
        bench.finish()
        bench.wait_until(lambda: text.getvalue().endswith(" 2/2\n"))
        bench.wait_until(lambda: bench.session._console._thread is None)
        assert filters == log.filters
    finally:
        log.removeHandler(handler)


def test_a_line_stays_free_until_the_host_has_written(bench, text, monkeypatch):
    """Between making room and the host's line the bar is not drawn again, however often one looks."""
    bench.begin("observe")
    run(bench, Pipeline(text), 2)
    (bar,) = bench.session._console._left_bars()
    monkeypatch.setattr(drawn_bar, "FREE_LINE_S", float("inf"))
    bar.clear_line()
    cleared = text.getvalue()
    bar.draw()
    assert cleared == text.getvalue()
    bar._free_until_s = 0.0
    bar.draw()
    assert text.getvalue().endswith(" 0/2")
    bench.finish()


@pytest.mark.parametrize("kind", ["stop", "error"])
def test_a_loop_that_breaks_off_ends_its_line_where_the_device_is(bench, text, kind):
    """At once, before the host says anything of it."""
    bench.begin("observe")
    error = AssertionError if kind == "stop" else ZeroDivisionError
    with pytest.raises(error), Pipeline(text).progress_bar(total=4) as bar:  # noqa: PT012
        for index in range(3):
            bench.step(index)
            bar.update()
        bench.finish(1)
        if kind == "stop":
            bench.state.interrupt()
            bench.step(3)
        raise ZeroDivisionError
    assert text.getvalue().endswith("\n")
    assert 1 == counts(text)[-1]


def test_the_end_of_the_job_ends_the_line(bench, text):
    """Whatever has not been finished by then is not claimed."""
    bench.begin("observe")
    run(bench, Pipeline(text))
    bench.finish(3)
    bench.session.end_job()
    assert text.getvalue().endswith("\n")
    assert 3 == counts(text)[-1]


def test_switched_off_in_the_middle_the_bar_is_the_hosts(bench, text):
    """From then on it counts what is queued, as without us."""
    bench.begin("observe")
    original = DiffusionPipeline.progress_bar.__wrapped__
    with Pipeline(text).progress_bar(total=4) as bar:
        bench.step(0)
        bar.update()
        bench.session.close()
        assert 1 == counts(text)[-1]
        bar.update()
        assert 2 == counts(text)[-1]
    assert text.getvalue().endswith("\n")
    assert DiffusionPipeline.progress_bar is original


def test_a_job_that_cannot_be_followed_has_the_hosts_bar(bench, text):
    """No way is left to learn what is finished: the bar counts what is queued."""
    bench.begin("every-step")
    bench.device.failing = {"synchronize", "current_stream", "Event"}
    with Pipeline(text).progress_bar(total=2) as bar:
        for _ in range(2):
            processing_args.diffusers_callback(bench.pipe, 0, 0, {})
            bar.update()
    bench.wait_until(lambda: text.getvalue().endswith("\n"))
    assert 2 == counts(text)[-1]


def test_an_error_of_ours_leaves_the_bar_to_the_host(bench, text, monkeypatch, caplog):
    """Said once, and only for this job."""

    def fail(self):
        raise RuntimeError("a bug of ours")

    bench.begin("observe")
    with monkeypatch.context() as broken, caplog.at_level(logging.WARNING, logger="sd"):
        broken.setattr(drawn_bar.DrawnBar, "_count_passed", fail)
        for _ in range(2):
            run(bench, Pipeline(text), 3)
        bench.wait_until(lambda: text.getvalue().count("\n") == 2)
        bench.wait_until(lambda: "a bug of ours" in caplog.text)
    assert 2 == text.getvalue().count(" 3/3\n")
    assert 1 == caplog.text.count("a bug of ours")
    bench.session.end_job()
    bench.begin("observe")
    run(bench, Pipeline(text), 3)
    assert 0 == counts(text)[-1]


def test_a_console_that_stands_still_holds_up_nobody(bench, text, monkeypatch):
    """Somebody marks text in it: steps go on, are counted, and the job ends."""
    gate, is_stuck, held = threading.Event(), threading.Event(), []
    monkeypatch.setattr(drawn_bar, "DRAWING_LIMIT_S", 0.001)

    class Stuck(io.StringIO):
        def write(self, part):
            if "1/4" in part:
                is_stuck.set()
                held.append(gate.wait(15.0))
            return super().write(part)

    stuck = Stuck()
    bench.begin("observe")
    try:
        with Pipeline(stuck).progress_bar(total=4) as bar:
            bench.step(0)
            bar.update()
            bench.finish(1)
            assert is_stuck.wait(20.0)
            for index in range(1, 4):
                bench.step(index)
                bar.update()
        bench.finish()
        assert 4 == bench.session.snapshot().completed
        bench.session.end_job()
    finally:
        gate.set()
    bench.wait_until(lambda: stuck.getvalue().endswith("\n"))
    assert [True] == held


def test_bars_of_others_are_left_alone(bench, text):
    """Another thread's, one that is not drawn, and one that counts no steps."""
    bench.begin("observe")
    bench.in_thread(lambda: run(SimpleNamespace(step=lambda index: None), Pipeline(text, "Other")))
    assert 4 == counts(text, "Other")[-1]
    assert "tqdm" in bench.in_thread(lambda: type(Pipeline(text).progress_bar(total=4)).__name__)
    silent = Pipeline(text, disable=True)
    assert "tqdm" in type(silent.progress_bar(total=4)).__name__
    with Pipeline(text, "Bytes").progress_bar(total=1000) as bar:
        bar.update(500)
        assert 500 == counts(text, "Bytes")[-1]


def test_a_job_that_is_not_followed_has_the_hosts_bar(bench, text):
    """Profile ``off`` for one request: the object is the host's own."""
    bench.switch_on()
    bench.begin("off")
    assert "tqdm" in type(Pipeline(text).progress_bar(total=4)).__name__


def test_what_a_pipeline_may_ask_of_its_bar(bench, text):
    """Description, figures, count, length and total; nothing of it draws ahead of the device."""
    bench.begin("observe")
    pipe = Pipeline(text, bar_format="{desc}{n_fmt}/{total_fmt}{postfix}")
    bar = pipe.progress_bar(total=4)
    bench.step(0)
    bar.update()
    bar.set_description("Base")
    bar.set_postfix(loss=1)
    bar.refresh()
    assert (1, 4, 4, True, "it") == (bar.n, bar.total, len(bar), bool(bar), bar.unit)
    bench.wait_until(lambda: "Base: 0/4, loss=1" in text.getvalue())
    bench.finish(1)
    bar.close()
    bench.wait_until(lambda: "Base: 1/4, loss=1\n" in text.getvalue())


def test_the_rate_is_the_devices(bench, text, monkeypatch):
    """Four steps in an instant on the host, one in two seconds on the device: half a step a second."""
    now_s = [100.0]
    bench.begin("observe")
    pipe = Pipeline(text, bar_format="{n_fmt} {rate_fmt} {elapsed} {remaining}")
    with pipe.progress_bar(total=4) as bar:
        bar._drawn.bar._time = lambda: now_s[0]
        bar._drawn.bar.start_t = bar._drawn.bar.last_print_t = now_s[0]
        for index in range(4):
            bench.step(index)
            bar.update()
    for done in (1, 2, 3, 4):
        now_s[0] += 1.0
        bench.session._console._bars[0].draw()
        now_s[0] += 1.0
        bench.finish(done)
        bench.wait_until(lambda done=done: f"\r{done} " in text.getvalue())
    bench.wait_until(lambda: text.getvalue().endswith("\n"))
    assert "3  2.00s/it 00:06 00:02" in text.getvalue()
    assert last_line(text).startswith("4  2.00s/it 00:08 00:00")


def test_steps_draw_nothing(bench, text):
    """On the thread that queues, no step writes a character."""
    writers = set()

    class Noting(io.StringIO):
        def write(self, part):
            writers.add(threading.current_thread().name)
            return super().write(part)

    bench.begin("every-step")
    with Pipeline(Noting()).progress_bar(total=3) as bar:
        writers.clear()
        for index in range(3):
            bench.step(index, latents=torch.zeros(1, 4, 2, 2))
            bar.update()
        assert writers <= {"zluda_sync-console"}
