"""The embedded host's start, in the place of SD.Next's webui.py: with a server, or for one job in process."""

from __future__ import annotations

import argparse
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import diffusers
import transformers
import uvicorn
from fastapi import FastAPI

from modules import (
    call_queue,
    default_model,
    devices,
    emulated_kernels,
    errors,
    extensions,
    paths,
    progress,
    script_callbacks,
    sd_models,
    shared,
    side_by_side,
    ui,
)
from modules.api.api import Api
from modules.errors import HostError

parser = argparse.ArgumentParser(prog="run_host", description="Embedded stand-in host for SD.Next extensions")
add = parser.add_argument
add("--data-dir", default=str(Path(paths.script_path, ".host")), help="config.json, models and outputs")
add("--extensions-dir", help="folder of extensions (default: extensions/ of this repository)")
add("--port", type=int, default=7860, help="port on 127.0.0.1; 0 takes a free one")
add("--model", help="diffusers folder (default: the one of coloured shapes in this repository)")
add("--device", choices=["auto", "emulated", "cuda", "cpu"], default="auto")
add("--step-ms", type=float, default=500, help="emulated device: a guided denoise step, one image, 256x256")
add("--encode-ms", type=float, default=100, help="emulated device: encoding prompt and negative prompt")
add("--decode-ms", type=float, default=500, help="emulated device: VAE decode, one image, 256x256")


class Host:
    """A running host. `app` is the FastAPI app of its API, and with a page also of the page.

    `arguments` are those that a second host needs for the same model on the same device.
    """

    def __init__(self, with_page: bool, arguments: Sequence[str] = ()) -> None:
        self.with_page = with_page
        self.second = side_by_side.SecondHost(tuple(arguments))
        self.boot_count = 0
        self.server: uvicorn.Server | None = None
        self.boot()

    def boot(self) -> None:
        """Load the extensions anew, make a new app, and tell the extensions that it is there."""
        self.boot_count += 1
        self.restart_wanted = False
        script_callbacks.script_unloaded_callback()
        extensions.list_extensions()
        extensions.load_scripts()
        script_callbacks.ui_settings_callback()
        self.app = FastAPI()
        shared.api = Api(self.app)
        shared.api.add_api_route("/internal/boot_count", lambda: self.boot_count, methods=["GET"])
        progress.setup_progress_api()
        side_by_side.add_routes(self.app, self.second)
        demo = ui.create_ui(self.request_restart) if self.with_page else None
        script_callbacks.app_started_callback(demo, self.app)
        if demo is not None:  # last: it takes every path that is left
            self.app = ui.mount_ui(self.app, demo, self.boot_count)

    def request_restart(self) -> None:
        """Have the server restart once the running job is done; without a server, restart now."""
        with call_queue.queue_lock:
            if self.server is None:
                self.boot()
            else:
                self.restart_wanted = True
                self.server.should_exit = True

    def serve(self, port: int) -> None:
        """Serve on 127.0.0.1 until interrupted from the keyboard, through any number of restarts."""
        while True:
            listener = listen(port)
            port = listener.getsockname()[1]
            print(f"Listening on http://127.0.0.1:{port}/", flush=True)
            options = {"log_level": "critical", "timeout_graceful_shutdown": 1}
            self.server = uvicorn.Server(uvicorn.Config(self.app, **options))
            self.server.run(sockets=[listener])
            listener.close()
            if not self.restart_wanted:
                return
            self.boot()


def listen(port: int) -> socket.socket:
    """Take `port` of 127.0.0.1, or a free one for 0; HostError if it is taken."""
    try:
        return socket.create_server(("127.0.0.1", port))
    except (OSError, OverflowError) as e:
        raise HostError(f"Port {port} of 127.0.0.1 cannot be used ({e}); give another --port") from e


def start_host(argv: Sequence[str] = (), with_page: bool = False) -> Host:
    """Start the host without a server, for `processing.process_images(p)`; HostError if that fails."""
    args = parser.parse_args(argv)
    errors.setup_logging()
    paths.set_paths(args.data_dir, args.extensions_dir)
    os.environ["GRADIO_TEMP_DIR"] = str(Path(paths.outputs_path, "page"))
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    shared.opts.filename = str(Path(paths.data_path, "config.json"))
    shared.opts.load()
    if not shared.opts.save():
        raise HostError(f'Settings: "{shared.opts.filename}" cannot be written; choose another --data-dir')
    devices.select_device(args.device)
    diffusers.utils.logging.disable_progress_bar()
    transformers.utils.logging.disable_progress_bar()
    pipe = sd_models.load_diffuser(args.model or default_model.find_default_model())
    if devices.device.type == "emulated":
        emulated_kernels.slow_model(pipe, args.step_ms, args.encode_ms, args.decode_ms)
    values = ("model", "device", "step_ms", "encode_ms", "decode_ms")
    given = [(f"--{name.replace('_', '-')}", getattr(args, name)) for name in values]
    return Host(with_page, [str(word) for pair in given if pair[1] is not None for word in pair])


def main(argv: Sequence[str]) -> int:
    """Start the host with its page and serve it; 0 when stopped from the keyboard, 2 when it cannot start."""
    try:
        port = parser.parse_args(argv).port
        listen(port).close()
        start_host(argv, with_page=True).serve(port)
    except HostError as e:
        print(e, file=sys.stderr, flush=True)
        return 2
    except KeyboardInterrupt:
        pass
    return 0
