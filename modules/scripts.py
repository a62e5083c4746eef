"""Stand-in for SD.Next's modules/scripts.py: the older name of scripts_manager."""

from modules.scripts_manager import *  # noqa: F403
