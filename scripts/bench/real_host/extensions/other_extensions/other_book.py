"""What the stand-ins for other extensions wrap of SD.Next, and the book of what was called, in order.

It lies beside ``scripts`` so that both scripts of this extension share it.
"""

import functools
import importlib
import threading


class Book:
    """What was called since it was last opened, in order."""

    def __init__(self):
        self._lines = []
        self._lock = threading.Lock()

    def note(self, line):
        with self._lock:
            self._lines.append(line)

    def read(self):
        with self._lock:
            return list(self._lines)

    def open_anew(self):
        with self._lock:
            self._lines.clear()


BOOK = Book()


def noting(name, original, tell):
    """Return a wrapper that keeps what it has replaced in its closure, as most extensions do."""

    @functools.wraps(original)
    def wrapper(*args, **kwargs):
        line = tell(args, kwargs)
        if line is not None:
            BOOK.note(f"{name} {line}".strip())
        return original(*args, **kwargs)

    return wrapper


def say_nothing(args, kwargs):
    return None  # called by clients, as often as they like


def say_name(args, kwargs):
    return ""


def say_step(args, kwargs):
    return str(args[1])


def say_title(args, kwargs):
    return str(args[1] if len(args) > 1 else kwargs.get("title", ""))


#: What is wrapped: where it stands, the name there, and what is noted of a call.
PLACES = {
    "process_images": ("modules.processing", "process_images", say_name),
    "process_images_inner": ("modules.processing", "process_images_inner", say_name),
    "process_diffusers": ("modules.processing_diffusers", "process_diffusers", say_name),
    "step": ("modules.processing_args", "diffusers_callback", say_step),
    "vae_decode": ("modules.processing_vae", "vae_decode", say_name),
    "create_sampler": ("modules.sd_samplers", "create_sampler", say_name),
    "progress_bar": ("diffusers.DiffusionPipeline", "progress_bar", say_name),
    "begin": ("state", "begin", say_title),
    "end": ("state", "end", say_name),
    "set_current_image": ("state", "set_current_image", say_nothing),
    "sampling_step": ("state", "sampling_step", say_nothing),
    "progress": ("/sdapi/v1/progress", "call", say_nothing),
    "page progress": ("/internal/progress", "call", say_nothing),
}


class Wrappers:
    """Puts the wrappers in, and takes them out again by putting back what stood there before."""

    def __init__(self):
        self.app = None
        self._before = {}

    def wrap(self, names):
        for name in names:
            home, attribute, tell = PLACES[name]
            owner = self._find(home)
            original = vars(owner).get(attribute, getattr(owner, attribute)) if home == "state" else None
            original = getattr(owner, attribute) if original is None else original
            self._before[name] = (owner, attribute, original)
            setattr(owner, attribute, self._build(name, original, tell))

    def unwrap(self):
        for owner, attribute, original in reversed(self._before.values()):
            setattr(owner, attribute, original)
        self._before.clear()

    def _build(self, name, original, tell):
        if name != "sampling_step":
            return noting(name, original, tell)

        def get_step(state):
            return original.__get__(state, type(state))

        def set_step(state, value):
            BOOK.note(f"{name} {value}")
            original.__set__(state, value)

        return property(get_step, set_step)

    def _find(self, home):
        if home == "state":
            return type(importlib.import_module("modules.shared").state)
        if home.startswith("/"):
            return next(route.dependant for route in self.app.routes if getattr(route, "path", "") == home)
        if home.startswith("diffusers."):
            return getattr(importlib.import_module("diffusers"), home.partition(".")[2])
        return importlib.import_module(home)


WRAPPERS = Wrappers()
