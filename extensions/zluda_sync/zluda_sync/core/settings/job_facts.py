"""What is known of a job when it begins: what rules ask for, and what its record says later."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Source(str, Enum):
    """Where a job comes from."""

    PAGE = "page"
    API = "api"
    SCRIPT = "script"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class JobFacts:
    """A job as it was asked for.

    Attributes:
        images: batches that are made one after the other, None if unknown.
        batch_size: pictures of one batch, None if unknown.
        width, height: of a picture in its first pass, in pixels, None if unknown.
        steps: of the first pass, None if unknown.
        model_type: the host's word for the kind of model, such as ``sdxl``; empty if unknown.
        model: name of the checkpoint, empty if unknown.
        device: name of the accelerator, as its driver tells it.
        source: where it comes from.
    """

    images: int | None = None
    batch_size: int | None = None
    width: int | None = None
    height: int | None = None
    steps: int | None = None
    model_type: str = ""
    model: str = ""
    device: str = ""
    source: Source = Source.UNKNOWN

    @property
    def megapixels(self) -> float | None:
        """Size of a picture, None if unknown."""
        return self.width * self.height / 1e6 if self.width and self.height else None
