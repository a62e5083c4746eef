"""The previews of a session: made only while somebody looks, and given to everybody who does."""

from __future__ import annotations

import base64
import io
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from PIL import Image

from zluda_sync.core.clock import SYSTEM_CLOCK, Clock
from zluda_sync.pipeline.pictures import build_images
from zluda_sync.pipeline.step_previews import StepPreviews

#: Somebody looks if a client has asked for a preview within this time, in seconds.
LOOKING_S = 5.0
CLIP_FRAME_MS = 125


class Preview:
    """One preview. Numbers rise over all jobs of a session, so that no client is shown one twice.

    Args:
        number: of the preview.
        step: zero-based index of the step that it shows.
        image: as it is shown.
        clip: all frames of a video, None where there are none or nobody asked for them.
    """

    def __init__(
        self, number: int, step: int, image: Image.Image, clip: list[Image.Image] | None = None
    ) -> None:
        self.number = number
        self.step = step
        self.image = image
        self.clip = clip
        self._encoded: dict[str, bytes] = {}

    def encode(self, kind: str) -> bytes:
        """Return it as a file of a kind: ``jpeg``, ``png``, or ``webp`` for the clip."""
        encoded = self._encoded.get(kind)
        if encoded is None:
            buffer = io.BytesIO()
            if kind == "webp":
                first, *others = self.clip or [self.image]
                first.save(
                    buffer, "webp", save_all=True, append_images=others, duration=CLIP_FRAME_MS, loop=0
                )
            else:
                self.image.save(buffer, kind, **({"quality": 60} if kind == "jpeg" else {}))
            encoded = self._encoded[kind] = buffer.getvalue()
        return encoded

    @property
    def data_uri(self) -> str:
        """The preview as the host's page expects it: a data URI of a JPEG."""
        return f"data:image/jpeg;base64,{base64.b64encode(self.encode('jpeg')).decode('ascii')}"

    @property
    def png_base64(self) -> str:
        """The preview as the host's API gives images: a PNG in base64."""
        return base64.b64encode(self.encode("png")).decode("ascii")


@dataclass(frozen=True)
class Newest:
    """The newest preview that a maker has.

    Attributes:
        key: tells it from others.
        step: zero-based index of the step that it shows.
        build: makes its images, one for each frame.
    """

    key: Hashable
    step: int
    build: Callable[[], list[Image.Image]]


class PreviewMaker(ABC):
    """Makes the previews of one job, or has them made."""

    is_off = False
    """Whether it has given up: the host's own previews are shown then."""

    reads_latents = False
    """Whether it reads the host's latents as a client does, instead of being told of each step."""

    @abstractmethod
    def newest(self) -> Newest | None:
        """Return the newest preview, None while there is none. Never waits, and never talks to the device."""

    def look(self) -> None:  # noqa: B027  most makers go by the steps
        """Somebody looks."""

    def close(self) -> None:  # noqa: B027  not every maker holds something
        """The job is over."""


class NoPreviews(PreviewMaker):
    """In the place of the host's previews: none."""

    def newest(self) -> Newest | None:
        return None


class Previews:
    """Holds the newest preview. Clients ask on threads of their own."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._looked_at_s: float | None = None
        self._clip_asked_at_s: float | None = None
        self._latents_read_at_s: float | None = None
        self._maker: PreviewMaker | None = None
        self._key: Hashable = None
        self._newest: Preview | None = None
        self._count = 0
        self._lock = threading.Lock()

    @property
    def is_looked_at(self) -> bool:
        """Whether somebody has asked for a preview lately."""
        return self._is_recent(self._looked_at_s)

    @property
    def is_clip_wanted(self) -> bool:
        """Whether somebody has asked for a whole clip lately."""
        return self._is_recent(self._clip_asked_at_s)

    @property
    def are_latents_wanted(self) -> bool:
        """Whether somebody reads the host's latents, or soon will: only then are those of steps kept."""
        maker = self._maker
        is_maker_asked = maker is not None and maker.reads_latents and self.is_looked_at
        return is_maker_asked or self._is_recent(self._latents_read_at_s)

    def record_latents_read(self) -> None:
        """Somebody has read the host's latents; any thread."""
        self._latents_read_at_s = self._clock()

    def begin(self, maker: PreviewMaker | None) -> None:
        """A job begins whose previews come from ``maker``, None if there are to be none."""
        self.end()
        self._maker = maker

    def end(self) -> None:
        """The job is over, and with it its previews."""
        with self._lock:
            maker, self._maker = self._maker, None
            self._newest = self._key = None
        if maker is not None:
            maker.close()

    @property
    def are_ours(self) -> bool:
        """Whether the job that runs has previews of ours in place of the host's."""
        maker = self._maker
        return maker is not None and not maker.is_off

    def look(self, wants_clip: bool = False) -> Preview | None:
        """Return the newest preview, None while there is none, and have more made for some seconds."""
        self._looked_at_s = self._clock()
        if wants_clip:
            self._clip_asked_at_s = self._looked_at_s
        maker = self._maker
        if maker is None:
            return None
        maker.look()
        found = maker.newest()
        if found is None:
            return self._newest
        with self._lock:
            if self._maker is maker and found.key != self._key:
                images = found.build()
                clip = images if len(images) > 1 else None
                self._count += 1
                self._newest = Preview(self._count, found.step, images[len(images) // 2], clip)
                self._key = found.key
            return self._newest

    def _is_recent(self, at_s: float | None) -> bool:
        return at_s is not None and self._clock() - at_s < LOOKING_S


class ProjectedPreviews(PreviewMaker):
    """Previews that are projected behind the steps while somebody looks.

    Args:
        previews: offered each step.
    """

    def __init__(self, previews: StepPreviews) -> None:
        self.previews = previews

    @property
    def is_off(self) -> bool:  # type: ignore[override]
        return self.previews.is_off

    def newest(self) -> Newest | None:
        ready = self.previews.queue.newest_ready()
        if ready is None:
            return None
        return Newest((id(ready.ledger), ready.step), ready.step, lambda: build_images(ready.pixels))

    def close(self) -> None:
        self.previews.close()
