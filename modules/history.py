"""Stand-in for SD.Next's modules/history.py: the latents of past passes, kept on the CPU."""

from __future__ import annotations

from collections import deque
from typing import Any

import torch

from modules import devices


class History:
    """Newest first."""

    def __init__(self) -> None:
        self.latents: deque[torch.Tensor] = deque(maxlen=16)

    @property
    def count(self) -> int:
        """How many latents are kept."""
        return len(self.latents)

    @property
    def last_latent(self) -> torch.Tensor | None:
        """(B, C, h, w) of the last finished pass, on the CPU."""
        return self.latents[0] if self.latents else None

    def add(self, latent: Any, info: str = "", ops: list[str] | None = None) -> None:
        """Copy latents to the CPU. On an asynchronous device this is the first place where a job waits."""
        if torch.is_tensor(latent):
            self.latents.appendleft(latent.detach().clone().to(devices.cpu))
