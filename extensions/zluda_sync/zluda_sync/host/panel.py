"""The tab "ZLUDA Sync": a place on the host's page that the scripts in ``javascript/`` fill."""

from __future__ import annotations

from typing import Any

#: Found by the scripts. They draw everything, so that the same panel stands in every version of the host.
ROOT_ID = "zluda-sync-panel"
TITLE = "ZLUDA Sync"
_ROOT = f'<div id="{ROOT_ID}"><noscript>The panel needs JavaScript.</noscript></div>'


def build_panel() -> list[tuple[Any, str, str]]:
    """Return the tab as the host's callback for tabs wants it: Gradio's blocks, title, element id."""
    import gradio

    with gradio.Blocks(analytics_enabled=False) as blocks:
        gradio.HTML(_ROOT)
    return [(blocks, TITLE, "zluda_sync")]
