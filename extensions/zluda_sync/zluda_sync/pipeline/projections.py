"""Projections per model and VAE, fitted to the user's finished jobs and kept in the user's data folder."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from zluda_sync.core.files import reason_of, replacing
from zluda_sync.device.preview.projection import DecodedPair, Projection, ProjectionFit

#: The host has factors for latents of this number of channels only, and logs an error for others.
SIMPLE_CHANNELS = 4
VERSION = "1"


class Projections:
    """Loads a fit when it is first needed, and saves it after each job that has taught it.

    Args:
        folder: the user's data folder.
        warn: called with one sentence about a file that cannot be used.
    """

    def __init__(self, folder: Path, warn: Callable[[str], None]) -> None:
        self._folder = folder / "zluda_sync" / "projections"
        self._warn = warn
        self._fits: dict[str, ProjectionFit] = {}
        self._lock = threading.Lock()

    def find(self, model: str, channels: int, prior: Projection | None = None) -> Projection | None:
        """Return the projection for a model and VAE; before the first job, what is known without one.

        Args:
            model: name of the model and its VAE.
            channels: of its latents.
            prior: what is known without its pictures, None if nothing is.
        """
        with self._lock:
            fit = self._fit(model, channels)
            return fit.solve(prior) if fit.jobs else prior

    def learn(self, model: str, pairs: Sequence[DecodedPair]) -> None:
        """Take in what a job has decoded, and save what was learned.

        Args:
            model: name of the model and its VAE.
            pairs: at least one.
        Raises:
            LatentShapeError: they teach nothing.
        """
        with self._lock:
            fit = self._fit(model, pairs[0].channels)
            fit.learn(pairs)
            self._save(model, fit)

    def _file(self, model: str, channels: int) -> Path:
        # A digest: a model's name may hold anything, and nothing of it becomes a path.
        return self._folder / f"{hashlib.sha256(f'{model}|{channels}'.encode()).hexdigest()[:16]}.safetensors"

    def _fit(self, model: str, channels: int) -> ProjectionFit:
        key = f"{model}|{channels}"
        if key not in self._fits:
            self._fits[key] = self._load(model, channels) or ProjectionFit(channels)
        return self._fits[key]

    def _load(self, model: str, channels: int) -> ProjectionFit | None:
        file = self._file(model, channels)
        if not file.is_file():
            return None
        fit = ProjectionFit(channels)
        try:
            with safe_open(file, framework="pt") as stored:
                about = stored.metadata() or {}
                # Copies: what is read is a view of the file, and Windows replaces none that is mapped.
                gram, target = (stored.get_tensor(name).clone() for name in ("gram", "target"))
            jobs = int(about.get("jobs", ""))
            if (
                about.get("version") != VERSION
                or gram.shape != fit.gram.shape
                or target.shape != fit.target.shape
            ):
                raise ValueError("it is of another version")
            if jobs < 1 or not (torch.isfinite(gram).all() and torch.isfinite(target).all()):
                raise ValueError("its numbers make no sense")
        except (OSError, ValueError, SafetensorError) as error:
            self._set_aside(file, error)
            return None
        fit.jobs, fit.gram, fit.target = jobs, gram.double(), target.double()
        return fit

    def _save(self, model: str, fit: ProjectionFit) -> None:
        file = self._file(model, fit.channels)
        about = {"version": VERSION, "model": model, "jobs": str(fit.jobs)}
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with replacing(file) as new:
                save_file({"gram": fit.gram, "target": fit.target}, new, metadata=about)
        except (OSError, SafetensorError) as error:
            self._warn(f"what previews have learned cannot be saved to {file.parent}: {reason_of(error)}")

    def _set_aside(self, file: Path, error: Exception) -> None:
        broken = file.with_suffix(".broken.safetensors")
        self._warn(f"learned preview {file.name} cannot be used ({error}); it was renamed to {broken.name}")
        try:
            file.replace(broken)
        except OSError as failure:
            self._warn(f"{file.name} cannot be renamed: {failure}")


def read_projection(simple_preview: Callable[[Tensor], Tensor], channels: int) -> Projection | None:
    """Return the affine map that a preview function computes, None if what it computes is not affine.

    It is asked for the colours of no latent and of each channel alone, and of all for the proof; on the CPU.

    Args:
        simple_preview: from (C, h, w) to (3, h, w), -1 to 1.
        channels: C.
    """
    probes = torch.cat(
        [torch.zeros(channels, 1), torch.eye(channels), torch.full((channels, 1), -2.0)], dim=1
    )
    try:
        colours = simple_preview(probes[:, None, :]).float()[:, 0] * 127.5 + 127.5
    except Exception:  # noqa: BLE001  the host's function is not made for such a model
        return None
    if colours.shape != (3, channels + 2) or not torch.isfinite(colours).all():
        return None
    bias = colours[:, 0]
    weights = (colours[:, 1:-1] - bias[:, None]).T.contiguous()
    is_affine = torch.allclose(-2.0 * weights.sum(0) + bias, colours[:, -1], atol=0.5)
    return Projection(weights, bias.clone()) if is_affine else None
