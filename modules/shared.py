"""Stand-in for SD.Next's modules/shared.py: the objects that every module and extension shares.

They are made once at import and only changed in place, because extensions import them by name.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from modules import cmd_args, devices, history, paths, shared_state
from modules.logger import log  # noqa: F401 - extensions take it from here
from modules.options import OptionInfo, options_section
from modules.options_handler import Options

cmd_opts = cmd_args.parse_args()
state = shared_state.State()
demo: Any = None
api: Any = None
sd_model: Any = None
sd_model_type = "sd"

options_templates: dict[str, OptionInfo] = {}
options_templates.update(
    options_section(
        ("cuda", "Compute Settings"),
        {
            "torch_sync": OptionInfo(False, "Force synchronize"),
        },
    )
)
options_templates.update(
    options_section(
        ("live-preview", "Live Previews"),
        {
            "show_progress_type": OptionInfo(
                "Simple", "Live preview method", gr.Dropdown, {"choices": ["None", "Simple"]}
            ),
            "live_preview_refresh_period": OptionInfo(
                500, "Progress update period", gr.Slider, {"minimum": 0, "maximum": 5000, "step": 25}
            ),
        },
    )
)
options_templates.update(
    options_section(
        ("saving-images", "Image Options"),
        {
            "samples_save": OptionInfo(True, "Save all generated images"),
            "keep_incomplete": OptionInfo(True, "Save interrupted images"),
        },
    )
)
options_templates.update(
    options_section(
        (None, "Hidden options"),
        {  # type: ignore[arg-type]
            "sd_model_checkpoint": OptionInfo(
                "", "Diffusers folder of the model", gr.Textbox, {"visible": False}
            ),
            "disabled_extensions": OptionInfo([], "Disable these extensions", gr.Textbox, {"visible": False}),
            "disable_all_extensions": OptionInfo(
                "none", "Disable all extensions", gr.Textbox, {"visible": False}
            ),
        },
    )
)
opts = Options(options_templates)
history = history.History()  # type: ignore[assignment,misc]


def __getattr__(name: str) -> Any:
    """`shared.device` and the paths, as they are now."""
    if name == "device":
        return devices.device
    if name in ("models_path", "script_path", "data_path"):
        return getattr(paths, name)
    raise AttributeError(name)
