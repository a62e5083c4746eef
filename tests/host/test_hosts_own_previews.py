"""Previews by the host's own method: of the one step that they are said to show, whatever goes on."""

from __future__ import annotations

import pytest
import torch
from PIL import Image

from modules import shared


@pytest.fixture
def looked_at(bench):
    """A bench with a job whose previews the host makes, and somebody who looks; no thread makes any."""
    shared.opts.data["zluda_sync_preview"] = "host"
    bench.begin("observe")
    bench.session._previews._maker.look = lambda: None
    bench.session._previews.look()
    return bench


def make_preview(bench, monkeypatch, meanwhile):
    """Have the host make a preview, with something between two of its looks at its fields.

    Return the step of the preview, None without one, and what the host read for it.
    """
    read = []

    def do_set_current_image(state):
        read.append(state.current_latent.mean().item())
        meanwhile()
        read.extend(
            (state.current_latent.mean().item(), state.current_noise_pred.mean().item(), state.sampling_step)
        )
        state.current_image = Image.new("RGB", (2, 2))
        return True

    monkeypatch.setattr(type(bench.state), "do_set_current_image", do_set_current_image, raising=False)
    made = bench.in_thread(bench.session._preview_setup._make_host_preview)
    return (None if made is None else made[0]), read


def queue_steps(bench, count=3):
    """Queue steps whose latents say which they are, and whose predictions are ten more."""
    for index in range(count):
        bench.step(index, noise_pred=torch.full((1, 4, 2, 2), 10.0 + index))


def test_a_preview_of_the_host_is_of_the_step_that_it_is_said_to_show(looked_at, monkeypatch):
    """The device finishes two more steps while the host reads its fields, the latents twice."""
    queue_steps(looked_at)
    looked_at.finish(1)
    made = make_preview(looked_at, monkeypatch, meanwhile=lambda: looked_at.finish(3))
    assert (0, [0.0, 0.0, 10.0, 1]) == made
    assert 3 == looked_at.polled("sampling_step")[0]


def test_a_job_that_ends_while_the_host_makes_a_preview_takes_nothing_from_it(looked_at, monkeypatch):
    """The host would find no latents the second time, and say so in its log."""
    queue_steps(looked_at)
    looked_at.finish(2)
    made = make_preview(looked_at, monkeypatch, meanwhile=looked_at.session.end_job)
    assert (1, [1.0, 1.0, 11.0, 2]) == made


def test_no_preview_is_made_of_latents_in_which_the_pipeline_may_go_on(looked_at, monkeypatch):
    """Who looks first in the middle of a pass is shown the next step, of which a copy is kept."""
    looked_at.session._previews._looked_at_s = None
    queue_steps(looked_at, 1)
    looked_at.finish()
    looked_at.session._previews.look()
    assert (None, []) == make_preview(looked_at, monkeypatch, meanwhile=lambda: None)
    latents = torch.full((1, 4, 2, 2), 1.0)
    looked_at.step(1, latents=latents, noise_pred=latents + 10)
    looked_at.finish()
    made = make_preview(looked_at, monkeypatch, meanwhile=lambda: latents.fill_(-1.0))
    assert (1, [1.0, 1.0, 11.0, 2]) == made
