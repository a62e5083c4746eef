"""The device's own process, as the host holds it: started, listened to, and ended with the host.

Its interpreter is another one, so that neither slows the other down: what the host knows of the device's
progress stands in memory that both see, and a wait sleeps until it is told.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast

from modules.emulated_process.frames import Counter, Frames, Reply, SharedCounters

#: Of a process that was told to end, in seconds.
END_LIMIT_S = 2.0
_ROOT = Path(__file__).resolve().parents[2]


class DeviceProcess:
    """A running device.

    Attributes:
        numbers: the memory that both see, by :class:`Counter`.
        started_in_s: how long it took until it could work; None until then.
        receiver: the thread that hears what the device tells.
        clock_ahead_s: what its clock shows more than this process's; 0.0 where the system has one for all.
    """

    def __init__(
        self, on_reply: Callable[[tuple[Any, ...], bytearray], None], on_lost: Callable[[str], None]
    ):
        self._on_reply = on_reply
        self._on_lost = on_lost
        self._is_closed = False
        self._began_s = time.perf_counter()
        self.started_in_s: float | None = None
        self.clock_ahead_s = 0.0
        name = self._make_shared()
        counters = SharedCounters(name)
        self.numbers = counters.numbers
        self.numbers[Counter.SLOWNESS] = 1000
        before = os.environ.get("PYTHONPATH")
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "modules.emulated_process", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join([str(_ROOT), *([before] if before else [])]),
                "OMP_NUM_THREADS": "1",
                "PYTHONUNBUFFERED": "1",
            },
        )
        self._commands = Frames(None, cast("BinaryIO", self._popen.stdin))
        reading = os.fdopen(os.dup(cast("BinaryIO", self._popen.stdout).fileno()), "rb", buffering=1 << 16)
        cast("BinaryIO", self._popen.stdout).close()
        self._reading = reading
        self._replies = Frames(cast("BinaryIO", reading), None)
        self.receiver = threading.Thread(target=self._receive, name="emulated-device", daemon=True)
        self.receiver.start()
        atexit.register(self.close)

    @property
    def pid(self) -> int:
        """Of the process, for who looks at it or ends it."""
        return self._popen.pid

    def send(self, head: Any, payload: memoryview | bytes = b"") -> None:
        """Send commands (a list) or a question (a tuple).

        Raises:
            OSError: the process is gone.
        """
        if self._is_closed:
            raise BrokenPipeError("the device was closed")
        self._commands.write(head, payload)

    def kill(self) -> None:
        """End it as a driver's crash would: nobody is told, and what was queued is lost."""
        self._popen.kill()

    def close(self) -> None:
        """End it, whatever it is busy with, and leave nothing behind."""
        if self._is_closed:
            return
        self._is_closed = True
        atexit.unregister(self.close)
        self._popen.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(END_LIMIT_S)
        if threading.current_thread() is not self.receiver:
            self.receiver.join(END_LIMIT_S)
        with contextlib.suppress(OSError):
            cast("BinaryIO", self._popen.stdin).close()
        if not self.receiver.is_alive():
            self._reading.close()
        self._remove_shared()

    def _make_shared(self) -> str:
        name = f"zluda_sync-device-{os.getpid()}-{id(self):x}-{time.monotonic_ns()}"
        if sys.platform == "win32":
            self._shared_file = None
            return name
        self._shared_file = Path(tempfile.gettempdir(), name)
        with self._shared_file.open("xb") as file:
            file.truncate(4096)
        return str(self._shared_file)

    def _remove_shared(self) -> None:
        """Both have it in memory from the device's start on: the name is no longer needed then."""
        if self._shared_file is not None:
            self._shared_file.unlink(missing_ok=True)
            self._shared_file = None

    def _receive(self) -> None:
        import torch

        try:
            with torch.inference_mode():
                while True:
                    head, payload = self._replies.wait_frame()
                    if head[0] == Reply.STARTED:
                        self._note_start(head[1])
                    else:
                        self._on_reply(head, payload)
        except (EOFError, OSError, ValueError):
            pass
        if not self._is_closed:
            self._remove_shared()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(END_LIMIT_S)
            self._on_lost(f"the device was lost: its process ended with {self._popen.returncode}")

    def _note_start(self, device_now_s: float) -> None:
        now_s = time.perf_counter()
        self.started_in_s = now_s - self._began_s
        if not self._began_s <= device_now_s <= now_s:
            self.clock_ahead_s = device_now_s - now_s
        self._remove_shared()
