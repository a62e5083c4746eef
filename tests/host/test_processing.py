"""What is read from the host's processing object, in all its forms."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zluda_sync.core.phase import BASE, DETAIL, HIRES, REFINE, Phase
from zluda_sync.core.progress.shape import plan_parts
from zluda_sync.host.job import processing as processing_module
from zluda_sync.host.job.processing import HostProcessing
from zluda_sync.host.job.titles import phase_of

HIRES_REQUEST = {"enable_hr": True, "hr_scale": 1.5, "hr_second_pass_steps": 8, "denoising_strength": 0.5}


def shape_of(**values):
    request = SimpleNamespace(**{"width": 512, "height": 768, "steps": 20, **values})
    return HostProcessing(request).shape("card", "model", "observe")


def test_the_shape_of_a_plain_job():
    """One image, one pass."""
    shape = shape_of(n_iter=3, batch_size=2, sampler_name="Euler")
    assert (3, 2, "Euler") == (shape.images, shape.batch_size, shape.sampler)
    assert [(BASE, 20, 512, 768)] == [(p.role, p.steps, p.width_px, p.height_px) for p in shape.passes]


def test_scripts_are_looked_at_once(monkeypatch):
    """The host asks for the shape before each image, and a page has dozens of scripts."""
    looked = []
    monkeypatch.setattr(processing_module, "fingerprint_scripts", lambda p: looked.append(p) or "grid")
    call = HostProcessing(SimpleNamespace(width=512, height=512, steps=20))
    shapes = [call.shape("card", "model", "observe") for _ in range(3)]
    like = HostProcessing(SimpleNamespace(width=64, height=64, steps=4)).like(shapes[0])
    assert ["grid"] * 4 == [shape.scripts for shape in (*shapes, like)]
    assert 1 == len(looked)


def test_a_latent_upscaler_has_a_second_pass():
    """Hires with a latent upscaler denoises again, at the larger size."""
    second = shape_of(**HIRES_REQUEST, hr_upscaler="Latent Nearest").passes[1]
    assert (HIRES, 8, 768, 1152) == (second.role, second.steps, second.width_px, second.height_px)


@pytest.mark.parametrize(
    ("changes", "size_px"),
    [
        ({"hr_resize_mode": 0, "hr_upscaler": "Latent"}, (512, 768)),
        ({"hr_resize_mode": 1, "hr_upscaler": "None"}, (512, 768)),
        ({"hr_resize_mode": 5, "hr_upscaler": "None"}, (768, 1152)),
        ({"hr_resize_mode": 1, "hr_upscaler": "Latent"}, (768, 1152)),
        ({"hr_resize_mode": 2, "hr_upscaler": "Lanczos", "hr_resize_x": 1024}, (1024, 1152)),
    ],
)
def test_hires_keeps_the_size_where_it_has_no_way_to_change_it(changes, size_px):
    """Without a mode, which is the default of the API, it only denoises again."""
    second = shape_of(**{**HIRES_REQUEST, "hr_force": True, **changes}).passes[1]
    assert size_px == (second.width_px, second.height_px)


@pytest.mark.parametrize(
    ("upscaler", "mode", "is_decoded"),
    [("Lanczos", 1, True), ("Latent", 1, False), ("Lanczos", 0, False), ("None", 1, False)],
)
def test_hires_by_an_upscaler_of_pictures_begins_with_a_decode(upscaler, mode, is_decoded):
    """It is planned, at the size of the base pass."""
    request = {**HIRES_REQUEST, "hr_force": True, "hr_upscaler": upscaler, "hr_resize_mode": mode}
    parts = plan_parts(shape_of(**request))
    decodes = [part for part in parts if part.kind == (Phase.DECODE, HIRES)]
    assert is_decoded == bool(decodes)
    assert {512 * 768} >= {part.pixels for part in decodes}


@pytest.mark.parametrize(
    "changes",
    [{"hr_upscaler": "ESRGAN"}, {"denoising_strength": 0, "hr_upscaler": "Latent"}, {"enable_hr": False}],
    ids=["upscaling only", "no strength", "switched off"],
)
def test_no_second_pass_is_planned_where_there_is_none(changes):
    """What will not come must not be waited for."""
    assert 1 == len(shape_of(**{**HIRES_REQUEST, **changes}).passes)


def test_no_processing_object_means_no_shape():
    """Video tabs call pipelines by themselves."""
    assert HostProcessing(None).shape("card", "model", "observe") is None
    assert (0, BASE) == (HostProcessing(None).image, HostProcessing(None).role)


@pytest.mark.parametrize(
    ("flags", "role"),
    [({}, BASE), ({"is_hr_pass": True}, HIRES), ({"is_refiner_pass": True}, REFINE)],
)
def test_the_pass_is_told_by_the_hosts_flags(flags, role):
    """The flags have the same names in every version."""
    assert role == HostProcessing(SimpleNamespace(**flags)).role


def test_in_the_detailer_every_pass_is_a_detail():
    """Its inner passes carry the flags of a base pass."""
    source = HostProcessing(SimpleNamespace())
    source.is_in_detailer = True
    assert DETAIL == source.role


@given(
    st.dictionaries(
        st.sampled_from(
            ["width", "height", "steps", "n_iter", "batch_size", "hr_scale", "hr_resize_x", "enable_hr"]
        ),
        st.one_of(
            st.none(), st.text(max_size=4), st.integers(), st.floats(), st.lists(st.integers(), max_size=2)
        ),
    )
)
def test_no_field_can_break_the_reading(values):
    """Whatever a script puts into the object, there is a shape."""
    shape = HostProcessing(SimpleNamespace(**values)).shape("card", "model", "observe")
    assert shape.images >= 1
    assert shape.base_pixels >= 1


@pytest.mark.parametrize(
    ("title", "phase"),
    [
        ("TE Encode", Phase.ENCODE),
        ("VAE Decode", Phase.DECODE),
        ("VAE", Phase.DECODE),
        ("Load model", Phase.LOAD),
        ("Load", Phase.LOAD),
        ("Save image", Phase.SAVE),
        ("Upscale", Phase.UPSCALE),
        ("Detailer", Phase.DETAIL),
        ("Inference", None),
        ("Process", None),
        ("", None),
    ],
)
def test_titles_of_all_versions_are_known(title, phase):
    """A title that says nothing of the kind of work changes nothing."""
    assert phase is phase_of(title)


def test_an_input_that_the_host_does_not_resize_keeps_its_size():
    """With resize mode 0 the width and height of the request are ignored; sides are rounded up to 8."""
    asked = {"init_images": [SimpleNamespace(size=(321, 200))], "resize_mode": 0}
    (made,) = shape_of(width=512, height=512, **asked).passes
    assert (328, 200) == (made.width_px, made.height_px)
    (made,) = shape_of(width=512, height=512, **{**asked, "resize_mode": 1}).passes
    assert (512, 512) == (made.width_px, made.height_px)
    masked = {"inpaint_full_res": True, "image_mask": object()}
    (made,) = shape_of(width=512, height=512, **asked, **masked).passes
    assert (512, 512) == (made.width_px, made.height_px)


@pytest.mark.parametrize(
    ("values", "source", "strength"),
    [
        ({"denoising_strength": 0.3}, "", None),
        ({"denoising_strength": 0.3, "init_images": [object()]}, "image", 0.3),
        (
            {"denoising_strength": 0.3, "init_images": [object()], "image_mask": object()},
            "image and mask",
            0.3,
        ),
        ({**HIRES_REQUEST, "hr_upscaler": "Latent"}, "", 0.5),
    ],
    ids=["nothing", "a picture", "a mask", "hires"],
)
def test_what_a_job_begins_with_is_told(values, source, strength):
    """Its steps and what comes before them depend on it; a strength that nothing uses says nothing."""
    shape = shape_of(**values)
    assert (source, strength) == (shape.source, shape.strength)


def test_pictures_that_the_host_puts_there_later_are_no_input():
    """Some models get a blank input, made when the job has begun: what it is known by stays the same."""
    request = SimpleNamespace(width=512, height=512, steps=20, resize_mode=0, init_images=[])
    place = HostProcessing(request)
    before = place.shape("card", "model", "observe")
    request.init_images = [SimpleNamespace(size=(64, 64))]
    assert before == place.shape("card", "model", "observe")


@pytest.mark.parametrize(
    ("values", "guidance"),
    [
        ({}, ""),
        ({"cfg_scale": 1.0}, ""),
        ({"cfg_scale": 6}, "cfg"),
        ({"cfg_scale": -1}, "cfg"),
        ({"cfg_scale": 1, "cfg_true": 3.0}, "pag"),
        ({"cfg_scale": 6, "is_control": True}, "cfg control"),
    ],
)
def test_what_makes_a_step_compute_more_is_told(values, guidance):
    """Guidance, below 0 the pipeline's own, runs the model twice, a ControlNet another one beside it."""
    assert guidance == shape_of(**values).guidance


def test_a_size_of_zero_is_that_of_the_input():
    """As the tabs send it for "size of the input"; without an input it is the host's own."""
    (made,) = shape_of(width=0, height=0, init_images=[SimpleNamespace(size=(320, 200))]).passes
    assert (320, 200) == (made.width_px, made.height_px)
    (made,) = shape_of(width=0, height=0).passes
    assert (1024, 1024) == (made.width_px, made.height_px)
