"""A test extension for the real SD.Next: puts an asynchronous device under a host that runs on the CPU.

The device is a timeline: each denoising step and each block of a VAE decode adds its time to the end of the
queue, and ``torch.cuda``'s events, streams and synchronize are measured against it. Values are computed at
once by the CPU; only their completion is late. ``GET /async_device/truth`` tells what the device has done.

Times come from the environment: ASYNC_DEVICE_STEP_S, ASYNC_DEVICE_DECODE_S; and ASYNC_DEVICE_BLOCK_S, what
each block of the text encoder and of the decoder costs the host, as where kernels are compiled. With
ASYNC_DEVICE_EVEN=1 a picture of any size costs what one of 256 x 256 does. ASYNC_DEVICE_BACKEND is the name
by which SD.Next knows the device, zluda if there is none.
"""

import contextlib
import importlib
import os
import threading
import time

import torch
from async_timeline import TIMELINE

STEP_S = float(os.environ.get("ASYNC_DEVICE_STEP_S", "0.2"))
DECODE_S = float(os.environ.get("ASYNC_DEVICE_DECODE_S", "0.5"))
BLOCK_S = float(os.environ.get("ASYNC_DEVICE_BLOCK_S", "0"))
BACKEND = os.environ.get("ASYNC_DEVICE_BACKEND", "zluda")
IS_EVEN = os.environ.get("ASYNC_DEVICE_EVEN") == "1"


class Event:
    """torch.cuda.Event on the timeline."""

    def __init__(self, enable_timing=False, blocking=False, interprocess=False):
        self.done_at_s = 0.0

    def record(self, stream=None):
        self.done_at_s = TIMELINE.free_at_s

    def query(self):
        return TIMELINE.now_s() >= self.done_at_s

    def synchronize(self):
        TIMELINE.wait_until(self.done_at_s)

    def wait(self, stream=None):
        pass


class Stream:
    """torch.cuda.Stream: there is one queue."""

    def __init__(self, *args, **kwargs):
        pass

    def synchronize(self):
        TIMELINE.wait_until(TIMELINE.free_at_s)

    def query(self):
        return TIMELINE.now_s() >= TIMELINE.free_at_s


def synchronize(device=None):
    TIMELINE.synchronized += 1
    TIMELINE.wait_until(TIMELINE.free_at_s)


for module in (torch.cuda, torch.xpu, torch.mps):  # of these one is the backend's; nobody asks the others
    module.Event = Event
    module.Stream = Stream
    module.current_stream = lambda device=None: Stream()
    module.synchronize = synchronize
torch.mps.event.Event = Event


def relative_work(latents, copies=1):
    """Return how many pictures of 256 x 256 these latents are worth; 1 where all count alike.

    With guidance a model gets two copies of each picture, which count as one.
    """
    pictures = max(latents.shape[0] // copies, 1)
    return 1.0 if IS_EVEN else pictures * latents.shape[-1] * latents.shape[-2] / (32 * 32)


def slow_unet(original):
    def forward(self, sample, *args, **kwargs):
        output = original(self, sample, *args, **kwargs)
        TIMELINE.launch_step(STEP_S * relative_work(sample, copies=2))
        return output

    return forward


class Decode:
    """The decode that is under way, and what of it is not queued yet; a part of it is queued with each block.

    Attributes:
        left_s: 0 while there is none.
        block_s: what a block of it costs the device.
    """

    left_s = block_s = 0.0


def slow_decode(original):
    def decode(self, z, *args, **kwargs):
        Decode.left_s = DECODE_S * relative_work(z)
        Decode.block_s = Decode.left_s / (
            len(self.decoder.up_blocks) + 1
        )  # the last is what comes behind them
        try:
            output = original(self, z, *args, **kwargs)
            TIMELINE.decodes += 1
            TIMELINE.wait_until(TIMELINE.queue(Decode.left_s))  # the host reads the picture back
        finally:
            Decode.left_s = 0.0
        return output

    return decode


def decode_block(original):
    def forward(self, *args, **kwargs):
        output = original(self, *args, **kwargs)
        if Decode.left_s:
            TIMELINE.queue(Decode.block_s)
            Decode.left_s = max(Decode.left_s - Decode.block_s, 0.0)
        return output

    return forward


def slow_block(original):
    def forward(self, *args, **kwargs):
        TIMELINE.blocks += 1
        time.sleep(BLOCK_S)
        return original(self, *args, **kwargs)

    return forward


def new_loop(original):
    def progress_bar(self, *args, **kwargs):
        TIMELINE.begin_loop()
        return original(self, *args, **kwargs)

    return progress_bar


def patched():
    """Tell which names of the host are not its own now, and which modules of its model have hooks."""
    return [*patched_functions(), *patched_state(), *hooked_modules()]


def patched_functions():
    from diffusers import DiffusionPipeline

    from modules import devices

    homes = {
        "modules.processing_args.diffusers_callback": "processing_callbacks.py",
        "modules.processing_args.diffusers_callback_legacy": "processing_callbacks.py",
        "modules.processing_diffusers.process_diffusers": "processing_diffusers.py",
    }
    found = []
    for name, file in homes.items():
        module, _, attribute = name.rpartition(".")
        value = getattr(importlib.import_module(module), attribute)
        if not value.__code__.co_filename.endswith(file):
            found.append(name)
    if importlib.import_module("modules.processing_callbacks").devices is not devices:
        found.append("modules.processing_callbacks.devices")
    if not DiffusionPipeline.progress_bar.__code__.co_filename.endswith("async_device.py"):
        found.append("DiffusionPipeline.progress_bar")
    return found


def patched_state():
    from modules import shared

    return [
        f"State.{name}"
        for name, value in vars(type(shared.state)).items()
        if type(value).__module__.startswith("zluda_sync")
    ]


def hooked_modules():
    from modules import shared

    return [
        f"hook in {name}"
        for name, module in vars(shared.sd_model).items()
        if isinstance(module, torch.nn.Module) and any(part._forward_pre_hooks for part in module.modules())
    ]


def install():
    from diffusers import AutoencoderKL, DiffusionPipeline, UNet2DConditionModel
    from diffusers.models.unets.unet_2d_blocks import UpDecoderBlock2D
    from transformers.models.clip.modeling_clip import CLIPEncoderLayer

    from modules import devices, script_callbacks, shared

    if BACKEND != "zluda":  # what is loaded now asks nothing of a driver that is not there
        with contextlib.suppress(ImportError):
            importlib.import_module("modules.sdnq")
    devices.backend = BACKEND
    # Older versions make no previews for jobs of the API, which is where the tests' jobs come from.
    type(shared.state).api = property(lambda state: False, lambda state, value: None)
    UNet2DConditionModel.forward = slow_unet(UNet2DConditionModel.forward)
    AutoencoderKL.decode = slow_decode(AutoencoderKL.decode)
    DiffusionPipeline.progress_bar = new_loop(DiffusionPipeline.progress_bar)
    UpDecoderBlock2D.forward = decode_block(UpDecoderBlock2D.forward)
    if BLOCK_S:
        for block in (UpDecoderBlock2D, CLIPEncoderLayer):
            block.forward = slow_block(block.forward)

    def add_routes(demo, app):
        def truth():
            return {
                "now_s": time.time(),
                "step_ends_s": TIMELINE.step_ends_s,
                "launched_at_s": TIMELINE.launched_at_s,
                "synchronized": TIMELINE.synchronized,
                "blocks": TIMELINE.blocks,
            }

        def forget():
            TIMELINE.forget()
            return {}

        def options():
            """Tell which options there are; the host's own route leaves out those at their default."""
            return list(shared.opts.data_labels)

        def press_page(press: dict):
            """Do what the page's Generate does, on a thread: a task that waits for the host's lock."""
            from modules import call_queue, processing

            def make(task, *args):
                p = processing.StableDiffusionProcessingTxt2Img(
                    sd_model=shared.sd_model, prompt="a blue circle", seed=2, steps=6, width=256, height=256
                )
                p.do_not_save_samples = True
                images = processing.process_images(p).images
                return images, "", "", ""

            run = call_queue.wrap_gradio_gpu_call(make, extra_outputs=[None, "", ""], name="Text")
            threading.Thread(target=run, args=(press["task"],), daemon=True).start()
            return {}

        app.add_api_route("/async_device/press_page", press_page, methods=["POST"])
        app.add_api_route("/async_device/truth", truth, methods=["GET"])
        app.add_api_route("/async_device/forget", forget, methods=["POST"])
        app.add_api_route("/async_device/options", options, methods=["GET"])
        app.add_api_route("/async_device/patched", patched, methods=["GET"])

    script_callbacks.on_app_started(add_routes)


install()
