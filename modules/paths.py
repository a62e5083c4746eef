"""Stand-in for SD.Next's modules/paths.py: the folders that the host reads and writes, as strings."""

from __future__ import annotations

from pathlib import Path

from modules.errors import HostError

modules_path = str(Path(__file__).resolve().parent)
script_path = str(Path(modules_path).parent)
data_path = models_path = diffusers_path = outputs_path = extensions_dir = ""


def set_paths(data_dir: str, extensions_folder: str | None = None) -> None:
    """Put everything the host writes below `data_dir`, and make the folders.

    Raises:
        HostError: a folder cannot be made.
    """
    global data_path, models_path, diffusers_path, outputs_path, extensions_dir
    data = Path(data_dir).resolve()
    data_path = str(data)
    models_path = str(data / "models")
    diffusers_path = str(data / "models" / "Diffusers")
    outputs_path = str(data / "outputs")
    extensions_dir = str(Path(extensions_folder or Path(script_path, "extensions")).resolve())
    try:
        Path(diffusers_path).mkdir(parents=True, exist_ok=True)
        Path(outputs_path).mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise HostError(
            f'Data folder: cannot make "{e.filename}" ({e.strerror}); choose another --data-dir'
        ) from e
