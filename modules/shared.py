"""Stand-in for SD.Next's modules/shared.py: the objects that every module and extension shares.

State and options are made once and only changed in place, because extensions import them by name.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from modules.options import OptionInfo
from modules.options_handler import Options
from modules.shared_state import State

PREVIEWS = ("live-preview", "Live Previews")
METHODS = {"choices": ["None", "Simple"]}
PERIOD_MS = {"minimum": 0, "maximum": 5000, "step": 25}

state = State()
api: Any = None
sd_model: Any = None
opts = Options(
    {
        "torch_sync": OptionInfo(False, "Force synchronize", section=("cuda", "Compute Settings")),
        "show_progress_type": OptionInfo(
            "Simple", "Live preview method", gr.Dropdown, METHODS, section=PREVIEWS
        ),
        "live_preview_refresh_period": OptionInfo(
            500, "Progress update period", gr.Slider, PERIOD_MS, section=PREVIEWS
        ),
        "samples_save": OptionInfo(
            True, "Save all generated images", section=("saving-images", "Image Options")
        ),
        "disabled_extensions": OptionInfo([], "Disabled extensions", component_args={"visible": False}),
    }
)
