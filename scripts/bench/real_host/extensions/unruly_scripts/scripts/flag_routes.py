"""Routes of a test extension for the real SD.Next: jobs begun as its page, or a queue of tasks, does.

All answer as the host's own routes for pictures do.
"""

import base64
import io
import shutil
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path

from fastapi import Body, HTTPException

LIMIT_S = 120.0
#: As those of the page's server they outlive what runs on them.
THREADS = [ThreadPoolExecutor(1, "page") for _ in range(3)]


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


def take_step(work):
    """Return what some work gives: its result, that it is over, or its failure."""
    try:
        return {"result": work()}
    except StopIteration:
        return {"is_over": True}
    except Exception as failure:  # noqa: BLE001 - told to the client
        return {"failure": failure}


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

    with ThreadPoolExecutor(1) as own_thread:
        found = own_thread.submit(take_step, work).result(LIMIT_S)
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
    """Run the control tab, its steps on several threads in turn, as may happen to the page."""
    images, steps = [], control_tab(request)
    for thread in cycle(THREADS):
        found = thread.submit(take_step, lambda: next(steps)).result(LIMIT_S)
        if "failure" in found:
            raise HTTPException(500, str(found["failure"]))
        if "is_over" in found:
            return encode(images)
        result = found["result"]
        if isinstance(result, tuple) and isinstance(result[0], list):
            images = result[0]
    return None


def run_folder(request: dict = Body()):
    """Run the host's own batch from image to image, which answers with files alone."""
    from modules.api.script import init_default_script_args
    from PIL import Image

    from modules import img2img, processing, scripts_manager, shared
    from modules.call_queue import queue_lock

    folder, output = request.pop("folder"), Path(request.pop("output"))
    shutil.rmtree(output, ignore_errors=True)
    with queue_lock:
        job = shared.state.begin("Image folder")
        try:
            p = processing.StableDiffusionProcessingImg2Img(sd_model=shared.sd_model, **request)
            p.scripts = scripts_manager.scripts_img2img
            arguments = init_default_script_args(p.scripts)
            p.script_args = tuple(arguments)
            img2img.process_batch(p, None, folder, str(output), "", arguments)
        finally:
            shared.state.end(job)
        files = sorted(output.glob("*.png"))
        return encode([Image.open(file).copy() for file in files])


def add_routes(demo, app):
    app.add_api_route("/unruly_scripts/task", run_task, methods=["POST"])
    app.add_api_route("/unruly_scripts/control", run_control, methods=["POST"])
    app.add_api_route("/unruly_scripts/folder", run_folder, methods=["POST"])


def install():
    from modules import script_callbacks

    script_callbacks.on_app_started(add_routes)


install()
