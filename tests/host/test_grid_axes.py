"""The cells of SD.Next's XYZ grids are foreseen from their axes."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from zluda_sync.host.job.grid_axes import MOST_CELLS, foresee_cells


def apply_field(field):
    def fun(p, x, xs):
        setattr(p, field, x)

    return fun


def apply_seed(p, x, xs):
    p.seed = x


def apply_sampler(p, x, xs):
    p.sampler_name = x


def axis(apply, values, cost=0.0):
    return SimpleNamespace(axis=SimpleNamespace(apply=apply, cost=cost), values=values)


NOTHING = axis(lambda p, x, xs: None, [0])


def state(x, y=NOTHING, z=NOTHING):
    return {"xyz_plot_x": x, "xyz_plot_y": y, "xyz_plot_z": z}


def processing(**fields):
    return SimpleNamespace(**{"xyz": True, "steps": 20, "width": 512, "sampler_name": "Euler", **fields})


def test_steps_and_sizes_are_told_cell_by_cell():
    """In the order of the host's loops: the last axis but the dear ones runs fastest."""
    cells = foresee_cells(
        state(axis(apply_field("steps"), [4, 8]), axis(apply_field("width"), [64, 128])), processing()
    )
    assert [(4, 64), (8, 64), (4, 128), (8, 128)] == [(cell.steps, cell.width) for cell in cells]


def test_a_dear_axis_is_the_outermost_loop():
    """A checkpoint is changed as seldom as can be."""
    cells = foresee_cells(
        state(axis(apply_seed, ["one", "other"], cost=1.0), axis(apply_field("steps"), [4, 8])), processing()
    )
    assert [4, 8, 4, 8] == [cell.steps for cell in cells]
    cells = foresee_cells(
        state(axis(apply_field("steps"), [4, 8], cost=1.0), axis(apply_seed, [1, 2])), processing()
    )
    assert [4, 4, 8, 8] == [cell.steps for cell in cells]


def test_what_the_axes_do_not_change_is_the_requests():
    """The processing object itself stays as it is."""
    original = processing()
    cells = foresee_cells(state(axis(apply_sampler, ["DDIM", "Euler"])), original)
    assert [("DDIM", 20), ("Euler", 20)] == [(cell.sampler_name, cell.steps) for cell in cells]
    assert "Euler" == original.sampler_name


def test_cells_that_are_alike_are_one_object():
    """A grid of hundreds of seeds is no more work than one of two."""
    cells = foresee_cells(state(axis(apply_seed, list(range(200)))), processing())
    assert 200 == len(cells)
    assert 1 == len(set(map(id, cells)))


@pytest.mark.parametrize(
    ("values", "made"),
    [
        (state(axis(apply_seed, [])), processing()),
        (state(axis(apply_seed, [1])), processing(xyz=False)),
        ({}, processing(xyz=False)),
    ],
    ids=["empty axis", "axes of a grid before", "no grid"],
)
def test_without_a_grid_nothing_is_foreseen(values, made):
    """The axes stay on the host's state when the grid is over."""
    assert () == foresee_cells(values, made)


def test_a_grid_that_is_too_large_is_not_counted_out():
    """Its cells are taken to be alike."""
    assert () == foresee_cells(state(axis(apply_seed, list(range(MOST_CELLS + 1)))), processing())
