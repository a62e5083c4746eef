"""The timeline of the asynchronous test device: an in-order queue of which only the times are kept.

It lies beside ``scripts`` so that other test extensions can import it once this one is loaded.
"""

import threading
import time

POLL_S = 0.002


class Timeline:
    """When each piece of work is finished, on a clock of the device's own that can stand still.

    While nothing stops it, the device's clock is ``time.time()``.

    Attributes:
        step_ends_s, launched_at_s: one list per denoising loop: when each step is finished, on the device's
            clock, and when it was queued, in seconds of time.time().
        decodes: how many pictures, or batches of them, the VAE has made.
        on_launch: called after each step that is queued, with its loop, its index in it, and its end.
    """

    def __init__(self):
        self.free_at_s = 0.0
        self.lock = threading.Lock()
        self.step_ends_s = []
        self.launched_at_s = []
        self.synchronized = self.blocks = self.decodes = 0
        self.on_launch = None
        self._lost_s = 0.0
        self._freeze_at_s = None

    def now_s(self):
        """Return the device's time, which never passes the moment at which it is to stand still."""
        now_s, freeze_at_s = time.time() - self._lost_s, self._freeze_at_s
        return now_s if freeze_at_s is None else min(now_s, freeze_at_s)

    def freeze_at(self, at_s):
        """Let the device stand still from a moment on: nothing that ends later is finished until release."""
        with self.lock:
            self._freeze_at_s = at_s

    def is_frozen(self):
        """Whether that moment has come."""
        freeze_at_s = self._freeze_at_s
        return freeze_at_s is not None and time.time() - self._lost_s >= freeze_at_s

    def release(self):
        """Let the device go on from where it stood."""
        with self.lock:
            if self._freeze_at_s is not None:
                self._lost_s += max(time.time() - self._lost_s - self._freeze_at_s, 0.0)
                self._freeze_at_s = None

    def queue(self, seconds):
        """Add work and return when it will be done, on the device's clock."""
        with self.lock:
            self.free_at_s = max(self.free_at_s, self.now_s()) + seconds
            return self.free_at_s

    def begin_loop(self):
        self.step_ends_s.append([])
        self.launched_at_s.append([])

    def launch_step(self, seconds):
        """Queue one denoising step of the newest loop."""
        end_s = self.queue(seconds)
        self.launched_at_s[-1].append(time.time())
        self.step_ends_s[-1].append(end_s)
        if self.on_launch is not None:
            self.on_launch(len(self.step_ends_s) - 1, len(self.step_ends_s[-1]) - 1, end_s)

    def wait_until(self, at_s):
        """Block until a moment of the device's clock; sleeping lets other threads run."""
        while (left_s := at_s - self.now_s()) > 0:
            time.sleep(left_s if self._freeze_at_s is None else min(left_s, POLL_S))

    def forget(self):
        self.step_ends_s.clear()
        self.launched_at_s.clear()
        self.synchronized = self.blocks = self.decodes = 0


TIMELINE = Timeline()
