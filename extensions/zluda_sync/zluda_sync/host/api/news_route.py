"""``GET /zluda_sync/v1/news``: what the newest version has brought, for who comes from an older one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from fastapi import Response

import zluda_sync
from zluda_sync.core.answers import described
from zluda_sync.host.api.json_bodies import build_answer

PATH = "/zluda_sync/v1/news"
#: Beside the package, in the extension's folder.
CHANGE_LOG = Path(zluda_sync.__file__).parents[1] / "CHANGELOG.md"


@dataclass(frozen=True, kw_only=True)
class NewsAnswer:
    """The version that runs, and what came with it."""

    version: str
    changes: tuple[str, ...] = described("one sentence or two each; empty where the change log is not there")


def get_news() -> Response:
    """Tell what the newest version has brought, as its change log has it."""
    return build_answer(NewsAnswer(version=zluda_sync.__version__, changes=read_changes(CHANGE_LOG)))


def read_changes(file: Path) -> tuple[str, ...]:
    """Return the changes of the newest version in a change log, empty if it cannot be read."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ()
    newest = text.partition("\n## ")[2].partition("\n## ")[0]
    items = re.findall(r"^- (.+(?:\n  .+)*)", newest, flags=re.MULTILINE)
    return tuple(" ".join(item.replace("`", "").replace("**", "").split()) for item in items)
