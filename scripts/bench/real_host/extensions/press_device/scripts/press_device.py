"""A test extension for the real SD.Next: presses Stop and the like at a true moment, and keeps book.

A moment is a *place*: within a step of a denoising loop (the device has finished the step before, and stands
still until the press is made), or where the host has done something (a picture is whole, an inner call has
returned, a grid is put together: the host's thread waits until the press is made). What a user presses goes
over the host's own routes, from a thread of its own.

``POST /press_device/arm`` says what to press and where, ``GET /press_device/record`` tells what happened
since, ``GET /press_device/flags`` what the host's flags are, and ``POST /press_device/rescue`` frees a
request that hangs.
"""

import hashlib
import json
import sys
import threading
import time
import urllib.error
import urllib.request

from async_timeline import TIMELINE
from fastapi import Body

FLAGS = ("interrupted", "skipped", "paused")
ROUTES = {
    "stop": ("/sdapi/v1/interrupt", {}),
    "skip": ("/sdapi/v1/skip", {}),
    "stop-after-image": ("/zluda_sync/v1/stop", {"when": "after-image"}),
}
#: The device's queue counts as settled when no step was queued for so long.
SETTLED_S = 0.05
SETTLE_LIMIT_S = 0.5
PAUSE_S = 0.4
PRESS_LIMIT_S = 5.0


def fingerprint(image):
    """Return a short text that is the same for pictures with the same pixels."""
    content = f"{image.mode}{image.size}".encode() + image.tobytes()
    return hashlib.sha256(content).hexdigest()[:12]


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


def count_calls():
    return sum(map(len, TIMELINE.launched_at_s))


class Book:
    """What happened since it was opened, and what is still to be pressed.

    Attributes:
        place: where to press: a kind and numbers; None for nowhere.
        presses: what to press there, in order, with a gap between two.
        may_press: set unless the press waits for ``POST /press_device/go``.
        cells: for each image that was made whole, the fingerprints of its pictures.
        parts: for each picture that was put together, the fingerprints of its parts.
        reads: what scripts have read of the flags.
    """

    def __init__(self, place=None, presses=(), gap_s=0.0, needs_go=False, url=""):
        self.place, self.presses, self.gap_s, self.url = place, list(presses), gap_s, url
        self.cells, self.parts, self.reads = [], [], []
        self.calls_at_sample = self.calls_returned = 0
        self.calls_at_press = self.cells_at_press = self.calls_while_paused = None
        self.statuses = []
        self.may_press = threading.Event()
        if not needs_go:
            self.may_press.set()
        self.is_pressed = threading.Event()
        self.is_done = threading.Event()
        self.thread_id = None
        self._lock = threading.Lock()
        self._taken = False

    def poll_due(self, kind, **numbers):
        """Whether this is the place; true once at most."""
        with self._lock:
            if self._taken or self.place != {"kind": kind, **numbers}:
                return False
            self._taken = True
            return True

    def start(self):
        threading.Thread(target=self._press_all, name="press", daemon=True).start()

    def press_here(self, kind, **numbers):
        """Where the host's thread is at the place: have it wait until the press is made."""
        if self.poll_due(kind, **numbers):
            self.start()
            self.is_pressed.wait(PRESS_LIMIT_S)

    def press_in_step(self, loop, step, end_s):
        """Where the place is in the step that was queued: let the device stand still in the middle of it."""
        previous_s = TIMELINE.step_ends_s[loop][step - 1] if step else TIMELINE.now_s()
        if self.poll_due("step", loop=loop, step=step):
            TIMELINE.freeze_at((max(previous_s, TIMELINE.now_s()) + end_s) / 2)
            self.start()

    def _press_all(self):
        try:
            if self.place["kind"] == "step":
                wait_for(TIMELINE.is_frozen, PRESS_LIMIT_S)
                wait_until_settled()
            self.may_press.wait(PRESS_LIMIT_S)
            self.calls_at_press, self.cells_at_press = count_calls(), len(self.cells)
            for index, press in enumerate(self.presses):
                if index:
                    time.sleep(self.gap_s)
                self._press(press)
        finally:
            TIMELINE.release()
            self.is_pressed.set()
        if "pause" in self.presses:
            self._go_on()
        self.is_done.set()

    def _press(self, press):
        from modules import shared

        if press == "pause":
            shared.state.pause()  # as the button does: it has no route
            self.statuses.append(0)
            return
        path, body = ROUTES[press]
        request = urllib.request.Request(
            self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=PRESS_LIMIT_S) as answer:
                self.statuses.append(answer.status)
        except urllib.error.HTTPError as refusal:
            self.statuses.append(refusal.code)

    def _go_on(self):
        from modules import shared

        time.sleep(PAUSE_S)
        self.calls_while_paused = count_calls() - self.calls_at_press
        if shared.state.paused:
            shared.state.pause()

    def to_json(self):
        calls = count_calls()
        return {
            "cells": self.cells,
            "parts": self.parts,
            "reads": self.reads,
            "loops": [len(loop) for loop in TIMELINE.launched_at_s],
            "calls": calls,
            "calls_after": None if self.calls_at_press is None else calls - self.calls_at_press,
            "calls_while_paused": self.calls_while_paused,
            "cells_at_press": self.cells_at_press,
            "statuses": self.statuses,
            "calls_returned": self.calls_returned,
        }


BOOK = Book()


def wait_for(is_true, limit_s):
    end_s = time.time() + limit_s
    while not is_true() and time.time() < end_s:
        time.sleep(0.002)


def wait_until_settled():
    """Wait until the host has queued all that it means to queue ahead of the device that stands still."""
    end_s = time.time() + SETTLE_LIMIT_S
    calls, since_s = count_calls(), time.time()
    while time.time() < end_s and time.time() - since_s < SETTLED_S:
        time.sleep(0.005)
        if count_calls() != calls:
            calls, since_s = count_calls(), time.time()


def note_launch(loop, step, end_s):
    BOOK.thread_id = threading.get_ident()
    BOOK.press_in_step(loop, step, end_s)


def is_preview(samples):
    """Whether these are the half-made picture of a stopped image, as the host keeps it."""
    from modules import shared

    return len(samples) == 1 and samples[0] is shared.state.current_image


def noting_samples(original):
    def process_samples(p, samples):
        book, calls = BOOK, count_calls()
        is_new = calls > book.calls_at_sample and not is_preview(samples)
        result = original(p, samples)
        if is_new:
            book.calls_at_sample = calls
            book.cells.append([fingerprint(image) for image in result[0] if hasattr(image, "tobytes")])
            book.press_here("picture-whole", number=len(book.cells) - 1)
        return result

    return process_samples


def noting_calls(original):
    def process_images_inner(p):
        try:
            return original(p)
        finally:
            book = BOOK
            book.calls_returned += 1
            book.press_here("call-returned", number=book.calls_returned - 1)

    return process_images_inner


def noting_grid(original):
    def make_grid(imgs, *args, **kwargs):
        book = BOOK
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

    def add_routes(demo, app):
        def arm(request: dict = Body()):
            global BOOK
            TIMELINE.forget()
            for names in xyz_grids():
                names["active"] = False
            BOOK = Book(**request)
            return {}

        def go():
            BOOK.may_press.set()
            return {}

        def record():
            if BOOK.calls_at_press is not None:
                BOOK.is_done.wait(PRESS_LIMIT_S)
            return BOOK.to_json()

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

    script_callbacks.on_app_started(add_routes)


install()
