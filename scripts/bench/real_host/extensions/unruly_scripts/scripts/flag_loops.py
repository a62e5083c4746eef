"""Test scripts for the real SD.Next: loops that read and write its flags in the ways real extensions do.

Each makes three pictures, one call of the host after the other, and notes what it reads of the flags. None of
them is anybody's code: what they do to the flags was seen in extensions for animation, upscaling, detailing,
prompt lists and queues.
"""

import threading
import time
from unittest import mock

from press_book import SHELF

from modules import processing, scripts_manager, shared

CELLS = 3


class FlagLoop(scripts_manager.Script):
    """Makes the pictures. Those that derive from it act before and after each."""

    name_shown = None

    def title(self):
        return self.name_shown or "Flags"

    def show(self, is_img2img):
        return self.name_shown is not None

    def ui(self, is_img2img):
        return []

    def run(self, p, *args):
        processing.fix_seed(p)
        images, infotexts, seed = [], [], p.seed
        shared.state.job_count = CELLS
        for index in range(CELLS):
            if self.is_over(index):
                break
            p.seed, p.all_seeds, p.all_prompts = seed + index, None, None
            processed = self.make(p, index)
            SHELF.book.read_flags(f"after cell {index}")
            if self.collect(index, processed):
                images += processed.images
                infotexts += processed.infotexts
        self.finish()
        SHELF.book.read_flags("at the end")
        return processing.get_processed(p, images, seed, "", infotexts=infotexts)

    def is_over(self, index):
        """Whether to leave the loop before a picture."""
        SHELF.book.read_flags(f"before cell {index}")
        return shared.state.interrupted

    def make(self, p, index):
        return processing.process_images(p)

    def collect(self, index, processed):
        """Whether to keep what came of a picture."""
        return True

    def finish(self):
        pass


class AnimationFrames(FlagLoop):
    """Names each frame, leaves the loop when stopped, and takes a Skip as done with the frame."""

    name_shown = "Flags: frames of an animation"

    def is_over(self, index):
        shared.state.job = f"frame {index + 1}/{CELLS}"
        shared.state.job_no = index
        if shared.state.skipped:
            shared.state.skipped = False
        return super().is_over(index)

    def collect(self, index, processed):
        if not processed.images:
            return False
        shared.state.current_image = processed.images[0]
        return True


class FirstImageWanted(FlagLoop):
    """Takes the first picture of each call, and fails where there is none and nobody has stopped it."""

    name_shown = "Flags: first image wanted"

    def collect(self, index, processed):
        if shared.state.interrupted or shared.state.skipped:
            return False
        processed.images = [processed.images[0]]
        return True


class ClearedFlags(FlagLoop):
    """Clears the flags before each picture and at the end, so that no old press spoils the next."""

    name_shown = "Flags: cleared for each cell"

    def make(self, p, index):
        shared.state.interrupted = False
        shared.state.skipped = False
        return super().make(p, index)

    def finish(self):
        shared.state.interrupted = False
        shared.state.skipped = False


class SavedFlags(FlagLoop):
    """Keeps the flags over each inner call, and puts them back after it."""

    name_shown = "Flags: saved and put back"

    def make(self, p, index):
        saved = (shared.state.interrupted, shared.state.skipped, shared.state.job_count, shared.state.job_no)
        try:
            return super().make(p, index)
        finally:
            now = (shared.state.interrupted, shared.state.skipped)
            shared.state.interrupted, shared.state.skipped = (
                was or is_set for was, is_set in zip(saved[:2], now, strict=True)
            )
            shared.state.job_count, shared.state.job_no = saved[2:]


class PutBackAsBefore(FlagLoop):
    """Puts the flags back as they were before an inner call, whatever was pressed in it."""

    name_shown = "Flags: put back as before"

    def make(self, p, index):
        saved = (shared.state.interrupted, shared.state.skipped)
        try:
            return super().make(p, index)
        finally:
            shared.state.interrupted, shared.state.skipped = saved


class PatchedFlags(FlagLoop):
    """Replaces an attribute of the host's state for each inner call, and takes the replacement away."""

    name_shown = "Flags: patched for each cell"

    def make(self, p, index):
        with (
            mock.patch.object(shared.state, "interrupted", False),
            mock.patch.object(shared.state, "nextjob", return_value=None),
        ):
            return super().make(p, index)


class StopsItself(FlagLoop):
    """Sets the flag itself after the second picture, as after too many blank frames."""

    name_shown = "Flags: stops itself"

    def collect(self, index, processed):
        if index == 1:
            shared.state.interrupted = True
        return super().collect(index, processed)


class PressesItself(FlagLoop):
    """Presses Skip before its second picture and Stop after it, with the host's own calls."""

    name_shown = "Flags: presses itself"

    def make(self, p, index):
        if index == 1:
            shared.state.skip()
        return super().make(p, index)

    def collect(self, index, processed):
        if index == 1:
            shared.state.interrupt()
        return super().collect(index, processed)


class OwnBrackets(FlagLoop):
    """Begins and ends a job of its own around each picture."""

    name_shown = "Flags: brackets of its own"

    def make(self, p, index):
        job = shared.state.begin(f"Frame {index}")
        try:
            return super().make(p, index)
        finally:
            SHELF.book.read_flags(f"in bracket {index}")
            shared.state.end(job)


class HelperThread(FlagLoop):
    """Has a thread of its own look at the flag, and leaves the loop when that has seen it."""

    name_shown = "Flags: watched by a helper"

    def make(self, p, index):
        self.is_seen, is_done = threading.Event(), threading.Event()

        def watch():
            while not is_done.is_set():
                if shared.state.interrupted:
                    self.is_seen.set()
                time.sleep(0.002)

        helper = threading.Thread(target=watch, daemon=True)
        helper.start()
        try:
            return super().make(p, index)
        finally:
            time.sleep(0.01)
            is_done.set()
            helper.join()
            SHELF.book.reads.append(f"helper of cell {index}: {'seen' if self.is_seen.is_set() else 'not'}")

    def is_over(self, index):
        return index > 0 and self.is_seen.is_set()


class BareDictionary(FlagLoop):
    """Looks into the state's own dictionary instead of asking its attributes."""

    name_shown = "Flags: from the dictionary"

    def is_over(self, index):
        return bool(vars(shared.state).get("interrupted", False))


class HalfMadePicture(FlagLoop):
    """Stops itself within a picture and leaves one of its own as the last that was seen."""

    name_shown = "Flags: leaves a picture behind"

    def collect(self, index, processed):
        if index == 1 and processed.images:
            shared.state.current_image = processed.images[0]
            shared.state.interrupted = True
        return True
