"""Whether previews show what they say: each held against the true pixels of its step, and against its end.

Truth is the same job made step by step, each waited for, without the extension; and the device's own count.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import numpy as np
from PIL import Image

from bench.truth.measured_job import PassTruth

#: A pixel may be off by so many of 255: two roundings to bytes, and an enlargement of their difference.
TOLERANCE = 2


@dataclass(frozen=True)
class SeenPreview:
    """One preview as a client got it.

    Attributes:
        answered_s: when, on the clock of the truth.
        step: zero-based index in its pass that it was said to show.
        picture: (h, w, 3), uint8.
    """

    answered_s: float
    step: int
    picture: Any


class Verdict(str, Enum):
    """What a preview proved to be."""

    TRUE = "true"
    TORN = "torn"
    EARLY = "early"


@dataclass(frozen=True)
class Judged:
    """A preview's verdict.

    Attributes:
        verdict: what it is.
        is_told_apart: whether the pixels of the steps beside it are others, so that those would have shown.
    """

    verdict: Verdict
    is_told_apart: bool = True


class PreviewJudge:
    """Judges the previews of one job.

    Args:
        true_pixels: of each pass and step, (h, w, 3), uint8, one pixel for each latent.
        passes: of the judged job: when the device finished each step.
    """

    def __init__(self, true_pixels: Sequence[Sequence[Any]], passes: Sequence[PassTruth]) -> None:
        self._true_pixels = true_pixels
        self._passes = passes
        self._enlarged: dict[tuple[int, int, tuple[int, int]], Any] = {}

    def judge(self, seen: SeenPreview) -> Judged:
        """Return what a preview is: torn if it is like that step of no pass, early if that was not finished.

        A client is not told of which pass a preview is, so those that have not begun count as well: what is
        like a step of theirs is early.
        """
        alike = [one for one in range(len(self._true_pixels)) if self._is_like(seen, one, seen.step)]
        if not alike:
            return Judged(Verdict.TORN)
        is_told_apart = not any(
            self._is_like(seen, one, other) for one in alike for other in (seen.step - 1, seen.step + 1)
        )
        finished = any(
            one < len(self._passes) and self._passes[one].completed_at(seen.answered_s) > seen.step
            for one in alike
        )
        return Judged(Verdict.TRUE if finished else Verdict.EARLY, is_told_apart)

    def judge_all(self, all_seen: Iterable[SeenPreview]) -> list[Judged]:
        """Return the verdicts, in order."""
        return [self.judge(seen) for seen in all_seen]

    def spoil(self, seen: SeenPreview) -> dict[str, tuple[Verdict, SeenPreview]]:
        """Return false previews made of a true one, by what was done, with what they must be found to be."""
        one = next(one for one in range(len(self._true_pixels)) if self._is_like(seen, one, seen.step))
        height, width = seen.picture.shape[:2]
        end_s = min(ended.completed_s[seen.step] for ended in self._passes)
        spoiled = {"delivered too soon": (Verdict.EARLY, replace(seen, answered_s=end_s - 1e-6))}
        if seen.step + 1 < len(self._true_pixels[one]):
            later = enlarge(self._true_pixels[one][seen.step + 1], width, height).astype(np.uint8)
            mixed, half = seen.picture.copy(), height // 2
            change = np.abs(seen.picture.astype(np.int16) - later)
            changed = slice(half) if change[:half].max() > change[half:].max() else slice(half, None)
            mixed[changed] = later[changed]
            spoiled["two steps mixed"] = (Verdict.TORN, replace(seen, picture=mixed))
            spoiled["one step off"] = (Verdict.TORN, replace(seen, picture=later))
        return spoiled

    def _is_like(self, seen: SeenPreview, of_pass: int, step: int) -> bool:
        if not 0 <= step < len(self._true_pixels[of_pass]):
            return False
        height, width = seen.picture.shape[:2]
        key = (of_pass, step, (width, height))
        true = self._enlarged.get(key)
        if true is None:
            true = self._enlarged[key] = enlarge(self._true_pixels[of_pass][step], width, height)
        return bool(np.abs(seen.picture.astype(np.int16) - true).max() <= TOLERANCE)


def enlarge(pixels: Any, width: int, height: int) -> Any:
    """Return (h, w, 3) pixels at another size, as previews are enlarged, with room for differences."""
    image = Image.fromarray(pixels)
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image).astype(np.int16)
