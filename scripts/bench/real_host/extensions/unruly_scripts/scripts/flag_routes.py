"""Routes of a test extension for the real SD.Next: jobs begun as its page, or a queue of tasks, does.

All answer as the host's own routes for pictures do.
"""

import base64
import io
import tempfile
import threading
from pathlib import Path

from fastapi import Body, HTTPException


def encode(images):
    encoded = []
    for image in images:
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        encoded.append(base64.b64encode(buffer.getvalue()).decode())
    return {"images": encoded}


def decode(encoded):
    from PIL import Image

    return Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGB")


def on_thread(work, limit_s=120.0):
    """Return what some work gives on a thread of its own."""
    found = {}

    def run():
        try:
            found["result"] = work()
        except StopIteration:
            found["is_over"] = True
        except Exception as failure:  # noqa: BLE001 - told to the client
            found["failure"] = failure

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(limit_s)
    return found


def run_task(request: dict = Body()):
    """Make a picture as an extension with a queue of tasks does: on its own thread, in its own bracket."""
    from modules import processing, progress, shared
    from modules.call_queue import queue_lock

    def work():
        task_id = "task(flags)"
        progress.add_task_to_queue(task_id)
        with queue_lock:
            job = shared.state.begin("Task", task_id)
            progress.start_task(task_id)
            try:
                p = processing.StableDiffusionProcessingTxt2Img(
                    sd_model=shared.sd_model, do_not_save_samples=True, do_not_save_grid=True, **request
                )
                return processing.process_images(p).images
            finally:
                progress.finish_task(task_id)
                shared.state.end(job)

    found = on_thread(work)
    if "failure" in found:
        raise HTTPException(500, str(found["failure"]))
    return encode(found["result"])


def control_tab(request):
    """Yield what the control tab's page yields: it begins in its first step, and ends in its last."""
    from modules.control.run import control_run

    from modules import processing_helpers, shared
    from modules.call_queue import queue_lock

    request["sampler_index"] = processing_helpers.get_sampler_index(request.pop("sampler_name"))
    request["width_before"], request["height_before"] = request.pop("width"), request.pop("height")
    inputs = [decode(image) for image in request.pop("init_images", [])] or None
    with queue_lock:
        yield None
        job = shared.state.begin("Control")
        try:
            yield from control_run("", [], inputs, None, None, "controlnet", True, **request)
        finally:
            shared.state.end(job)


def run_control(request: dict = Body()):
    """Run the control tab, each of its steps on another thread, as the page's server does."""
    images, steps = [], control_tab(request)
    while not (found := on_thread(lambda: next(steps))).get("is_over"):
        if "failure" in found:
            raise HTTPException(500, str(found["failure"]))
        result = found["result"]
        if isinstance(result, tuple) and isinstance(result[0], list):
            images = result[0]
    return encode(images)


def run_folder(request: dict = Body()):
    """Run the host's own batch from image to image, which answers with files alone."""
    from modules.api.script import init_default_script_args
    from PIL import Image

    from modules import img2img, processing, scripts_manager, shared
    from modules.call_queue import queue_lock

    folder = request.pop("folder")
    with tempfile.TemporaryDirectory() as output, queue_lock:
        job = shared.state.begin("Image folder")
        try:
            p = processing.StableDiffusionProcessingImg2Img(sd_model=shared.sd_model, **request)
            p.scripts = scripts_manager.scripts_img2img
            arguments = init_default_script_args(p.scripts)
            p.script_args = tuple(arguments)
            img2img.process_batch(p, None, folder, output, "", arguments)
        finally:
            shared.state.end(job)
        files = sorted(Path(output).glob("*.png"))
        return encode([Image.open(file).copy() for file in files])


def add_routes(demo, app):
    app.add_api_route("/unruly_scripts/task", run_task, methods=["POST"])
    app.add_api_route("/unruly_scripts/control", run_control, methods=["POST"])
    app.add_api_route("/unruly_scripts/folder", run_folder, methods=["POST"])


def install():
    from modules import script_callbacks

    script_callbacks.on_app_started(add_routes)


install()
