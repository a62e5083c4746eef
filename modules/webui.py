"""The embedded host's start, in the place of SD.Next's webui.py: with a server, or for one job in process."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from pathlib import Path

import diffusers
import transformers
import uvicorn
from fastapi import FastAPI

from modules import (
    call_queue,
    cmd_args,
    default_model,
    devices,
    extensions,
    logger,
    paths,
    progress,
    script_callbacks,
    scripts_manager,
    sd_models,
    shared,
)
from modules.api.api import Api
from modules.errors import HostError
from modules.logger import log


class Host:
    """A running host. `app` is the FastAPI app of its API, and with a page also of the page."""

    def __init__(self, with_page: bool) -> None:
        self.with_page = with_page
        self.boot_count = 0
        self.app = FastAPI()
        self.server: uvicorn.Server | None = None
        self.restart_wanted = False

    def boot(self) -> None:
        """Load the extensions, make a new app, and tell the extensions that it is there."""
        self.boot_count += 1
        self.restart_wanted = False
        extensions.list_extensions()
        scripts_manager.load_scripts()
        script_callbacks.ui_settings_callback()
        self.app = FastAPI()
        shared.api = Api(self.app, call_queue.queue_lock)
        shared.api.register()
        shared.api.add_api_route("/internal/boot_count", lambda: self.boot_count, methods=["GET"])
        progress.setup_progress_api()
        shared.demo = None
        if self.with_page:
            from modules import ui

            script_callbacks.before_ui_callback()
            shared.demo = ui.create_ui(self)
            script_callbacks.after_ui_callback()
        script_callbacks.app_started_callback(shared.demo, self.app)
        if self.with_page:
            self.app = ui.mount_ui(
                self.app, shared.demo, self.boot_count
            )  # last: it takes every path that is left

    def restart(self) -> None:
        """Unload the extensions and boot again in this process, as SD.Next did until April 2025."""
        script_callbacks.app_reload_callback()
        script_callbacks.script_unloaded_callback()
        self.boot()

    def request_restart(self) -> None:
        """Have the server restart once the running job is done; without a server, restart now."""
        with call_queue.queue_lock:
            if self.server is None:
                self.restart()
            else:
                self.restart_wanted = True
                self.server.should_exit = True

    def serve(self, port: int) -> None:
        """Serve on 127.0.0.1 until interrupted from the keyboard, through any number of restarts.

        Raises:
            HostError: the port is taken.
        """
        while True:
            listener = listen(port)
            port = listener.getsockname()[1]
            print(f"Listening on http://127.0.0.1:{port}/", flush=True)
            config = uvicorn.Config(self.app, log_level="critical", timeout_graceful_shutdown=1)
            self.server = uvicorn.Server(config)
            self.server.run(sockets=[listener])
            listener.close()
            if not self.restart_wanted:
                return
            log.info("Restart")
            self.restart()


def listen(port: int) -> socket.socket:
    """Take `port` of 127.0.0.1, or a free one for 0.

    Raises:
        HostError: the port is taken.
    """
    listener = socket.socket()
    if os.name == "posix":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
    except (OSError, OverflowError) as e:
        listener.close()
        raise HostError(
            f"Port {port} of 127.0.0.1 cannot be used ({e}); stop the other program or give --port"
        ) from e
    return listener


def load_settings(config: str) -> None:
    """Read config.json and make sure that it can be written.

    Raises:
        HostError: it cannot.
    """
    shared.opts.filename = config
    shared.opts.load()
    if not shared.opts.save_atomic():
        raise HostError(f'Settings: "{config}" cannot be written; choose another --data-dir or --config')


def start_host(argv: Sequence[str] = (), with_page: bool = False) -> Host:
    """Start the host in this process, without a server; then `processing.process_images(p)` runs a job.

    Raises:
        HostError: data folder, settings, device or model cannot be used; one line with the remedy.
    """
    args = cmd_args.parse_args(argv)
    logger.setup_logging(args.debug)
    vars(shared.cmd_opts).update(vars(args))
    paths.set_paths(args.data_dir, args.extensions_dir)
    os.environ["GRADIO_TEMP_DIR"] = str(Path(paths.outputs_path, "page"))
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    load_settings(args.config or str(Path(paths.data_path, "config.json")))
    devices.select_device(args.device)
    diffusers.utils.logging.disable_progress_bar()
    transformers.utils.logging.disable_progress_bar()
    folder = args.model or default_model.ensure_default_model(paths.diffusers_path)
    sd_models.check_folder(folder)
    host = Host(with_page)
    host.boot()
    pipe = sd_models.load_diffuser(folder)
    if devices.device.type == "emulated":
        from modules import emulated_kernels

        emulated_kernels.slow_model(pipe, args.step_ms, args.encode_ms, args.decode_ms)
    return host


def main(argv: Sequence[str]) -> int:
    """Start the host with its page and serve it; 0 when stopped from the keyboard, 2 when it cannot start."""
    try:
        args = cmd_args.parse_args(argv)
        listen(args.port).close()
        start_host(argv, with_page=True).serve(args.port)
    except HostError as e:
        print(e, flush=True)
        return 2
    except KeyboardInterrupt:
        pass
    return 0
