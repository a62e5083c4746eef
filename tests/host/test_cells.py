"""The picture calls of one request are its cells: counted, planned and shown as one."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from modules import shared
from tests.options import MODE
from zluda_sync.core.phase import Phase
from zluda_sync.core.wishes.request_wishes import Ending


def processing(**fields):
    return SimpleNamespace(
        **{"steps": 4, "width": 64, "height": 64, "n_iter": 1, "batch_size": 1, "iteration": 0, **fields}
    )


class Script:
    """Makes picture calls as the host's scripts do, and looks at the label within each.

    Args:
        bench: the host.
    """

    def __init__(self, bench):
        self.bench = bench
        self.labels: list[str] = []
        self.within: list[int] = []

    def request(self, make):
        """Run what one call of the API makes the host do."""
        state = self.bench.state
        task = state.begin("API-TXT", api=True)
        make()
        state.end(task)

    def process_images(self, p, inner=None, steps=2):
        """Make the pictures of one call; ``inner`` runs before anything is computed."""
        bench = self.bench
        bench.session.begin_job(p)
        process = bench.state.begin("Process")
        if inner is not None:
            inner()
        if steps:
            inference = bench.state.begin("Inference")
            for index in range(steps):
                bench.step(index)
                bench.finish()
                self.look()
            bench.state.end(inference)
            bench.state.end(bench.state.begin("VAE Decode"))
        bench.state.end(process)
        bench.session.end_job(p)

    def look(self):
        self.labels.append(self.bench.session.snapshot().label)


@pytest.fixture
def script(bench):
    bench.switch_on()
    return Script(bench)


def places(labels):
    """Return what stands before the colon."""
    return [label.partition(":")[0] for label in labels]


def test_a_script_that_says_how_many_come_is_counted(script):
    """Before its first call, in the host's own field, which the call resets."""

    def make():
        script.bench.state.job_count = 3
        for _ in range(3):
            script.process_images(processing(), steps=1)

    script.request(make)
    assert ["Cell 1/3", "Cell 2/3", "Cell 3/3"] == places(script.labels)


def test_only_a_request_of_one_cell_is_told_in_stretches(script):
    """The bar is that of the request, and a job knows the parts of its own cell alone."""
    told = []

    def look():
        job = script.bench.session.status.build().job
        told.append((job.cells, sum(one.share for one in job.stretches)))

    def make():
        script.bench.state.job_count = 3
        for _ in range(3):
            script.process_images(processing(), steps=1)

    script.look = look
    script.request(make)
    script.request(lambda: script.process_images(processing(), steps=1))
    assert [(3, 0), (3, 0), (3, 0), (1, pytest.approx(1, abs=0.005))] == told  # thousandths are told


def test_the_field_is_the_hosts_all_the_same(script):
    """Whatever is written is read, and a phase that begins sets it to one."""
    state = script.bench.state
    state.job_count = 7
    assert 7 == state.job_count
    state.begin("Process")
    assert 1 == state.job_count


def make_two(script):
    for _ in range(2):
        script.process_images(processing(), steps=1)


def test_what_the_hosts_own_processing_counts_declares_nothing(script):
    """Versions of 2025 count its phases, with the same field."""
    own = {"__name__": "modules.processing_diffusers", "state": script.bench.state}
    exec("def upscale():\n    state.job_count += 3", own)
    script.request(lambda: (own["upscale"](), script.process_images(processing(), steps=1)))
    assert ["Denoise 1/4"] == script.labels


def test_what_goes_wrong_in_planning_a_cell_stays_with_us(script, monkeypatch):
    """The host's call goes on, and is followed no more."""

    def fail(*_args):
        raise KeyError("odd")

    def grid():
        job = script.bench.session._jobs.current
        monkeypatch.setattr(job._planning, "begin_cell", fail)
        script.process_images(processing(), steps=0)
        assert job.is_broken

    script.request(lambda: script.process_images(processing(), grid, steps=0))
    script.request(lambda: script.process_images(processing(), steps=1))
    assert ["Denoise 1/4"] == script.labels


def test_launches_are_counted_over_all_cells(script):
    """The record of a Stop tells how many steps came after it: never fewer than none."""
    launched = []

    def grid():
        script.bench.state.job_count = 4
        for _ in range(4):
            script.process_images(processing(), steps=4)
            launched.append(script.bench.session._jobs.current.job.launched)

    script.request(lambda: script.process_images(processing(), grid, steps=0))
    assert [4, 8, 12, 16] == launched


def test_passes_of_cells_that_are_over_are_let_go_of(script):
    """A grid of hundreds keeps no more than a small one."""
    kept = []

    def grid():
        script.bench.state.job_count = 8
        for _ in range(8):
            script.process_images(processing(), steps=4)
            job = script.bench.session._jobs.current
            kept.append(len(job._passes) + len(job.run._passes._all) + len(job.job.passes))

    script.request(lambda: script.process_images(processing(), grid, steps=0))
    assert kept[-1] == kept[2]


def test_the_host_still_waits_for_the_device_in_later_cells(script):
    """What is let go of with a cell that is over is no reason to let the host run ahead in the next."""
    shared.opts.data.update({MODE: "every-step"})
    script.bench.finish = lambda: None  # each step is waited for by the extension itself
    steps = []
    script.look = lambda: steps.append(script.bench.session.snapshot().completed)

    def grid():
        script.bench.state.job_count = 4
        for _ in range(4):
            script.process_images(processing(), steps=2)

    script.request(lambda: script.process_images(processing(), grid, steps=0))
    assert [1, 2] * 4 == steps


def test_a_script_that_says_nothing_is_open(script):
    """Its loop tells that more may come, and nobody how many."""
    script.request(lambda: make_two(script))
    assert ["Cell 1", "Cell 2"] == places(script.labels)


def test_a_plain_request_has_no_cells(script):
    """Nor one whose script makes its call once."""
    script.request(lambda: script.process_images(processing(n_iter=2), steps=1))
    assert ["Image 1/2: Denoise 1/4"] == script.labels


def test_calls_within_a_call_that_makes_nothing_itself_are_the_cells(script):
    """An XYZ grid that is always there: the call around them is none."""

    def grid():
        script.bench.state.job_count = 2
        make_two(script)

    script.request(lambda: script.process_images(processing(), grid, steps=0))
    assert ["Cell 1/2: Denoise 1/4", "Cell 2/2: Denoise 1/4"] == script.labels


def test_each_inner_cell_is_planned_by_what_it_asks_for(script):
    """Its images and its steps, not those of the call around it."""
    planned = []

    def look():
        job = script.bench.session._jobs.current.job
        planned.append([part.steps for part in job.cell_parts if part.phase is Phase.DENOISE])

    def grid():
        script.bench.state.job_count = 4
        for steps in (6, 8):
            script.bench.pipe.num_timesteps = steps
            script.process_images(processing(steps=steps, n_iter=2), steps=1)

    script.look = look
    script.request(lambda: script.process_images(processing(), grid, steps=0))
    assert [[6, 6], [8, 8]] == planned


def test_a_call_after_the_first_step_is_a_part_of_its_image(script):
    """A face that is made anew is no cell."""

    def detail():
        script.bench.state.begin("Inference")
        script.bench.step(0)
        script.process_images(processing(width=32, height=32))

    script.request(lambda: script.process_images(processing(), detail, steps=0))
    assert ["Denoise 1/4", "Denoise 2/4"] == script.labels


def test_the_bar_of_a_request_does_not_fall_between_its_cells(script):
    """From the first look to the last."""
    bars = []

    def make():
        script.bench.state.job_count = 3
        for _ in range(3):
            script.process_images(processing(), steps=4)

    script.look = lambda: bars.append(script.bench.session.snapshot().fraction)
    script.request(make)
    assert sorted(bars) == bars
    assert bars[0] < bars[-1] < 1


def test_the_control_tab_with_one_input_is_a_plain_request(script):
    """Its loop runs for one picture, too: no reason to hold the bar back. Of several nobody knows."""

    def control_run(inputs):
        cap = None
        for _ in inputs:
            script.process_images(processing(), steps=1)
        return cap

    script.request(lambda: control_run([None]))
    script.request(lambda: control_run(["one", "other"]))
    assert ["Denoise 1/4", "Cell 1: Denoise 1/4", "Cell 2: Denoise 1/4"] == script.labels


def test_the_record_of_a_grid_tells_of_all_its_cells(script):
    """One job in the history, in words too; a plain one says nothing of cells."""

    def make():
        script.bench.state.job_count = 3
        for _ in range(3):
            script.process_images(processing(), steps=4)

    script.request(make)
    script.request(lambda: script.process_images(processing(), steps=4))
    plain, grid = script.bench.session.records.recent(5)
    assert ("3 cells of 1 image, 64 x 64", 3, 12) == (grid.title, len(grid.cells), grid.steps)
    assert ("1 image, 64 x 64", ()) == (plain.title, plain.cells)


def test_what_a_grid_took_is_known_when_it_is_made_again(script):
    """A script that says nothing is counted the second time."""

    def loop():
        for _ in range(3):
            script.process_images(processing(), steps=4)

    for label in ("Cell 1", "Cell 1/3"):
        script.labels.clear()
        script.request(loop)
        assert label == places(script.labels)[0]


def test_what_comes_before_the_first_cell_within_a_call_is_known_the_second_time(script):
    """A model that is loaded for it, say: then the bar does not take the call itself for a cell."""
    seen = []

    def grid():
        seen.append(script.bench.session.snapshot())
        script.bench.state.job_count = 3
        for _ in range(3):
            script.process_images(processing(), steps=4)

    for _ in range(2):
        script.request(lambda: script.process_images(processing(), grid, steps=0))
    first, again = seen
    assert (1, 3) == (first.cells, again.cells)
    assert again.eta_s is not None and again.eta_s > 0


def test_a_call_that_makes_its_pictures_itself_this_time_is_a_plain_request(script):
    """What is asked for is the same; a script that made cells before has given up, say."""

    def grid():
        for _ in range(3):
            script.process_images(processing(), steps=4)

    script.request(lambda: script.process_images(processing(), grid, steps=0))
    script.labels.clear()
    script.request(lambda: script.process_images(processing(), steps=4))
    assert ["Denoise 1/4", "Denoise 2/4"] == script.labels[:2]
    assert not script.bench.session.records.recent(1)[0].cells


def test_a_request_that_ends_on_another_thread_is_learned_too(script):
    """The Control tab is a generator, whose steps the server runs on whichever thread is free."""
    state = script.bench.state

    def loop():
        for _ in range(2):
            script.process_images(processing(), steps=4)

    for label in ("Cell 1", "Cell 1/2"):
        script.labels.clear()
        task = state.begin("API-CTL", api=True)
        loop()
        script.bench.in_thread(lambda task=task: state.end(task))
        assert script.bench.session._jobs._ended is None  # at once, not with the next request
        assert label == places(script.labels)[0]


def test_a_stop_within_a_cell_leaves_nothing_planned(script):
    """Neither of its images nor of the cells to come."""
    seen = []

    def look():
        script.bench.in_thread(script.bench.session.stop)
        seen.append(script.bench.session.snapshot().ending)
        planned = [part.phase for part in job().cell_parts if part.began_at_s is None]
        seen.append([phase for phase in planned if phase is not Phase.SAVE])  # of what there is

    def job():
        return script.bench.session._jobs.current.job

    def grid():
        script.bench.state.job_count = 50
        with pytest.raises(AssertionError):
            script.process_images(processing(n_iter=3), steps=3)

    script.look = look
    script.request(lambda: script.process_images(processing(), grid, steps=0))
    assert [Ending.STOP, []] == seen[:2]


def lengths_s(script):
    """How long the last requests took, by which those are reckoned of which nothing is known."""
    return script.bench.session.estimator._estimates._loaded().to_json()["recent_s"]


def test_the_length_of_a_request_is_kept_with_all_of_its_cells(script):
    """When it is over, and one for all."""
    kept = []

    def make():
        for _ in range(3):
            script.process_images(processing(), steps=4)
        kept.extend(lengths_s(script))

    script.request(make)
    assert [] == kept
    (length_s,) = lengths_s(script)
    spans = script.bench.session.records.recent(1)[0].cells
    assert 3 == len(spans)
    assert length_s >= round(spans[-1][1], 3)
    script.request(lambda: script.process_images(processing(), steps=4))
    assert 2 == len(lengths_s(script))


def test_a_request_that_lost_a_cell_tells_no_usual_length(script):
    """It was not made as it was asked for."""
    script.request(lambda: [script.process_images(processing(), steps=steps) for steps in (4, 0)])
    assert [] == lengths_s(script)


def test_a_request_in_which_a_model_was_loaded_tells_no_usual_length(script):
    """The next one does not load it again."""

    def load():
        script.bench.state.end(script.bench.state.begin("Load"))

    script.request(lambda: script.process_images(processing(), load, steps=4))
    assert [] == lengths_s(script)
