"""Entry script of the extension: SD.Next executes it by path, with the extension's folder on ``sys.path``."""

from pathlib import Path

from zluda_sync.host.entry import register

register(Path(__file__).parent.parent)
