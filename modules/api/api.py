"""Stand-in for SD.Next's modules/api/api.py: the routes below /sdapi/v1 and the files of extensions."""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any

from fastapi import FastAPI, HTTPException, Response
from fastapi.responses import FileResponse
from PIL import Image

from modules import extensions, paths, processing, shared
from modules.api import models
from modules.errors import HostError

media_types = {".js": "application/javascript", ".mjs": "application/javascript", ".css": "text/css"}


def encode_pil_to_base64(image: Image.Image) -> str:
    """PNG in base64."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return base64.b64encode(buffer.getvalue()).decode("ascii")


class Api:
    """The host's API on one FastAPI app."""

    def __init__(self, app: FastAPI, queue_lock: Lock) -> None:
        self.app = app
        self.queue_lock = queue_lock

    def add_api_route(self, path: str, fn: Callable, auth: bool = True, **kwargs: Any) -> None:
        """Add a route; `auth` is taken for SD.Next's sake, there is no log-in here."""
        self.app.add_api_route(path, endpoint=fn, **kwargs)

    def register(self) -> None:
        """Add the host's own routes."""
        add = self.add_api_route
        add("/js", self.get_js, methods=["GET"])
        add("/sdapi/v1/txt2img", self.post_text2img, methods=["POST"], response_model=models.ResTxt2Img)
        add("/sdapi/v1/progress", self.get_progress, methods=["GET"], response_model=models.ResProgress)
        add("/sdapi/v1/status", shared.state.status, methods=["GET"], response_model=models.ResStatus)
        add("/sdapi/v1/interrupt", self.post_interrupt, methods=["POST"], status_code=204)
        add("/sdapi/v1/skip", self.post_skip, methods=["POST"], status_code=204)
        add("/sdapi/v1/options", self.get_options, methods=["GET"])
        add("/sdapi/v1/options", self.post_options, methods=["POST"])
        add(
            "/sdapi/v1/extensions",
            self.get_extensions,
            methods=["GET"],
            response_model=list[models.ItemExtension],
        )

    def get_js(self, file: str) -> FileResponse:
        """A script or style of the host or of an active extension."""
        path = Path(file).resolve()
        folders = [Path(paths.modules_path), *(Path(ext.path) for ext in extensions.active())]
        if path.suffix not in media_types or not any(folder.resolve() in path.parents for folder in folders):
            raise HTTPException(
                status_code=403, detail=f"{file}: not a script or style of an active extension"
            )
        if not path.is_file():
            raise HTTPException(status_code=404, detail=f"{file}: not found")
        return FileResponse(path, media_type=media_types[path.suffix])

    def post_text2img(self, req: models.ReqTxt2Img) -> models.ResTxt2Img:
        """Run a job when no other runs, and answer when it is done."""
        args = req.model_dump(exclude={"send_images", "save_images"})
        with self.queue_lock:
            p = processing.StableDiffusionProcessingTxt2Img(
                sd_model=shared.sd_model, do_not_save_samples=not req.save_images, **args
            )
            jobid = shared.state.begin("API-TXT", api=True)
            try:
                processed = processing.process_images(p)
            except HostError as e:
                raise HTTPException(status_code=422, detail=str(e)) from e
            finally:
                shared.state.end(jobid, api=False)
        images = processed.images if processed is not None and req.send_images else []
        return models.ResTxt2Img(
            images=[encode_pil_to_base64(image) for image in images],
            parameters=req.model_dump(),
            info=processed.js() if processed is not None else "",
        )

    def get_progress(self, skip_current_image: bool = False) -> models.ResProgress:
        """Share of the running phase. Trap kept: it computes its own figure and changes `sampling_steps`."""
        state = shared.state
        common = {"id": state.id, "state": state.dict(), "textinfo": state.textinfo}
        if state.job_count == 0 and state.sampling_step == 0:
            return models.ResProgress(progress=0, eta_relative=0, **common)
        state.do_set_current_image()
        image = None
        if state.current_image is not None and not skip_current_image:
            image = encode_pil_to_base64(state.current_image)
        step, previous_steps = max(state.sampling_step, 0), max(state.sampling_steps, 1)
        while step > state.sampling_steps:
            state.sampling_steps += previous_steps
        steps = max(state.sampling_steps, 1)
        progress = min((steps * max(state.job_no, 0) + step) / (steps * max(state.job_count, 1)), 1)
        elapsed = time.time() - (state.time_start or time.time())
        eta = elapsed / progress - elapsed if progress > 0 else 0
        return models.ResProgress(
            progress=round(progress, 2), eta_relative=round(eta, 2), current_image=image, **common
        )

    def post_interrupt(self) -> Response:
        """Stop."""
        shared.state.interrupt()
        return Response(status_code=204)

    def post_skip(self) -> Response:
        """Skip."""
        shared.state.skip()
        return Response(status_code=204)

    def get_options(self) -> dict[str, Any]:
        """Every registered option and everything else in config.json."""
        return {k: v.default for k, v in shared.opts.data_labels.items()} | shared.opts.data

    def post_options(self, req: dict[str, Any]) -> dict[str, Any]:
        """Set options and save."""
        updated = [{k: shared.opts.set(k, v)} for k, v in req.items()]
        shared.opts.save()
        return {"updated": updated}

    def get_extensions(self) -> list[models.ItemExtension]:
        """All extension folders."""
        return [
            models.ItemExtension(
                name=ext.name, remote=ext.remote or "", version=ext.version, enabled=ext.enabled
            )
            for ext in extensions.extensions
        ]
