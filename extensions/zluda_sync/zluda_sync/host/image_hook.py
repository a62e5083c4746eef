"""A hook around the making of one image: where a job that left a model early comes out in order."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from zluda_sync.host.jobs import Jobs
from zluda_sync.host.patches import Switch
from zluda_sync.host.requests import Requests
from zluda_sync.host.sdnext import log


class ImageHook:
    """Builds the replacement of ``process_diffusers(p)``, which makes all pictures of one image."""

    def __init__(self, jobs: Jobs, requests: Requests) -> None:
        self._jobs = jobs
        self._requests = requests

    def wrap(self, original: Callable[..., Any], switch: Switch) -> Callable[..., Any]:
        """Wrap ``process_diffusers(p) -> pictures``.

        After Stop or Skip it returns no pictures, as the host does where it looks at its flags itself. Not
        every phase of the host expects to be left: what follows from leaving it ends here.
        """

        @functools.wraps(original)
        def process_diffusers(*args: Any, **kwargs: Any) -> Any:
            if not switch.is_on:
                return original(*args, **kwargs)
            try:
                pictures = original(*args, **kwargs)
            except Exception as error:
                if not self._is_left():
                    raise
                log.debug(f"ZLUDA Sync: left early: {type(error).__name__}: {error}")
                return []
            self._jobs.guard("noting a whole picture", self._note, pictures)
            return pictures

        return process_diffusers

    def _is_left(self) -> bool:
        control = self._requests.own
        return control is not None and control.must_leave and control.wants_out()

    def _note(self, pictures: Any) -> None:
        control = self._requests.own
        if control is not None and isinstance(pictures, list) and pictures:
            control.picture_is_whole()
