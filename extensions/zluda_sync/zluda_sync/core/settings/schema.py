"""The JSON schema of our entry in config.json, made from the descriptions by which the entry is read."""

from __future__ import annotations

from typing import Any

from zluda_sync.core.settings.conditions import CONDITIONS
from zluda_sync.core.settings.fields import SettingField
from zluda_sync.core.settings.profiles import AUTO, BUILTIN, MOST_PROFILES, MOST_RULES, PROFILES, RULES
from zluda_sync.core.settings.settings import NAME_PATTERN, PROFILE_FIELDS

#: Dialect of the schema.
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def build_schema() -> dict[str, Any]:
    """Return the schema of what may stand at ``zluda_sync`` in config.json."""
    profile = {
        "type": "object",
        "description": "What the profile sets; what it leaves out stays as the settings have it.",
        "additionalProperties": False,
        "properties": {name: _describe(one) for name, one in PROFILE_FIELDS.items()},
    }
    rule = {
        "type": "object",
        "description": "Chooses a profile for every job that meets all conditions.",
        "additionalProperties": False,
        "required": ["profile"],
        "properties": {
            "profile": {"type": "string", "description": "name of a profile, built-in or your own"},
            **{
                name: _describe(one.field, is_list_allowed=one.field.minimum is None)
                for name, one in CONDITIONS.items()
            },
        },
    }
    return {
        "$schema": DIALECT,
        "title": "ZLUDA Sync: profiles and rules in SD.Next's config.json, at zluda_sync",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            PROFILES: {
                "type": "object",
                "description": "Your own profiles, by name.",
                "maxProperties": MOST_PROFILES,
                "propertyNames": {"pattern": NAME_PATTERN, "not": {"enum": [*BUILTIN, AUTO]}},
                "additionalProperties": profile,
            },
            RULES: {
                "type": "array",
                "description": "Asked in this order when the profile is auto; the first that matches wins.",
                "maxItems": MOST_RULES,
                "items": rule,
            },
        },
    }


def _describe(one: SettingField, *, is_list_allowed: bool = False) -> dict[str, Any]:
    described: dict[str, Any] = {"title": one.label}
    text = "; ".join(part for part in (one.info, one.unit and f"in {one.unit}") if part)
    if text:
        described["description"] = text
    if one.minimum is not None:
        is_whole = float(one.step or 1).is_integer()
        described |= {"type": "integer" if is_whole else "number"}
        described |= {"minimum": one.minimum, "maximum": one.maximum}
    elif is_list_allowed:
        single = {"enum": list(one.choices)} if one.choices else {"type": "string", "minLength": 1}
        described["anyOf"] = [single, {"type": "array", "items": single, "minItems": 1}]
    else:
        described["enum"] = list(one.choices or ())
    if one.default is not None:
        described["default"] = one.plain_default
    return described
