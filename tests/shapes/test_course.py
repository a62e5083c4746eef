"""A course of training: repeatable, and the same when it was cut off in between."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from shapes import course as course_module
from shapes.course import LOWEST_SHARE, Course, take_course

COURSE = Course("line", steps=6, batch=4, rate=1e-2, seed=5)


class CutOffError(Exception):
    """What ends a run in the middle."""


def loss_of(network, dice):
    inputs = torch.randn((COURSE.batch, 3), generator=dice.noise) + dice.words.random()
    return (network(inputs) - inputs.sum(1, keepdim=True)).square().mean()


def run(folder, cut_at=None, course=COURSE):
    torch.manual_seed(1)
    told = []

    def show(share, text):
        told.append((share, text))
        if cut_at == len(told):
            raise CutOffError

    network = take_course(course, nn.Linear(3, 1), loss_of, folder, show)
    return network, told


def test_a_course_that_was_cut_off_ends_as_one_that_was_not(tmp_path, monkeypatch):
    """The network, its running average and the optimizer's memory are all taken up."""
    whole, told = run(tmp_path / "whole")
    assert 6 == len(told) and 1.0 == told[-1][0] and "line 6/6  loss" in told[-1][1]
    monkeypatch.setattr(course_module, "SAVE_EVERY", 2)
    with pytest.raises(CutOffError):
        run(tmp_path / "cut", cut_at=5)
    resumed, told = run(tmp_path / "cut")
    assert 2 == len(told)  # from step 4, the last one that was saved
    assert all(map(torch.equal, whole.state_dict().values(), resumed.state_dict().values()))


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="asks Linux what is mapped")
def test_a_course_that_goes_on_does_not_hold_its_file(tmp_path, monkeypatch):
    """Windows replaces no file that is mapped."""
    monkeypatch.setattr(course_module, "SAVE_EVERY", 2)
    with pytest.raises(CutOffError):
        run(tmp_path, cut_at=5)
    renamed, mapped = Path.replace, []

    def look(self, target):
        mapped.append("line.safetensors" in Path("/proc/self/maps").read_text())
        return renamed(self, target)

    monkeypatch.setattr(Path, "replace", look)
    run(tmp_path)
    assert [False] == mapped


def test_a_course_that_is_done_is_not_taken_again(tmp_path):
    first, _told = run(tmp_path)
    again, told = run(tmp_path)
    assert not told and torch.equal(first.weight, again.weight)


def test_what_another_recipe_left_is_refused(tmp_path):
    run(tmp_path)
    with pytest.raises(ValueError, match=r"line\.safetensors.*remove it"):
        run(tmp_path, course=Course("line", steps=6, batch=4, rate=2e-2, seed=5))


def test_the_rate_rises_stays_and_falls():
    course = Course("long", steps=1000, batch=1, rate=1.0, seed=1)
    rates = [course.rate_at(step) for step in (0, 99, 300, 600, 800, 999)]
    assert pytest.approx([0.01, 1.0, 1.0, 1.0, 0.5, LOWEST_SHARE]) == rates


def test_training_learns_and_leaves_the_average(tmp_path):
    course = Course("line", steps=2000, batch=4, rate=2e-2, seed=5)
    network, _told = run(tmp_path, course=course)
    assert not network.training
    assert torch.allclose(network.weight, torch.ones(1, 3), atol=0.2)
