"""A test extension for the real SD.Next: presses Stop and the like at a true moment, and keeps book.

A moment is a *place*: within a step of a denoising loop (the device has finished the step before, and stands
still until the press is made), or where the host has done something (a picture is whole, an inner call has
returned, a grid is put together: the host's thread waits until the press is made). What a user presses goes
over the host's own routes, from a thread of its own.

``POST /press_device/arm`` says what to press and where, ``GET /press_device/record`` tells what happened
since, ``GET /press_device/flags`` what the host's flags are, and ``POST /press_device/rescue`` frees a
request that hangs.
"""

import sys
import threading

from async_timeline import TIMELINE
from fastapi import Body
from press_book import FLAGS, PRESS_LIMIT_S, SHELF, Book, fingerprint


def poll_flags():
    """Return the host's flags: as its own attributes, and as they are read on this thread."""
    from modules import shared

    own = {name: bool(vars(shared.state).get(name, False)) for name in FLAGS}
    # One that stays active does nothing any more until the host is started anew.
    own["XYZ Grid"] = any(names["active"] for names in xyz_grids())
    return {"own": own, "read": {name: bool(getattr(shared.state, name)) for name in FLAGS}}


def xyz_grids():
    """Return the module variables of each always-on script that marks itself as active."""
    from modules import scripts_manager

    runners = (scripts_manager.scripts_txt2img, scripts_manager.scripts_img2img)
    scripts = [script for runner in runners for script in runner.alwayson_scripts]
    found = [script.process.__globals__ for script in scripts if hasattr(script.process, "__globals__")]
    return [names for names in found if "xyz_results_cache" in names]


def note_launch(loop, step, end_s):
    book = SHELF.book
    book.thread_id = threading.get_ident()
    book.press_in_step(loop, step, end_s)


def is_preview(samples):
    """Whether these are the half-made picture of a stopped image, as the host keeps it."""
    from modules import shared

    return len(samples) == 1 and samples[0] is shared.state.current_image


def noting_samples(original):
    def process_samples(p, samples):
        # A grid that is handed on is no image that was made now.
        book, decodes = SHELF.book, TIMELINE.decodes
        is_new = decodes > book.decodes_at_sample and not is_preview(samples)
        result = original(p, samples)
        if is_new:
            book.decodes_at_sample = decodes
            book.cells.append([fingerprint(image) for image in result[0] if hasattr(image, "tobytes")])
            book.press_here("picture-whole", number=len(book.cells) - 1)
        return result

    return process_samples


def noting_calls(original):
    def process_images_inner(p):
        try:
            return original(p)
        finally:
            book = SHELF.book
            book.calls_returned += 1
            book.press_here("call-returned", number=book.calls_returned - 1)

    return process_images_inner


def noting_grid(original):
    def make_grid(imgs, *args, **kwargs):
        book = SHELF.book
        is_preview_grid = sys._getframe(1).f_code.co_name == "samples_to_image_grid"
        if threading.get_ident() == book.thread_id and not is_preview_grid:
            parts = [cell[2] for row in imgs.tiles for cell in row[2]] if hasattr(imgs, "tiles") else imgs
            book.parts.append([fingerprint(part) for part in parts if part is not None])
            book.press_here("grid")
        return original(imgs, *args, **kwargs)

    return make_grid


def install():
    from modules import images, processing, script_callbacks

    TIMELINE.on_launch = note_launch
    processing.process_samples = noting_samples(processing.process_samples)
    processing.process_images_inner = noting_calls(processing.process_images_inner)
    images.image_grid = noting_grid(images.image_grid)
    images.combine_grid = noting_grid(images.combine_grid)
    script_callbacks.on_app_started(add_routes)


def add_routes(demo, app):
    def arm(request: dict = Body()):
        TIMELINE.forget()
        for names in xyz_grids():
            names["active"] = False
        SHELF.book = Book(**request)
        return {}

    def go():
        SHELF.book.may_press.set()
        return {}

    def record():
        book = SHELF.book
        if book.calls_at_press is not None:
            book.is_done.wait(PRESS_LIMIT_S)
        return book.to_json()

    def rescue():
        from modules import shared

        TIMELINE.release()
        shared.state.paused = False
        shared.state.interrupt()
        return poll_flags()

    app.add_api_route("/press_device/arm", arm, methods=["POST"])
    app.add_api_route("/press_device/go", go, methods=["POST"])
    app.add_api_route("/press_device/record", record, methods=["GET"])
    app.add_api_route("/press_device/flags", poll_flags, methods=["GET"])
    app.add_api_route("/press_device/rescue", rescue, methods=["POST"])


install()
