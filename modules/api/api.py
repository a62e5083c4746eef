"""Stand-in for SD.Next's modules/api/api.py: the routes below /sdapi/v1 and the files of extensions."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException
from fastapi.responses import FileResponse
from pydantic import BaseModel

from modules import call_queue, extensions, images, paths, shared
from modules.errors import HostError
from modules.processing import StableDiffusionProcessingTxt2Img, process_images

MEDIA_TYPES = {".js": "application/javascript", ".mjs": "application/javascript", ".css": "text/css"}


class ResProgress(BaseModel):
    """Answer of /sdapi/v1/progress: 0 to 1, and seconds."""

    progress: float = 0
    eta_relative: float = 0
    state: dict[str, Any]
    current_image: str | None = None
    textinfo: str | None = None


class ResStatus(BaseModel):
    """Answer of /sdapi/v1/status: `progress` 0 to 1, times in seconds."""

    status: str
    task: str
    step: int
    steps: int
    progress: float
    elapsed: float | None
    eta: float | None


class Api:
    """The host's API on one FastAPI app."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        add = self.add_api_route
        add("/js", self.get_js, methods=["GET"])
        add("/sdapi/v1/txt2img", self.post_text2img, methods=["POST"])
        add("/sdapi/v1/progress", self.get_progress, methods=["GET"])
        add("/sdapi/v1/status", self.get_status, methods=["GET"])
        add("/sdapi/v1/interrupt", shared.state.interrupt, methods=["POST"], status_code=204)
        add("/sdapi/v1/skip", shared.state.skip, methods=["POST"], status_code=204)
        add("/sdapi/v1/options", shared.opts.values, methods=["GET"])
        add("/sdapi/v1/options", self.post_options, methods=["POST"])

    def add_api_route(self, path: str, fn: Callable, **kwargs: Any) -> None:
        """Add a route; extensions too."""
        self.app.add_api_route(path, endpoint=fn, **kwargs)

    def get_js(self, file: str) -> FileResponse:
        """A script or style of the host or of an enabled extension."""
        path = Path(file).resolve()
        folders = [paths.modules_path, *(ext.path for ext in extensions.extensions if ext.enabled)]
        is_inside = any(Path(folder).resolve() in path.parents for folder in folders)
        if path.suffix not in MEDIA_TYPES or not is_inside or not path.is_file():
            raise HTTPException(403, f"{file}: not a script or style of an enabled extension")
        return FileResponse(path, media_type=MEDIA_TYPES[path.suffix])

    def post_text2img(self, p: StableDiffusionProcessingTxt2Img) -> dict[str, Any]:
        """Run a job when no other runs, and answer when it is done; its pictures are not saved.

        Trap kept from SD.Next: a job that fails leaves its phases open, and the host says that it runs.
        """
        parameters = asdict(p)
        p.do_not_save_samples = True
        with call_queue.queue_lock:
            jobid = shared.state.begin("API-TXT", api=True)
            try:
                processed = process_images(p)
            except HostError as e:
                raise HTTPException(422, str(e)) from e
            shared.state.end(jobid, api=False)
        pictures = [images.encode_base64(image, "png") for image in processed.images]
        info = {"seed": p.all_seeds[0], "all_seeds": p.all_seeds, "infotexts": processed.infotexts}
        return {"images": pictures, "parameters": parameters, "info": json.dumps(info)}

    def get_progress(self, skip_current_image: bool = False) -> ResProgress:
        """Share of the running phase. Trap kept: it computes its own figure and changes `sampling_steps`."""
        state = shared.state
        names = ("skipped", "interrupted", "job", "job_count", "job_no", "sampling_step", "sampling_steps")
        answer = ResProgress(state={name: getattr(state, name) for name in names})
        if state.job_count == 0 and state.sampling_step == 0:
            return answer
        state.set_current_image()
        if state.current_image is not None and not skip_current_image:
            answer.current_image = images.encode_base64(state.current_image, "png")
        step, previous_steps = state.sampling_step, max(state.sampling_steps, 1)
        while step > state.sampling_steps:
            state.sampling_steps += previous_steps
        steps = max(state.sampling_steps, 1)
        progress = min((steps * state.job_no + step) / (steps * max(state.job_count, 1)), 1)
        elapsed_s = time.time() - (state.time_start or time.time())
        eta_s = elapsed_s / progress - elapsed_s if progress > 0 else 0
        answer.progress, answer.eta_relative = round(progress, 2), round(eta_s, 2)
        return answer

    def get_status(self) -> ResStatus:
        """State of the host; steps are counted over all passes, times rounded before dividing."""
        state = shared.state
        jobs = max(state.job_count, state.job_no)
        step, steps = state.sampling_steps * state.job_no + state.sampling_step, state.sampling_steps * jobs
        progress = round(min(1, step / steps if steps > 0 else 0), 2)
        elapsed = round(time.time() - state.time_start, 2) if state.time_start is not None else None
        eta = (
            round(round(elapsed / progress, 2) - elapsed, 2) if elapsed is not None and progress > 0 else None
        )
        status = "running" if state.job else "idle"
        for name in ("skipped", "interrupted", "paused"):
            status = name if getattr(state, name) else status
        counts = {"step": step, "steps": steps, "progress": progress}
        return ResStatus(status=status, task=state.job, elapsed=elapsed, eta=eta, **counts)

    def post_options(self, req: dict[str, Any]) -> dict[str, Any]:
        """Set options and save."""
        updated = [{k: shared.opts.set(k, v)} for k, v in req.items()]
        shared.opts.save()
        return {"updated": updated}
