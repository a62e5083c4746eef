"""The fixed job: a denoising loop of known length whose latents are known exactly at each step."""

from __future__ import annotations

import torch

from zluda_sync.device.preview.projection import DeviceProjection, plain_projection
from zluda_sync.device.steps.workload import Workload

STEPS = 12
#: Of the work of a step: all that is queued at a time is over within a second, for a job that begins.
STEP_S = 0.06
#: What the decode takes, in steps.
DECODE_STEPS = 2
#: Small operations of a step beside its work, as a model has them: the host must be able to run ahead.
SMALL_OPERATIONS = 48
SHAPE = (1, 4, 64, 64)
SIZE_PX = (512, 512)
#: The latents rise by so much in a step, which is exact in float32, and 16 of 255 in a preview.
RISE = 0.25
FIRST = -1.5
#: Colours of a preview may differ by so much: devices round each in their own way.
TOLERANCE = 2


class FixedJob:
    """Queues steps on the device. The upper half of the latents rises as a step begins, the lower as it ends.

    So latents that are read too early are torn, and no two steps look alike. They change in place.

    Args:
        device: that computes.
        work: of a step, calibrated.
    """

    def __init__(self, device: torch.device, work: Workload) -> None:
        self._work = work
        self._first = build_latents(0)
        rows = torch.arange(SHAPE[2]).reshape(1, 1, -1, 1).expand(SHAPE)
        self._upper = torch.where(rows < SHAPE[2] // 2, RISE, 0.0).to(device)
        self._lower = torch.where(rows < SHAPE[2] // 2, 0.0, RISE).to(device)
        self._on_device = self._first.to(device)
        self.latents = self._on_device.clone()

    def begin(self) -> None:
        """Queue what the job begins with."""
        self.latents.copy_(self._on_device)

    def queue_step(self) -> None:
        """Queue a step; never waits."""
        self.latents.add_(self._upper)
        for _ in range(SMALL_OPERATIONS):
            self._work.queue_tiny()
        self._work.queue()
        self.latents.add_(self._lower)

    def queue_decode(self) -> None:
        """Queue the decode; never waits."""
        for _ in range(DECODE_STEPS):
            self._work.queue()

    def read_back(self) -> bool:
        """Wait for all that is queued by reading a value back; return whether it is what it should be."""
        return self._work.read_back()


def build_latents(finished: int) -> torch.Tensor:
    """Return the latents, on the CPU, once so many steps are finished."""
    channels, rows, columns = (torch.arange(length) for length in SHAPE[1:])
    grid = 7 * channels.reshape(-1, 1, 1) + 3 * rows.reshape(1, -1, 1) + 5 * columns.reshape(1, 1, -1)
    pattern = (grid % 8 - 4).to(torch.float32) / 64
    return (pattern + FIRST + RISE * finished).reshape(SHAPE)


def build_pictures(steps: int = STEPS) -> list[torch.Tensor]:
    """Return the true preview of each step: (h, w, 3), uint8, on the CPU."""
    project = DeviceProjection(plain_projection(SHAPE[1]), torch.device("cpu")).project
    return [project(build_latents(step + 1))[0] for step in range(steps)]


def is_picture(pixels: torch.Tensor, picture: torch.Tensor) -> bool:
    """Whether each pixel of a preview is that of a picture, but for rounding."""
    difference = (pixels.to(torch.int16) - picture.to(torch.int16)).abs()
    return bool(difference.max() <= TOLERANCE)
