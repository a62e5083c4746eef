"""The names under which the host keeps our settings."""

from zluda_sync.core.settings.settings import FIELDS

ENABLED = FIELDS.enabled.option
PROFILE = FIELDS.profile.option
PREVIEW = FIELDS.preview.option
GATE = FIELDS.gate.option
MODE = FIELDS.mode.option
DEPTH = FIELDS.depth.option
