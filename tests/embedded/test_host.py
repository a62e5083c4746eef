"""The embedded host in process: jobs, settings, models, extensions, and the traps it keeps from SD.Next."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import logging
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import diffusers
import httpx
import numpy as np
import pytest
import torch
from PIL import Image

from bench.host.tiny_model import make_tiny_model
from modules import (
    devices,
    extensions,
    paths,
    processing,
    processing_args,
    processing_callbacks,
    progress,
    script_callbacks,
    shared,
    webui,
)
from modules.errors import HostError

# diffusers turns a tensor into an array in a way that NumPy 2 warns of
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

DEVICES = ("cpu", "emulated")


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model that takes no time, made once."""
    return make_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(autouse=True)
def clean_host() -> Iterator[None]:
    """Leave the shared objects as a fresh host has them."""
    yield
    script_callbacks.clear_callbacks()
    extensions.extensions.clear()
    shared.opts.filename = ""
    shared.opts.data.clear()
    shared.state.begin("Test")
    shared.state.end()
    progress.finished_tasks.clear()
    logging.getLogger("sd").setLevel(logging.NOTSET)


def start(tmp_path: Path, model_folder: str, device: str = "cpu", *more: str) -> webui.Host:
    """A host in process with an empty data folder, no extension and fast kernels."""
    (tmp_path / "extensions").mkdir(exist_ok=True)
    return webui.start_host(
        [
            "--data-dir",
            str(tmp_path / "data"),
            "--extensions-dir",
            str(tmp_path / "extensions"),
            "--device",
            device,
            "--model",
            model_folder,
            "--step-ms",
            "5",
            "--encode-ms",
            "2",
            "--decode-ms",
            "5",
            *more,
        ]
    )


def make_job(**kwargs: Any) -> processing.StableDiffusionProcessingTxt2Img:
    """A small job with a fixed seed."""
    return processing.StableDiffusionProcessingTxt2Img(
        **{"prompt": "a grey cat", "seed": 7, "steps": 4, "width": 128, "height": 128} | kwargs
    )


class Client:
    """Asks a FastAPI app without a server."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def ask(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://host") as client:
                return await client.request(method, path, **kwargs)

        return asyncio.run(send())

    def get(self, path: str, **kwargs: Any) -> httpx.Response:
        return self.ask("GET", path, **kwargs)

    def post(self, path: str, **kwargs: Any) -> httpx.Response:
        return self.ask("POST", path, **kwargs)


def write_extension(tmp_path: Path, name: str, script: str) -> Path:
    """An extension folder with one script."""
    folder = tmp_path / "extensions" / name
    (folder / "scripts").mkdir(parents=True)
    (folder / "scripts" / f"{name}_entry.py").write_text(script)
    return folder


@pytest.mark.parametrize("device", DEVICES)
def test_a_job_delivers_and_saves_a_picture(tmp_path, model_folder, device):
    """One press of Generate gives one picture of the size asked for, and a PNG with its parameters."""
    start(tmp_path, model_folder, device)
    processed = processing.process_images(make_job())
    [image] = processed.images
    [file] = (tmp_path / "data" / "outputs" / "text").iterdir()
    assert image.size == (128, 128)
    with Image.open(file) as saved:
        assert saved.text["parameters"] == processed.info
        assert np.array_equal(np.asarray(saved), np.asarray(image))
    assert "Seed: 7" in processed.info


def test_the_emulated_device_paints_the_same_picture(tmp_path, model_folder):
    """The asynchronous device's picture is the CPU's, up to one grey level."""
    pictures = []
    for device in DEVICES:
        start(tmp_path, model_folder, device)
        pictures.append(np.asarray(processing.process_images(make_job()).images[0]).astype(int))
    assert np.abs(pictures[0] - pictures[1]).max() <= 1
    assert pictures[0].std() > 1


@pytest.mark.parametrize("device", DEVICES)
def test_batches_and_hires_give_all_pictures(tmp_path, model_folder, device):
    """Two batches of two with a second pass give four different pictures of its size, seeds in a row."""
    start(tmp_path, model_folder, device)
    passes = []
    script_callbacks.on_before_process(passes.append)
    processed = processing.process_images(make_job(n_iter=2, batch_size=2, enable_hr=True, hr_scale=1.5))
    assert [image.size for image in processed.images] == [(192, 192)] * 4
    assert len({image.tobytes() for image in processed.images}) == 4
    assert processed.all_seeds == [7, 8, 9, 10]
    assert len(passes) == 1
    assert type(shared.sd_model) is diffusers.StableDiffusionPipeline


def test_phases_follow_each_other_as_in_sdnext(tmp_path, model_folder):
    """Each part of a job begins its own phase, in SD.Next's order and under SD.Next's names."""
    start(tmp_path, model_folder)
    shared.state.state_history.clear()
    processing.process_images(make_job(enable_hr=True))
    names = [entry["job"] for entry in shared.state.state_history if entry["op"] == "begin"]
    one_pass = ["params", "te encode", "inference"]
    assert names == ["process", "base", *one_pass, "hires", *one_pass, "vae decode", "save image"]


@pytest.mark.parametrize("sync", [False, True])
def test_the_host_runs_ahead_unless_it_synchronizes(tmp_path, model_folder, sync):
    """Without `torch_sync` steps are counted before the device has done them; with it, after."""
    from modules.emulated_device import QUEUE

    start(tmp_path, model_folder, "emulated", "--step-ms", "100")
    shared.opts.set("torch_sync", sync)
    backlog = []
    counted = type(shared.state).sampling_step.fset

    def count(state: Any, value: int) -> None:
        backlog.append(QUEUE.queued - QUEUE.completed)
        counted(state, value)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(shared.state), "sampling_step", type(shared.state).sampling_step.setter(count))
        processing.process_images(make_job())
    assert len(backlog) == 4
    assert (max(backlog) == 0) if sync else (min(backlog) > 0)


@pytest.mark.parametrize("press", ["interrupt", "skip"])
def test_stop_and_skip_end_the_pass(tmp_path, model_folder, press):
    """Stop ends the job and delivers the preview; Skip delivers nothing and loses the next batch too."""
    start(tmp_path, model_folder)
    steps = []

    def press_at_second_step(pipe: Any, step: int, timestep: Any, kwargs: dict) -> dict:
        steps.append(step)
        if len(steps) == 2:
            getattr(shared.state, press)()
            shared.state.current_image = Image.new("RGB", (8, 8))
        return processing_callbacks.diffusers_callback(pipe, step, timestep, kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processing_args, "diffusers_callback", press_at_second_step)
        processed = processing.process_images(make_job(n_iter=3))
    assert len(steps) == (2 if press == "interrupt" else 2 + 4)
    assert len(processed.images) == 1


def test_stop_during_text_encoding_is_lost(tmp_path, model_folder):
    """Trap kept from SD.Next: the next phase clears a Stop that came while the text was encoded."""
    start(tmp_path, model_folder)
    handle = shared.sd_model.text_encoder.register_forward_hook(lambda *_: shared.state.interrupt())
    try:
        processed = processing.process_images(make_job())
    finally:
        handle.remove()
    assert [image.size for image in processed.images] == [(128, 128)]
    assert shared.state.interrupted is False


def test_a_nested_begin_resets_the_job():
    """Trap kept from SD.Next: a phase inside a phase zeroes steps, batch, latents and wishes for good."""
    state = shared.state
    outer = state.begin("Process")
    state.batch_no, state.batch_count = 1, 3
    state.sampling_steps, state.sampling_step = 20, 7
    state.current_latent = object()
    state.interrupted = state.skipped = state.paused = True
    inner = state.begin("Base")
    fields = (
        state.batch_no,
        state.batch_count,
        state.sampling_steps,
        state.sampling_step,
        state.current_latent,
    )
    assert fields == (0, 0, 0, 0, None)
    assert (state.interrupted, state.skipped, state.paused) == (False, False, False)
    state.interrupted = True
    state.begin("Save image")
    assert state.interrupted is True
    state.end(inner)
    assert state.job == ""
    assert outer != inner


def test_progress_is_the_share_of_the_phase_rounded_first():
    """The page's figures: steps times batches, two places, and a remaining time from the rounded share."""
    task = shared.state.begin("Inference", task_id="task(abc)")
    progress.start_task("task(abc)")
    shared.state.sampling_steps, shared.state.sampling_step = 3, 1
    shared.state.time_start -= 33
    answer = progress.api_progress(progress.ProgressRequest(id_task="task(abc)"))
    shared.state.batch_no, shared.state.batch_count = 1, 2
    halved = progress.api_progress(progress.ProgressRequest(id_task="task(abc)"))
    progress.finish_task("task(abc)")
    done = progress.api_progress(progress.ProgressRequest(id_task="task(abc)"))
    assert task == "abc"
    assert (answer.progress, answer.active, answer.job, answer.live_preview) == (
        0.33,
        True,
        "Inference",
        None,
    )
    assert answer.eta == pytest.approx(67, abs=0.5)
    assert halved.progress == 0.17
    assert (done.active, done.completed, done.textinfo) == (False, True, "Waiting...")


class NewPipeline:
    def __call__(
        self,
        prompt,
        num_inference_steps=1,
        callback_on_step_end=None,
        callback_on_step_end_tensor_inputs=None,
        guidance_scale=1.0,
        generator=None,
    ): ...


class OldPipeline:
    def __call__(self, prompt, num_inference_steps=1, callback=None, callback_steps=5): ...


class SilentPipeline:
    def __call__(self, prompt, num_inference_steps=1): ...


@pytest.mark.parametrize(
    ("pipeline", "expected"),
    [
        (
            NewPipeline(),
            {"callback_on_step_end": "diffusers_callback", "callback_on_step_end_tensor_inputs": ["latents"]},
        ),
        (OldPipeline(), {"callback": "diffusers_callback_legacy", "callback_steps": 1}),
        (SilentPipeline(), {}),
    ],
)
def test_each_kind_of_pipeline_gets_its_callback(pipeline, expected):
    """The step callback goes where the pipeline takes one: the new parameter, the old one, or nowhere."""
    job = make_job()
    job.seeds = [7]
    args = processing_args.set_pipeline_args(
        job, pipeline, ["a"], [""], num_inference_steps=9, strength=0.5, output_type="latent"
    )
    named = {k: getattr(processing_args, v) if isinstance(v, str) else v for k, v in expected.items()}
    assert {k: v for k, v in args.items() if "callback" in k} == named
    assert (args["prompt"], args["num_inference_steps"]) == (["a"], 9)
    assert set(args) <= set(processing_args.get_params(pipeline))


def test_settings_survive_a_round_trip(tmp_path, model_folder):
    """Unknown keys and nested dicts come back; a value that equals its default is not written."""
    config = tmp_path / "data" / "config.json"
    config.parent.mkdir()
    config.write_text(json.dumps({"someone_elses": {"deep": {"list": [1, {"a": None}]}}, "torch_sync": True}))
    start(tmp_path, model_folder)
    assert shared.opts.torch_sync is True
    changes: list[Any] = []
    shared.opts.data_labels["samples_save"].onchange = lambda: changes.append(shared.opts.samples_save)
    assert shared.opts.set("samples_save", False)
    assert not shared.opts.set("samples_save", False)
    assert not shared.opts.set("no_such_option", 1)
    shared.opts.set("torch_sync", False)
    shared.opts.save()
    assert changes == [False]
    assert json.loads(config.read_text()) == {
        "someone_elses": {"deep": {"list": [1, {"a": None}]}},
        "samples_save": False,
    }
    assert list(config.parent.glob("tmp*")) == []


def test_a_config_that_cannot_be_written_loses_nothing(tmp_path, caplog):
    """One log line says so, no file is left over, and the values hold until the host stops."""
    shared.opts.filename = str(tmp_path)
    shared.opts.data["torch_sync"] = True
    with caplog.at_level(logging.INFO, "sd"):
        shared.opts.save()
    [record] = caplog.records
    assert str(tmp_path) in record.getMessage()
    assert "\n" not in record.getMessage()
    assert shared.opts.torch_sync is True
    assert list(tmp_path.parent.glob("tmp*")) == []


def test_a_damaged_config_is_set_aside(tmp_path, model_folder):
    """A half-written config.json is kept under another name before anything is saved."""
    config = tmp_path / "data" / "config.json"
    config.parent.mkdir()
    config.write_text('{"torch_sync": tr')
    start(tmp_path, model_folder)
    assert shared.opts.torch_sync is False
    assert config.with_name("config.json.broken").read_text() == '{"torch_sync": tr'


def break_model(kind: str, model_folder: str, tmp_path: Path) -> Path:
    """A model folder that cannot be loaded."""
    folder = tmp_path / "broken"
    if kind != "missing":
        shutil.copytree(model_folder, folder)
    if kind == "empty":
        shutil.rmtree(folder)
        folder.mkdir()
    elif kind == "half-written":
        next((folder / "unet").glob("*.safetensors")).unlink()
    elif kind == "cut off":
        weights = next((folder / "unet").glob("*.safetensors"))
        weights.write_bytes(weights.read_bytes()[:1000])
    elif kind == "bad index":
        (folder / "model_index.json").write_text("{")
    elif kind == "other pipeline":
        (folder / "model_index.json").write_text('{"_class_name": "FluxPipeline"}')
    return folder


@pytest.mark.parametrize(
    "kind", ["missing", "empty", "half-written", "cut off", "bad index", "other pipeline"]
)
def test_a_broken_model_folder_is_named_in_one_line(tmp_path, model_folder, kind):
    """The error is one line with the folder and what to do."""
    folder = break_model(kind, model_folder, tmp_path)
    with pytest.raises(HostError) as caught:
        start(tmp_path, str(folder))
    assert str(folder) in str(caught.value)
    assert "--model" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_cannot_start_says_so_in_one_line(tmp_path, model_folder, capsys):
    """A taken port, a missing model and an unwritable data folder: one line, exit code 2."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for wrong, argv in {
            port: ["--port", port],
            "no-model": ["--port", "0", "--model", str(tmp_path / "no-model")],
            str(blocked): ["--port", "0", "--data-dir", str(blocked / "data")],
        }.items():
            code = webui.main(["--data-dir", str(tmp_path / "data"), "--device", "cpu", *argv])
            [line] = capsys.readouterr().err.splitlines()
            assert (code, wrong in line) == (2, True), line


def test_an_extension_is_loaded_by_path(tmp_path, model_folder):
    """Its folder leads `sys.path` only while its script runs, and the script stays out of `sys.modules`."""
    folder = write_extension(
        tmp_path,
        "probe",
        "import sys, probe_package\nseen = list(sys.path)\n"
        "from modules import script_callbacks\n"
        "script_callbacks.on_app_started(lambda demo, app: probe_package.calls.append((demo, app)))\n"
        "script_callbacks.on_before_process(lambda p: 1 / 0)\n"
        "script_callbacks.on_before_process(probe_package.calls.append)\n"
        "script_callbacks.on_after_process(probe_package.calls.append)\n"
        "probe_package.path = seen\n",
    )
    (folder / "probe_package.py").write_text("calls = []\n")
    write_extension(tmp_path, "Asleep", "raise SystemExit('a disabled extension was loaded')")
    write_extension(tmp_path, "raises", "import no_such_module_anywhere")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "config.json").write_text('{"disabled_extensions": ["asleep"]}')
    before = list(sys.path)
    host = start(tmp_path, model_folder)
    probe = sys.modules.pop("probe_package")
    assert probe.path == [str(folder), *before]
    assert sys.path == before
    assert not [name for name in sys.modules if "probe_entry" in name]
    assert {ext.name: ext.enabled for ext in extensions.extensions} == {
        "Asleep": False,
        "probe": True,
        "raises": True,
    }
    job = make_job(steps=1)
    processing.process_images(job)
    assert probe.calls == [(None, host.app), job, job]


def test_a_restart_unloads_and_loads_again(tmp_path, model_folder):
    """Extensions hear of the unload; their scripts run again, and callbacks are not doubled."""
    write_extension(
        tmp_path,
        "probe",
        "import sys\nfrom modules import script_callbacks\n"
        "calls = sys.modules.setdefault('probe_calls', [])\ncalls.append('load')\n"
        "script_callbacks.on_script_unloaded(lambda: calls.append('unload'))\n"
        "script_callbacks.on_app_started(lambda demo, app: calls.append('started'))\n",
    )
    host = start(tmp_path, model_folder)
    host.request_restart()
    shared.opts.data["disabled_extensions"] = ["probe"]
    host.request_restart()
    calls = sys.modules.pop("probe_calls")
    once = ["load", "started", "unload"]
    assert calls == once * 2
    assert script_callbacks.callback_map["callbacks_app_started"] == []


def test_override_settings_hold_during_the_job_only(tmp_path, model_folder):
    """They reach the job, leave no trace in the settings, and a failing job is told of too."""
    start(tmp_path, model_folder)
    seen: list[Any] = []
    script_callbacks.on_before_process(lambda p: seen.append(shared.opts.torch_sync))
    script_callbacks.on_after_process(lambda p: seen.append("after"))
    job = make_job(steps=0, override_settings={"torch_sync": True, "no_such_option": 1})
    with pytest.raises(HostError, match="steps=0"):
        processing.process_images(job)
    assert seen == [True, "after"]
    assert shared.opts.data == {}


def test_a_job_of_the_api_that_fails_leaves_its_phase_open(tmp_path, model_folder):
    """Trap kept from SD.Next: the host says that it runs until the next job ends."""
    client = Client(start(tmp_path, model_folder).app)
    job = {"steps": 2, "width": 64, "height": 64}
    client.post("/sdapi/v1/txt2img", json={**job, "n_iter": 0})
    left = client.get("/sdapi/v1/status").json()
    assert (left["status"], left["task"], left["progress"]) == ("running", "API-TXT", 0)
    client.post("/sdapi/v1/txt2img", json=job)
    assert client.get("/sdapi/v1/status").json()["status"] == "idle"


def test_the_api_serves_a_job_and_its_settings(tmp_path, model_folder):
    """txt2img, progress, status and options answer as SD.Next's do; Stop and Skip are taken."""
    host = start(tmp_path, model_folder)
    client = Client(host.app)
    answer = client.post("/sdapi/v1/txt2img", json={"steps": 2, "width": 64, "height": 64, "seed": 3}).json()
    with Image.open(io.BytesIO(base64.b64decode(answer["images"][0]))) as image:
        assert image.size == (64, 64)
    assert json.loads(answer["info"])["seed"] == 3
    assert client.get("/sdapi/v1/status").json()["status"] == "idle"
    assert client.get("/sdapi/v1/progress").json()["progress"] == 0
    assert client.post("/sdapi/v1/txt2img", json={"steps": 0}).status_code == 422
    assert client.get("/sdapi/v1/progress").json()["progress"] == 0
    assert client.post("/internal/progress", json={"id_task": "task(x)"}).json()["active"] is False
    assert client.post("/sdapi/v1/options", json={"torch_sync": True}).json() == {
        "updated": [{"torch_sync": True}]
    }
    assert client.get("/sdapi/v1/options").json()["torch_sync"] is True
    assert json.loads((tmp_path / "data" / "config.json").read_text()) == {"torch_sync": True}
    assert (
        client.get("/js", params={"file": str(Path(paths.modules_path, "ui_progress.js"))}).status_code == 200
    )
    assert client.get("/js", params={"file": str(Path(__file__))}).status_code == 403
    assert client.post("/sdapi/v1/skip").status_code == 204
    assert client.post("/sdapi/v1/interrupt").status_code == 204
    assert (shared.state.skipped, shared.state.interrupted) == (True, True)


def test_the_api_progress_changes_what_it_reads():
    """Trap kept from SD.Next: asking while more steps ran than were announced raises `sampling_steps`."""
    shared.state.begin("Inference")
    shared.state.sampling_steps, shared.state.sampling_step = 4, 5
    assert webui.Api(webui.FastAPI()).get_progress().progress == 0.62
    assert shared.state.sampling_steps == 8


def test_a_preview_shows_the_latents_it_is_given():
    """The preview is a pixel a latent, channels 0 to 2; values that are no numbers do not break it."""
    shared.state.begin("Inference")
    latents = torch.zeros(2, 4, 3, 5)
    latents[0, 0] = 10
    latents[1, 1] = float("nan")
    shared.state.current_latent = latents
    shared.state.sampling_step = 1
    assert shared.state.set_current_image()
    image = shared.state.current_image
    assert image.size == (10, 3)
    assert (image.getpixel((0, 0)), image.getpixel((9, 2))) == ((255, 127, 127), (127, 127, 127))
    assert not shared.state.set_current_image()


def test_plain_cpu_is_the_host_s_own_backend(tmp_path, model_folder):
    """The backend's name says how the device behaves: the emulated one runs behind, as ZLUDA does."""
    start(tmp_path, model_folder, "cpu")
    assert (devices.backend, devices.device.type) == ("cpu", "cpu")
    start(tmp_path, model_folder, "emulated")
    assert (devices.backend, devices.device.type) == ("zluda", "emulated")
