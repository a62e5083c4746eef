"""A test extension for the real SD.Next: what its other ways to make pictures cost on the asynchronous device.

- Each tile of an upscaler of the ESRGAN kind takes its time on the device and is read back, as on a GPU. Tiles are
  told as steps: one loop for each picture that is upscaled.
- Loading a model keeps the host busy, as a file of some gigabytes does.
- The detailer's detector, which needs a library and a model from the net, finds one face in the middle.

Times come from the environment: WAYS_DEVICE_TILE_S, WAYS_DEVICE_LOAD_S.
"""

import os
import time

from async_timeline import TIMELINE

TILE_S = float(os.environ.get("WAYS_DEVICE_TILE_S", "0.3"))
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


def install(demo, app):
    import diffusers

    from modules import shared
    from modules.postprocess import esrgan_model

    esrgan_model.upscale_without_tiling = slow_tile(esrgan_model.upscale_without_tiling)
    esrgan_model.esrgan_upscale = new_picture(esrgan_model.esrgan_upscale)
    diffusers.DiffusionPipeline.from_pretrained = slow_load(
        vars(diffusers.DiffusionPipeline)["from_pretrained"]
    )
    shared.detailer.load = lambda name=None: (name, object())
    shared.detailer.predict = find_a_face


def begin():
    from modules import script_callbacks

    script_callbacks.on_app_started(install)


begin()
