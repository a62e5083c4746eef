"""What is to be pressed in a request, and what happened since: the press device's memory.

It lies beside ``scripts`` so that test scripts of extensions that are loaded later can note what they read.
"""

import hashlib
import json
import threading
import time
import urllib.error
import urllib.request

from async_timeline import TIMELINE

FLAGS = ("interrupted", "skipped", "paused")
ROUTES = {
    "stop": ("/sdapi/v1/interrupt", {}),
    "skip": ("/sdapi/v1/skip", {}),
    "stop-after-image": ("/zluda_sync/v1/stop", {"when": "after-image"}),
}
#: The device's queue counts as settled when no step was queued for so long.
SETTLED_S = 0.05
SETTLE_LIMIT_S = 0.5
PAUSE_S = 0.25
PRESS_LIMIT_S = 5.0


def fingerprint(image):
    """Return a short text that is the same for pictures with the same pixels."""
    content = f"{image.mode}{image.size}".encode() + image.tobytes()
    return hashlib.sha256(content).hexdigest()[:12]


def count_calls():
    """Return how many calls of the denoiser were queued."""
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
        thread_id: of the thread that queues the steps.
    """

    def __init__(self, place=None, presses=(), gap_s=0.0, needs_go=False, url=""):
        self.place, self.presses, self.gap_s, self.url = place, list(presses), gap_s, url
        self.cells, self.parts, self.reads = [], [], []
        self.decodes_at_sample = self.calls_returned = 0
        self.calls_at_press = self.cells_at_press = self.calls_while_paused = None
        self.statuses = []
        self.may_press, self.is_pressed, self.is_done = (threading.Event() for _ in range(3))
        if not needs_go:
            self.may_press.set()
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

    def press_here(self, kind, **numbers):
        """Where the host's thread is at the place: have it wait until the press is made."""
        if self.poll_due(kind, **numbers):
            self._start()
            self.is_pressed.wait(PRESS_LIMIT_S)

    def press_in_step(self, loop, step, end_s):
        """Where the place is in the step that was queued: let the device stand still in the middle of it."""
        begin_s = max(TIMELINE.step_ends_s[loop][step - 1] if step else 0.0, TIMELINE.now_s())
        if self.poll_due("step", loop=loop, step=step):
            TIMELINE.freeze_at((begin_s + end_s) / 2)
            self._start()

    def read_flags(self, where):
        """Note what the calling script reads of the host's flags now."""
        from modules import shared

        found = [name for name in FLAGS if getattr(shared.state, name)]
        self.reads.append(f"{where}: {' '.join(found) or 'none'}")

    def to_json(self):
        """Return what happened so far."""
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

    def _start(self):
        threading.Thread(target=self._press_all, name="press", daemon=True).start()

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


def wait_for(is_true, limit_s):
    """Block until something is true, or for so long."""
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


class Shelf:
    """Holds the one book that is open."""

    def __init__(self):
        self.book = Book()


SHELF = Shelf()
