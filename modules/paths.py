"""Stand-in for SD.Next's modules/paths.py: the folders that the host reads and writes, as strings."""

from __future__ import annotations

from pathlib import Path

from modules.errors import HostError

modules_path = str(Path(__file__).resolve().parent)
script_path = str(Path(modules_path).parent)
data_path = diffusers_path = outputs_path = extensions_dir = ""


def set_paths(data_dir: str, extensions_folder: str | None = None) -> None:
    """Put everything the host writes below `data_dir`, and make the folders; HostError if that fails."""
    global data_path, diffusers_path, outputs_path, extensions_dir
    data_path = str(Path(data_dir).resolve())
    diffusers_path = str(Path(data_path, "models", "Diffusers"))
    outputs_path = str(Path(data_path, "outputs"))
    extensions_dir = str(Path(extensions_folder or Path(script_path, "extensions")).resolve())
    try:
        for folder in (diffusers_path, outputs_path):
            Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise HostError(f'Cannot make folder "{e.filename}" ({e.strerror}); choose another --data-dir') from e
