"""Projections per model and VAE, fitted to the user's finished jobs and kept in the user's data folder."""

from __future__ import annotations

import copy
import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from zluda_sync.core.files import reason_of, replacing
from zluda_sync.core.learning.late_saver import LateSaver
from zluda_sync.device.preview.projection import DecodedPair, Projection, ProjectionFit

#: The host has factors for latents of this number of channels only, and logs an error for others.
SIMPLE_CHANNELS = 4
VERSION = "1"


class Projections:
    """Loads a fit when it is first needed, and has it saved after each job that has taught it.

    Args:
        folder: the user's data folder.
        warn: called with one sentence about a file that cannot be used.
        saver: writes files on a thread of its own.
    """

    def __init__(self, folder: Path, warn: Callable[[str], None], saver: LateSaver) -> None:
        self._folder = folder / "zluda_sync" / "projections"
        self._warn = warn
        self._saver = saver
        self._kept: dict[str, _KeptFit] = {}
        self._lock = threading.Lock()

    def find(self, model: str, channels: int, prior: Projection | None = None) -> Projection | None:
        """Return the projection for a model and VAE; before the first job, what is known without one.

        Args:
            model: name of the model and its VAE.
            channels: of its latents.
            prior: what is known without its pictures, None if nothing is.
        """
        with self._lock:
            fit = self._keep(model, channels).fit
            return fit.solve(prior) if fit.jobs else prior

    def learn(self, model: str, pairs: Sequence[DecodedPair]) -> None:
        """Take in what a job has decoded, and have what was learned saved soon.

        Args:
            model: name of the model and its VAE.
            pairs: at least one.
        Raises:
            LatentShapeError: they teach nothing.
        """
        with self._lock:
            kept = self._keep(model, pairs[0].channels)
            kept.fit.learn(pairs)

        def build_content() -> ProjectionFit:
            with self._lock:  # it is learned into in place
                return copy.deepcopy(kept.fit)

        self._saver.save(kept.file, build_content)

    def forget(self) -> None:
        """Know nothing any more of what is not in the files."""
        with self._lock:
            self._kept.clear()

    def _keep(self, model: str, channels: int) -> _KeptFit:
        key = f"{model}|{channels}"
        if key not in self._kept:
            # A digest: a model's name may hold anything, and nothing of it becomes a path.
            name = f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.safetensors"
            file = FitFile(self._folder / name, model, self._warn)
            self._kept[key] = _KeptFit(file, file.load(channels) or ProjectionFit(channels))
        return self._kept[key]


@dataclass(frozen=True)
class _KeptFit:
    """A fit, and where it is kept."""

    file: FitFile
    fit: ProjectionFit


class FitFile:
    """The file of one fit: safetensors, written whole or not at all.

    Args:
        path: of the file; its folder is made when something is saved.
        model: name of the model and its VAE, for those who look into the file.
        warn: called with one sentence: what is wrong, and what was done about it.
    """

    def __init__(self, path: Path, model: str, warn: Callable[[str], None]) -> None:
        self._path, self._model, self._warn = path, model, warn

    def load(self, channels: int) -> ProjectionFit | None:
        """Return what is kept for latents of so many channels; a file that cannot be used is set aside."""
        if not self._path.is_file():
            return None
        fit = ProjectionFit(channels)
        try:
            with safe_open(self._path, framework="pt") as stored:
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
            self._set_aside(error)
            return None
        fit.jobs, fit.gram, fit.target = jobs, gram.double(), target.double()
        return fit

    def save(self, fit: ProjectionFit, /) -> None:
        """Write a fit; a reader finds the old file or the new one, never half of one."""
        about = {"version": VERSION, "model": self._model, "jobs": str(fit.jobs)}
        folder = self._path.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with replacing(self._path) as new:
                save_file({"gram": fit.gram, "target": fit.target}, new, metadata=about)
        except (OSError, SafetensorError) as error:
            self._warn(f"what previews have learned cannot be saved to {folder}: {reason_of(error)}")

    def _set_aside(self, error: Exception) -> None:
        name, broken = self._path.name, self._path.with_suffix(".broken.safetensors")
        self._warn(f"learned preview {name} cannot be used ({error}); it was renamed to {broken.name}")
        try:
            self._path.replace(broken)
        except OSError as failure:
            self._warn(f"{name} cannot be renamed: {failure}")


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
