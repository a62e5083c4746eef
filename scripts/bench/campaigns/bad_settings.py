"""What a hand or another program can write into config.json that cannot be used, and what is said of it."""

from __future__ import annotations

import json
from typing import Any

#: What stands at ``zluda_sync`` in config.json, and the entry that the message must name.
BAD_ENTRIES: list[tuple[Any, str]] = [
    ([], "zluda_sync"),
    ("profiles", "zluda_sync"),
    ({"profile": {}}, "zluda_sync.profile"),
    ({"profiles": []}, "zluda_sync.profiles"),
    ({"profiles": {"night": None}}, "profiles.night"),
    ({"profiles": {"night": "observe"}}, "profiles.night"),
    ({"profiles": {"": {}}}, "profiles."),
    ({"profiles": {"a/b": {}}}, "profiles.a/b"),
    ({"profiles": {"x" * 41: {}}}, "profiles.xx"),
    ({"profiles": {"precise": {"depth": 2}}}, "profiles.precise"),
    ({"profiles": {"auto": {}}}, "profiles.auto"),
    ({"profiles": {"night": {"dept": 2}}}, "profiles.night.dept"),
    ({"profiles": {"night": {"enabled": False}}}, "profiles.night.enabled"),
    ({"profiles": {"night": {"mode": "fast"}}}, "profiles.night.mode"),
    ({"profiles": {"night": {"depth": 0}}}, "profiles.night.depth"),
    ({"profiles": {"night": {"depth": "2"}}}, "profiles.night.depth"),
    ({"profiles": {"night": {"depth": 1.5}}}, "profiles.night.depth"),
    ({"profiles": {"night": {"rung": "R1"}}}, "profiles.night.rung"),
    ({"profiles": {"night": {"mode": "observe", "rung": "read-back"}}}, "profiles.night.rung"),
    ({"profiles": {"night": {"preview": "taesd"}}}, "profiles.night.preview"),
    ({"profiles": {"night": {"preview_budget": 0}}}, "profiles.night.preview_budget"),
    ({"profiles": {"night": {"preview_interval": -1}}}, "profiles.night.preview_interval"),
    ({"profiles": {"night": {"gate": "amd"}}}, "profiles.night.gate"),
    ({"rules": {}}, "zluda_sync.rules"),
    ({"rules": ["night"]}, "rules[0]"),
    ({"rules": [{}]}, "rules[0].profile"),
    ({"rules": [{"profile": "nigth"}]}, "rules[0].profile"),
    ({"rules": [{"profile": "auto"}]}, "rules[0].profile"),
    ({"rules": [{"profile": ["off"]}]}, "rules[0].profile"),
    ({"rules": [{"profile": "off", "image_min": 2}]}, "rules[0].image_min"),
    ({"rules": [{"profile": "off", "images_min": 0}]}, "rules[0].images_min"),
    ({"rules": [{"profile": "off", "source": "web"}]}, "rules[0].source"),
    ({"rules": [{"profile": "off", "device": 7900}]}, "rules[0].device"),
    ({"rules": [{"profile": "off", "model_type": []}]}, "rules[0].model_type"),
    ({"rules": [{"profile": "off", "steps_min": 30, "steps_max": 20}]}, "rules[0]"),
    ({"rules": [{"profile": "off"}, {"profile": "precise", "source": "page"}]}, "rules[1]"),
]
#: Options of ours, and values that the settings page would not let through.
BAD_OPTIONS: list[tuple[str, Any]] = [
    ("zluda_sync_enabled", "yes"),
    ("zluda_sync_profile", "nigth"),
    ("zluda_sync_profile", 7),
    ("zluda_sync_mode", "fastest"),
    ("zluda_sync_depth", 99),
    ("zluda_sync_rung", "R9"),
    ("zluda_sync_preview", "taesd"),
    ("zluda_sync_preview_budget", 0),
    ("zluda_sync_preview_interval", "often"),
    ("zluda_sync_gate", "amd"),
    ("zluda_sync_dept", 2),
]


def run_bad_settings(_quick: bool) -> int:
    """Print what is said of each; 0 if each is named, and a job has settings all the same, else 1."""
    from zluda_sync.core.settings.profiles import ENTRY, parse_book
    from zluda_sync.core.settings.settings import parse_settings

    print("| In config.json | Message |\n|---|---|")
    silent = 0
    for option, value in BAD_OPTIONS:
        settings, found = parse_settings({option: value})
        problems = [*found, *parse_book(None, "config.json").choose(settings).problems]
        silent += _print_row({option: value}, problems, option)
    for tree, named in BAD_ENTRIES:
        book = parse_book(tree, "config.json")
        book.choose(parse_settings({})[0])
        silent += _print_row({ENTRY: tree}, book.problems, named)
    print(f"\n{len(BAD_OPTIONS) + len(BAD_ENTRIES)} bad configurations, {silent} of them not named")
    return 0 if silent == 0 else 1


def _print_row(written: Any, problems: Any, named: str) -> int:
    """Print one row; returns 1 if what is wrong was not named, else 0."""
    text = json.dumps(written)
    shown = text if len(text) <= 90 else text[:87] + "..."
    messages = " ".join(problem.text for problem in problems).replace("|", "\\|")
    print(f"| `{shown.replace('|', chr(92) + '|')}` | {messages or '(none)'} |")
    return 0 if any(named in problem.where for problem in problems) else 1
