"""The previews of a session: made only while somebody looks, and given to everybody who does."""

from __future__ import annotations

import base64
import contextlib
import io
import secrets
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass

from PIL import Image

from zluda_sync.core.clock import SYSTEM_CLOCK, Clock
from zluda_sync.pipeline.pictures import build_images
from zluda_sync.pipeline.step_previews import StepPreviews

#: Somebody looks if a client has asked for a preview within this time, in seconds.
LOOKING_S = 5.0
CLIP_FRAME_MS = 125
#: Longest side of the moving preview that the page is sent with each new one.
SMALL_SIDE_PX = 256
#: Previews of the job that runs that are kept for who was told of them and comes for them a little later.
MOST_TOLD = 4


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
        """Return it as a file of a kind: ``jpeg``, ``png``, or ``webp`` and ``small webp`` for the clip."""
        encoded = self._encoded.get(kind)
        if encoded is None:
            buffer = io.BytesIO()
            if kind == "webp":
                _save_clip(self.clip or [self.image], buffer)
            elif kind == "small webp":
                _save_clip([_small(frame) for frame in self.clip or [self.image]], buffer, method=0)
            else:
                self.image.save(buffer, kind, **({"quality": 60} if kind == "jpeg" else {}))
            encoded = self._encoded[kind] = buffer.getvalue()
        return encoded

    @property
    def data_uri(self) -> str:
        """The preview as the host's page expects it: a data URI of a JPEG, or of a film's moving WebP."""
        kind, encoded = ("jpeg", "jpeg") if self.clip is None else ("webp", "small webp")
        return f"data:image/{kind};base64,{base64.b64encode(self.encode(encoded)).decode('ascii')}"

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
    """Holds the newest previews. Clients ask on threads of their own.

    A preview has its number when somebody is told of it, and is made a picture when somebody comes for it.
    """

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._session = secrets.token_hex(4)  # numbers begin anew with each start of the host
        self._watchers = 0
        self._told: dict[int, Newest | Preview] = {}
        self._looked_at_s: float | None = None
        self._clip_asked_at_s: float | None = None
        self._latents_read_at_s: float | None = None
        self._maker: PreviewMaker | None = None
        self._key: Hashable = None
        self._newest_number: int | None = None
        self._count = 0
        self._lock, self._making = threading.Lock(), threading.Lock()

    @property
    def is_looked_at(self) -> bool:
        """Whether somebody has asked for a preview lately, or watches."""
        return self._watchers > 0 or self._is_recent(self._looked_at_s)

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
            self._newest_number = self._key = None
            self._told = {}
        if maker is not None:
            maker.close()

    @property
    def are_ours(self) -> bool:
        """Whether the job that runs has previews of ours in place of the host's."""
        maker = self._maker
        return maker is not None and not maker.is_off

    def look(self, wants_clip: bool = False) -> Preview | None:
        """Return the newest preview, None while there is none, and have more made for some seconds."""
        self._note_look(wants_clip)
        told = self._tell(is_looking=True)
        return None if told is None else self._make(told[0])

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """A context in which previews are made, though nobody asks for one: somebody waits to be told."""
        with self._lock:
            self._watchers += 1
        try:
            yield
        finally:
            with self._lock:
                self._watchers -= 1

    def tell(self) -> tuple[str, int] | None:
        """Return id and step of the newest preview, None while there is none or nobody looks.

        Waits for nothing, makes no picture, and does not count as looking.
        """
        told = self._tell(is_looking=self._watchers > 0) if self.is_looked_at else None
        return None if told is None else (self.id_of(told[0]), told[1])

    def find(self, preview_id: str, wants_clip: bool = False) -> Preview | None:
        """Return the preview of an id that was told, None if it is not kept; counts as looking."""
        self._note_look(wants_clip)
        number = self._number_of(preview_id)
        return None if number is None else self._make(number)

    def was_told(self, preview_id: str) -> bool:
        """Whether there was a preview of this id since the host was started."""
        number = self._number_of(preview_id)
        return number is not None and 0 < number <= self._count

    def id_of(self, number: int) -> str:
        """Return by what clients know a preview, after a restart of the host too."""
        return f"{self._session}-{number}"

    def _number_of(self, preview_id: str) -> int | None:
        session, _, number = preview_id.partition("-")
        is_number = number.isascii() and number.isdecimal() and len(number) < 10
        return int(number) if session == self._session and is_number else None

    def _note_look(self, wants_clip: bool) -> None:
        self._looked_at_s = self._clock()
        if wants_clip:
            self._clip_asked_at_s = self._looked_at_s

    def _tell(self, is_looking: bool) -> tuple[int, int] | None:
        """Return number and step of the newest preview."""
        maker = self._maker
        if maker is None:
            return None
        if is_looking:
            maker.look()
        found = maker.newest()
        with self._lock:
            if self._maker is maker and found is not None and found.key != self._key:
                self._count += 1
                self._newest_number, self._key = self._count, found.key
                self._told[self._count] = found
                while len(self._told) > MOST_TOLD:
                    del self._told[next(iter(self._told))]
            number = self._newest_number
            return None if number is None else (number, self._told[number].step)

    def _make(self, number: int) -> Preview | None:
        with self._making:  # not the other lock: who only tells of previews never waits for a picture
            with self._lock:
                told = self._told.get(number)
            if not isinstance(told, Newest):
                return told
            images = told.build()
            clip = images if len(images) > 1 else None
            preview = Preview(number, told.step, images[len(images) // 2], clip)
            with self._lock:
                if number in self._told:
                    self._told[number] = preview
            return preview

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
        # The ledger itself: an id is given again to another one once this is gone, and a picture with it.
        return Newest((ready.ledger, ready.step), ready.step, lambda: build_images(ready.pixels))

    def close(self) -> None:
        self.previews.close()


def _save_clip(frames: list[Image.Image], buffer: io.BytesIO, **details: int) -> None:
    first, *others = frames
    first.save(buffer, "webp", save_all=True, append_images=others, duration=CLIP_FRAME_MS, loop=0, **details)


def _small(frame: Image.Image) -> Image.Image:
    share = SMALL_SIDE_PX / max(frame.size)
    if share >= 1:
        return frame
    return frame.resize((max(1, round(frame.width * share)), max(1, round(frame.height * share))))
