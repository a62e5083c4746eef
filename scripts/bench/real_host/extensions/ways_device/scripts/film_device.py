"""A test extension for the real SD.Next: what films cost on the test device, and the way to its Video tab.

- Each run of a film's denoiser, and each chunk of frames that its VAE decodes, takes its time on the device;
  the host waits where it reads the frames back. A step is over when its scheduler has been called.
- Each pair of frames between which others are put takes its time on the device and is read back.
- Each frame that is encoded into a file keeps a processor busy.
- ``POST /film_device/video`` does what the page's tab "Video" does, with the model that lies in
  ``models/film``; it answers with the names of what was made. It has no route of its own in SD.Next.
- ``POST /film_device/ltx`` does what the page's tab "LTX" does, with the model that lies in ``models/ltx``.
"""

import inspect
import os
import time
from pathlib import Path

from async_timeline import TIMELINE
from fastapi import Body

STEP_S = float(os.environ.get("FILM_DEVICE_STEP_S", "0.6"))
CHUNK_S = float(os.environ.get("FILM_DEVICE_CHUNK_S", "0.8"))
BETWEEN_S = float(os.environ.get("FILM_DEVICE_BETWEEN_S", "0.1"))
FRAME_S = float(os.environ.get("FILM_DEVICE_FRAME_S", "0.05"))
ENGINE = "WAN Video"
MODEL = "WAN moving shapes T2V"
LTX_ENGINE, LTX_MODEL = "LTX Video", "LTXVideo tiny T2V"
#: What the page sends where nothing else is asked for, by the names that the host's function gives it.
ASKED = {
    "task_id": "",
    "ui_state": "",
    "engine": ENGINE,
    "model": MODEL,
    "prompt": "a red circle moving left",
    "negative": "",
    "styles": [],
    "width": 96,
    "height": 96,
    "frames": 16,
    "steps": 12,
    "sampler_index": 0,
    "sampler_shift": -1.0,
    "dynamic_shift": False,
    "seed": 1,
    "guidance_scale": 3.0,
    "guidance_true": -1.0,
    "init_image": None,
    "init_strength": 0.8,
    "last_image": None,
    "vae_type": "Default",
    "vae_tile_frames": 0,
    "mp4_fps": 24,
    "mp4_interpolate": 0,
    "mp4_codec": "libx264",
    "mp4_ext": "mp4",
    "mp4_opt": "crf:16",
    "mp4_video": True,
    "mp4_frames": False,
    "mp4_sf": False,
    "mp4_thumb": True,
    "vlm_enhance": False,
    "vlm_model": None,
    "vlm_system_prompt": "",
    "override_settings": [],
}


#: The same of the tab "LTX".
ASKED_OF_LTX = {
    "task_id": None,  # as from the API: whoever asks for the progress of no task is told
    "_ui_state": "",
    "model": LTX_MODEL,
    "upsample_enable": False,
    "upsample_ratio": 2.0,
    "refine_enable": False,
    "refine_strength": 0.4,
    "condition_strength": 0.8,
    "ltx_init_image": None,
    "condition_last": None,
    "condition_files": None,
    "condition_video": None,
    "condition_video_frames": -1,
    "condition_video_skip": 0,
    "decode_timestep": 0.05,
    "image_cond_noise_scale": 0.025,
    "audio_enable": False,
    "_overrides": None,
}


def slow_denoiser(original, runs):
    def forward(self, *args, **kwargs):
        TIMELINE.queue(STEP_S / runs)  # with guidance there may be two runs in a step
        return original(self, *args, **kwargs)

    return forward


def stepping(original):
    def step(self, *args, **kwargs):
        result = original(self, *args, **kwargs)
        TIMELINE.launch_step(0.0)
        return result

    return step


def slow_chunk(original):
    def forward(self, *args, **kwargs):
        output = original(self, *args, **kwargs)
        TIMELINE.queue(CHUNK_S)
        TIMELINE.blocks += 1
        return output

    return forward


def read_back(original):
    def postprocess_video(self, *args, **kwargs):
        TIMELINE.decodes += 1
        TIMELINE.wait_until(TIMELINE.free_at_s)
        return original(self, *args, **kwargs)

    return postprocess_video


def slow_between(original):
    def inference(self, *args, **kwargs):
        output = original(self, *args, **kwargs)
        TIMELINE.wait_until(TIMELINE.queue(BETWEEN_S))
        return output

    return inference


class SlowFrames:
    """The library that encodes films, each of whose frames takes its time."""

    def __init__(self, library):
        self._library = library
        self.VideoFrame = self

    def __getattr__(self, name):
        return getattr(self._library, name)

    def from_ndarray(self, *args, **kwargs):
        time.sleep(FRAME_S)
        return self._library.VideoFrame.from_ndarray(*args, **kwargs)


def video(request: dict = Body()):
    """Make a film as the page does, and answer with what was made."""
    from modules.video_models import models_def, video_run

    from modules import call_queue, paths

    folder = Path(paths.models_path) / "film"
    known = models_def.models[ENGINE]
    if all(one.name != MODEL for one in known):
        known.append(models_def.Model(name=MODEL, repo=str(folder), repo_cls="WanPipeline"))
    names = next(iter(inspect.getsource(video_run.generate).splitlines()[1:2])).split("=")[0]
    arguments = {**ASKED, **request}
    sent = [arguments[name.strip()] for name in names.split(",")]
    run = call_queue.wrap_gradio_gpu_call(video_run.generate, extra_outputs=[None] * 4, name="Video")
    frames, film, *_texts, told = run(*sent)
    return {"images": [str(film)] if film else [], "frames": len(frames or []), "told": str(told)}


def ltx(request: dict = Body()):
    """Make a film as the page's tab for LTX does, and answer with what was made."""
    from modules.ltx import ltx_process
    from modules.video_models import models_def

    from modules import paths

    folder = Path(paths.models_path) / "ltx"
    known = models_def.models[LTX_ENGINE]
    if all(one.name != LTX_MODEL for one in known):
        known.append(models_def.Model(name=LTX_MODEL, repo=str(folder), repo_cls="LTXPipeline"))
    arguments = {**ASKED, **ASKED_OF_LTX, **request}
    names = inspect.signature(ltx_process.run_ltx).parameters
    made = list(ltx_process.run_ltx(**{name: arguments[name] for name in names}))
    film, told = made[-1][0], made[-1][1]
    return {"images": [str(film)] if film else [], "told": str(told)}


def install(demo, app):
    import diffusers
    from diffusers.models.autoencoders.autoencoder_kl_ltx import LTXVideoDecoder3d
    from diffusers.models.autoencoders.autoencoder_kl_wan import WanDecoder3d
    from diffusers.video_processor import VideoProcessor
    from modules.rife.model_rife import RifeModel
    from modules.video_models import video_save

    for denoiser, runs in ((diffusers.WanTransformer3DModel, 2), (diffusers.LTXVideoTransformer3DModel, 1)):
        denoiser.forward = slow_denoiser(denoiser.forward, runs)
    for scheduler in (diffusers.FlowMatchEulerDiscreteScheduler, diffusers.UniPCMultistepScheduler):
        scheduler.step = stepping(scheduler.step)
    for decoder in (WanDecoder3d, LTXVideoDecoder3d):
        decoder.forward = slow_chunk(decoder.forward)
    VideoProcessor.postprocess_video = read_back(VideoProcessor.postprocess_video)
    RifeModel.inference = slow_between(RifeModel.inference)
    check_av = video_save.check_av
    video_save.check_av = lambda: SlowFrames(library) if (library := check_av()) else library
    app.add_api_route("/film_device/video", video, methods=["POST"])
    app.add_api_route("/film_device/ltx", ltx, methods=["POST"])


def begin():
    from modules import script_callbacks

    script_callbacks.on_app_started(install)


begin()
