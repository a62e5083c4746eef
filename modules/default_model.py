"""The model that the embedded host brings: coloured shapes and simple scenes, whole as it was published."""

from __future__ import annotations

import hashlib
from pathlib import Path

from modules import paths
from modules.errors import HostError

FOLDER = "shapes_model"
EXAMPLE_PROMPT = "a red circle on blue"
CHECKSUMS = "checksums.sha256"
#: What the list of checksums must name at least; a list that was cut short proves nothing.
PARTS = ("model_index.json", *(f"{part}/config.json" for part in ("text_encoder", "unet", "vae")))
WEIGHTS = ("text_encoder/model", "unet/diffusion_pytorch_model", "vae/diffusion_pytorch_model")
REMEDY = 'get it anew ("git checkout -- modules/shapes_model"), or give --model another diffusers folder'


def find_default_model(folder: str | Path | None = None) -> str:
    """Return the folder of the default model, once each of its files has been checked.

    Args:
        folder: to look there instead.

    Raises:
        HostError: a file is missing or is not as it was published.
    """
    folder = Path(paths.script_path, "modules", FOLDER) if folder is None else Path(folder)
    listed = _read_checksums(folder / CHECKSUMS)
    needed = {*PARTS, *(f"{part}.safetensors" for part in WEIGHTS)}
    if unlisted := sorted(needed - set(listed)):
        raise HostError(f'Model: "{folder / CHECKSUMS}" does not name {unlisted[0]}; {REMEDY}')
    for name, expected in listed.items():
        try:
            found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        except OSError as e:
            raise HostError(f'Model: "{folder / name}" cannot be read ({e.strerror or e}); {REMEDY}') from e
        if found != expected:
            raise HostError(f'Model: "{folder / name}" is not the file that was published; {REMEDY}')
    return str(folder)


def _read_checksums(file: Path) -> dict[str, str]:
    """Return the SHA-256 of each file by its name, as `sha256sum` lists them."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
        return {name: checksum for checksum, name in (line.split("  ", 1) for line in lines)}
    except (OSError, ValueError) as e:
        raise HostError(f'Model: "{file}" cannot be read ({e}); {REMEDY}') from e
