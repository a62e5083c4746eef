"""The section in the host's settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zluda_sync.core.barrier import MAX_DEPTH, MIN_DEPTH
from zluda_sync.core.settings import (
    DEFAULTS,
    DEPTH,
    ENABLED,
    GATE,
    MODE,
    PREVIEW,
    Gate,
    ModeChoice,
    PreviewMethod,
)
from zluda_sync.host.sdnext import SdNext

_SECTION = ("zluda_sync", "ZLUDA Sync")


def register_options(host: SdNext, on_change: Callable[[], None]) -> None:
    """Add our settings to the host's; those that are there already keep the user's values.

    Args:
        host: the host.
        on_change: called without arguments after the user has changed one.
    """
    # gradio belongs to the host and takes seconds to import: not before it is needed.
    import gradio

    from modules.options import OptionInfo

    def option(default: Any, label: str, component: Any, args: dict[str, Any], info: str) -> Any:
        made = OptionInfo(default, label, component, args, onchange=on_change, section=_SECTION)
        return made.info(info)

    opts = host.opts
    opts.add_option(
        ENABLED,
        option(
            DEFAULTS.enabled,
            "Follow the GPU: progress, preview and Stop show what it has finished",
            gradio.Checkbox,
            {},
            "unchecked, SD.Next runs as it came",
        ),
    )
    opts.add_option(
        MODE,
        option(
            DEFAULTS.mode.value,
            "When to wait for the GPU",
            gradio.Radio,
            {"choices": [mode.value for mode in ModeChoice]},
            "auto: run-ahead if the self-test has proved it on this GPU, else every-step; "
            "every-step: after each step; run-ahead: lets the GPU always have the next step ready; "
            "observe: never, Stop takes as long as what is queued; off: as SD.Next came",
        ),
    )
    opts.add_option(
        DEPTH,
        option(
            DEFAULTS.depth,
            "Run-ahead depth, in steps",
            gradio.Slider,
            {"minimum": MIN_DEPTH, "maximum": MAX_DEPTH, "step": 1},
            "for run-ahead: how many steps may be queued beyond the one that the GPU works on",
        ),
    )
    opts.add_option(
        GATE,
        option(
            DEFAULTS.gate.value,
            "Where to act",
            gradio.Radio,
            {"choices": [gate.value for gate in Gate]},
            "zluda: on ZLUDA only; runs-ahead: also where the self-test shows that SD.Next runs ahead of "
            "the GPU; always: on every GPU",
        ),
    )
    opts.add_option(
        PREVIEW,
        option(
            DEFAULTS.preview.value,
            "Live preview",
            gradio.Radio,
            {"choices": [method.value for method in PreviewMethod]},
            "fitted: learned from your finished pictures, costs next to nothing; "
            "host: the method chosen in SD.Next, of finished steps only",
        ),
    )
