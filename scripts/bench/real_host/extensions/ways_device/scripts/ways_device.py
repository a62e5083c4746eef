"""A test extension for the real SD.Next: what its other ways to make pictures cost on the test device.

- Each tile of an upscaler of the ESRGAN kind takes its time on the device and is read back. Tiles are told as
  steps: one loop for each picture that is upscaled.
- Each token of a text takes its time on the device and is read back. Tokens are told as steps.
- Loading a model keeps the host busy, as a file of some gigabytes does.
- The detailer's detector, which needs a library and a model from the net, finds one face in the middle.
- ``POST /ways_device/describe`` does what the page's tab "Caption" does for a folder of pictures.
- ``POST /ways_device/process`` does what the page's tab "Process" does: SD.Next's own route for it answers
  with an error in some versions, after it has done the work.
"""

import os
import pathlib
import tempfile
import time

from async_timeline import TIMELINE
from fastapi import Body

TILE_S = float(os.environ.get("WAYS_DEVICE_TILE_S", "0.3"))
TOKEN_S = float(os.environ.get("WAYS_DEVICE_TOKEN_S", "0.1"))
LOAD_S = float(os.environ.get("WAYS_DEVICE_LOAD_S", "1.5"))


def slow_tile(original):
    def upscale_without_tiling(model, img):
        output = original(model, img)
        TIMELINE.launch_step(TILE_S)
        TIMELINE.wait_until(TIMELINE.free_at_s)  # the host reads the tile back
        return output

    return upscale_without_tiling


def new_picture(original):
    def esrgan_upscale(model, img):
        TIMELINE.begin_loop()
        return original(model, img)

    return esrgan_upscale


def slow_token(original):
    def forward(model, *args, **kwargs):
        output = original(model, *args, **kwargs)
        TIMELINE.launch_step(TOKEN_S)
        TIMELINE.wait_until(TIMELINE.free_at_s)  # the loop reads back whether it was the last
        return output

    return forward


def new_text(original):
    def generate(model, *args, **kwargs):
        TIMELINE.begin_loop()
        return original(model, *args, **kwargs)

    return generate


def slow_load(original):
    def from_pretrained(cls, *args, **kwargs):
        time.sleep(LOAD_S)
        return original.__func__(cls, *args, **kwargs)

    return classmethod(from_pretrained)


def find_a_face(name, model, image, *args, **kwargs):
    """Return what the detector finds: one face, a quarter of the picture, in its middle."""
    from modules.detailer import DetailerResult
    from PIL import Image

    width, height = image.width // 2, image.height // 2
    box = [width // 2, height // 2, width // 2 + width, height // 2 + height]
    mask = Image.new("L", image.size, 0)
    mask.paste(255, tuple(box))
    return [DetailerResult(0, "face", 0.9, box, mask, image.crop(box), width, height)]


def process(request: dict = Body()):
    """Upscale pictures as the page does, and answer with them."""
    from modules.api.helpers import decode_base64_to_image, encode_pil_to_base64

    from modules import call_queue, postprocessing, scripts_manager

    pictures = [decode_base64_to_image(picture) for picture in request["pictures"]]
    arguments = scripts_manager.scripts_postproc.create_args_for_run({"Upscale": request["upscale"]})
    mode, first = (0, pictures[0]) if len(pictures) == 1 else (1, None)

    def work():
        return postprocessing.run_postprocessing(
            mode, first, pictures, "", "", "", True, *arguments, save_output=False
        )

    images = call_queue.wrap_gradio_gpu_call(work, name="Postprocess")()[0]
    return {"images": [encode_pil_to_base64(image) for image in images]}


def describe(request: dict = Body()):
    """Describe pictures as the page does those of a folder."""
    from modules.api.helpers import decode_base64_to_image
    from modules.caption import vqa

    saves = {"save_txt": False, "append_txt": False, "save_json": False, "recursive": False}
    with tempfile.TemporaryDirectory() as folder:
        for number, picture in enumerate(request["pictures"]):
            decode_base64_to_image(picture).save(pathlib.Path(folder, f"{number}.png"))
        return {
            "texts": vqa.batch(
                model_name=request["model"],
                system_prompt="",
                batch_files=None,
                batch_folder=None,
                batch_str=folder,
                question=request["question"],
                prompt="",
                **saves,
            )
        }


def install(demo, app):
    import diffusers
    import transformers
    from modules.postprocess import esrgan_model

    from modules import shared

    esrgan_model.upscale_without_tiling = slow_tile(esrgan_model.upscale_without_tiling)
    esrgan_model.esrgan_upscale = new_picture(esrgan_model.esrgan_upscale)
    diffusers.DiffusionPipeline.from_pretrained = slow_load(
        vars(diffusers.DiffusionPipeline)["from_pretrained"]
    )
    writer = transformers.GitForCausalLM
    writer._attn_implementation = "eager"  # SD.Next asks for it, and newer transformers have none there
    writer.forward, writer.generate = slow_token(writer.forward), new_text(writer.generate)
    app.add_api_route("/ways_device/process", process, methods=["POST"])
    app.add_api_route("/ways_device/describe", describe, methods=["POST"])
    shared.detailer.load = lambda name=None: (name, object())
    shared.detailer.predict = find_a_face


def begin():
    from modules import script_callbacks

    script_callbacks.on_app_started(install)


begin()
