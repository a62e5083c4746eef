"""True sizes: what the passes of a job really compute, against what was asked for.

A request's width and height are a forecast. Hosts round them, do not resize an input at all, or let a script
change them; what a step computes is seen in its latents. How many pixels one value stands for differs by
model. It is taken to be the same for all, which is enough: the same work always has the same size, and one
with four times the values a size four times as large.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from zluda_sync.core.phase import BASE, HIRES, Phase
from zluda_sync.core.progress.part import Part

#: Pixels that a value of latents stands for in Stable Diffusion: 4 values for 8 x 8 of them.
PIXELS_PER_VALUE = 16
#: Phases that deal with what comes out at last, and not with one pass.
_OF_PICTURE = (Phase.DECODE, Phase.SAVE, Phase.INTERPOLATE, Phase.EXPORT)


def pixels_of_latents(shape: Sequence[int]) -> int:
    """Return the size of what latents hold: all of their values count, however they are packed.

    Args:
        shape: (B, C, h, w), (B, L, C) of packed ones, (B, C, T, h, w) of films; whatever the pipeline has.
    """
    return max(1, math.prod(shape)) * PIXELS_PER_VALUE


@dataclass(frozen=True)
class Expected:
    """What a pass is expected to come to, from what it came to before.

    Attributes:
        steps: of its loop, None if unknown.
        pixels: of the batch, in proportion to the values that are computed.
    """

    steps: int | None
    pixels: int


#: What is expected of a request of which nothing has come so far.
NOTHING_EXPECTED: Mapping[str, Expected] = MappingProxyType({})


class TrueSizes:
    """What is known of the sizes in one job. Its owner is the job, under the job's lock.

    Args:
        asked: pixels of each pass as they are asked for, by role, in order.
        expected: what came of such a request before, by role.
    """

    def __init__(self, asked: Mapping[str, int], expected: Mapping[str, Expected]) -> None:
        self._asked = asked
        self._base_role, self._last_role = next(iter(asked), BASE), next(reversed([*asked]), BASE)
        self._expected = {**self._asked, **{role: one.pixels for role, one in expected.items()}}
        self._measured: dict[str, int] = {}
        self._correction = 1.0

    def of(self, phase: Phase, role: str) -> int:
        """Return the pixels of a part."""
        if phase is Phase.DECODE and role == HIRES:
            return self._of_pass(self._base_role)  # it begins with what the base pass has left
        is_of_picture = phase in _OF_PICTURE and role == BASE
        return self._of_pass(self._last_role if is_of_picture else role)

    def record(self, role: str, pixels: int) -> bool:
        """A pass of this role was seen to be of this size; return whether that tells of others."""
        if role in self._measured and self._measured[role] != pixels and role in self._asked:
            self._measured.clear()  # not the batch that it was
        self._measured[role] = pixels
        if role not in self._asked:
            return False
        self._correction = pixels / self._expected[role]
        return True

    def measure(self, part: Part, pixels: int, parts: Sequence[Part]) -> None:
        """A pass was seen to be of this size: so is the rest of its image, and are those to come."""
        tells_of_others = self.record(part.role, pixels)
        part.pixels, part.is_measured = pixels, True
        self.apply([one for one in parts if tells_of_others or one.began_at_s is None], part.image)

    def apply(self, parts: Sequence[Part], first_image: int = 0) -> None:
        """Give parts from an image on the sizes that are known now, but for passes whose own was seen."""
        for part in parts:
            if part.image >= first_image and not part.is_measured:
                part.pixels = self.of(part.phase, part.role)

    def renewed(
        self, asked: Mapping[str, int], expected: Mapping[str, Expected], parts: Sequence[Part]
    ) -> TrueSizes:
        """Return what is known once something else is asked for, and give it to the parts that it concerns.

        What was seen of what stays as it was holds on. So do the sizes of an image of which a pass was seen.
        """
        made = TrueSizes(asked, expected)
        for role, pixels in self._measured.items():
            if self._asked.get(role) == made._asked.get(role):
                made.record(role, pixels)
        image = max((part.image for part in parts if part.began_at_s is not None), default=0)
        is_seen = any(part.is_measured and part.image == image for part in parts)
        made.apply([part for part in parts if part.began_at_s is None or not is_seen], image)
        return made

    def _of_pass(self, role: str) -> int:
        if role in self._measured:
            return self._measured[role]
        expected = self._expected.get(role) or self._expected.get(self._base_role)
        return max(1, round(expected * self._correction)) if expected is not None else 1
