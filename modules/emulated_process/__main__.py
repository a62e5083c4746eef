"""Start the device: drain the pipe from the first moment on, load torch, then work until the host is gone."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO, cast

from modules.emulated_process.frames import Frames, SharedCounters


def main() -> None:
    """Serve the host whose pipes stand in the place of standard input and output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the host decides what a key means, and ends us
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # whatever else is printed here goes where errors go
    frames = Frames(cast("BinaryIO", sys.stdin.buffer), cast("BinaryIO", replies))
    counters = SharedCounters(sys.argv[1])
    if sys.platform != "win32":  # both have it in memory now; nothing is left if the host is ended meanwhile
        Path(sys.argv[1]).unlink(missing_ok=True)
    queued: SimpleQueue[tuple[list[Any], bytearray]] = SimpleQueue()
    asked: SimpleQueue[tuple[Any, ...]] = SimpleQueue()
    listener = threading.Thread(target=listen, args=(frames, queued, asked), daemon=True)
    listener.start()

    from modules.emulated_process.worker import Worker

    worker = Worker(frames, counters)
    threading.Thread(target=worker.answer_forever, args=(asked,), daemon=True).start()
    worker.run_forever(queued)


def listen(frames: Frames, queued: SimpleQueue[Any], asked: SimpleQueue[Any]) -> None:
    """Take what comes at once, so that the host never waits for room; end this process when it is gone."""
    try:
        while True:
            head, payload = frames.wait_frame()
            if type(head) is list:
                queued.put((head, payload))
            else:
                asked.put(head)
    except BaseException:  # noqa: BLE001  whatever it is: without a host there is nothing to work for
        os._exit(0)


if __name__ == "__main__":
    main()
