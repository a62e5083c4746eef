"""What a trace in Chrome's trace event format may hold: a JSON schema, and what no schema can say."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import jsonschema

_MICROSECONDS = {"type": "number", "minimum": 0}
_ID = {"type": "integer"}


def _kind(phase: str, required: tuple[str, ...], **properties: Any) -> dict[str, Any]:
    fields = {
        "ph": {"const": phase},
        "name": {"type": "string", "minLength": 1},
        "cat": {"type": "string"},
        "pid": _ID,
        "tid": _ID,
        "ts": _MICROSECONDS,
        "args": {"type": "object"},
        **properties,
    }
    return {
        "type": "object",
        "properties": fields,
        "required": ["ph", "name", "pid", "tid", "args", *required],
        "additionalProperties": False,
    }


#: The subset that is used here: complete slices, counters, instants, metadata.
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["traceEvents"],
    "additionalProperties": False,
    "properties": {
        "displayTimeUnit": {"enum": ["ms", "ns"]},
        "otherData": {"type": "object"},
        "traceEvents": {
            "type": "array",
            "items": {
                "oneOf": [
                    _kind("X", ("ts", "dur"), dur=_MICROSECONDS),
                    _kind(
                        "C",
                        ("ts",),
                        args={
                            "type": "object",
                            "minProperties": 1,
                            "additionalProperties": {"type": "number"},
                        },
                    ),
                    _kind("i", ("ts", "s"), s={"enum": ["g", "p", "t"]}),
                    _kind(
                        "M",
                        (),
                        name={"enum": ["process_name", "thread_name", "thread_sort_index"]},
                        args={
                            "type": "object",
                            "minProperties": 1,
                            "properties": {"name": {"type": "string"}, "sort_index": {"type": "integer"}},
                            "additionalProperties": False,
                        },
                    ),
                ]
            },
        },
    },
}


def check_trace(trace: Any) -> None:
    """Fail unless the trace is well formed: by the schema, and no two slices of a track overlap."""
    jsonschema.validate(trace, SCHEMA)
    by_track = defaultdict(list)
    for event in trace["traceEvents"]:
        if event["ph"] == "X":
            by_track[event["pid"], event["tid"]].append((event["ts"], event["ts"] + event["dur"]))
    for slices in by_track.values():
        ends = 0
        for begins, end in sorted(slices):
            assert begins >= ends, f"slices overlap at {begins} us"
            ends = max(ends, end)


def slices_of(trace: Any, track: int) -> list[dict[str, Any]]:
    """Return the slices of one track in order."""
    found = [event for event in trace["traceEvents"] if (event["ph"], event["tid"]) == ("X", track)]
    return sorted(found, key=lambda event: event["ts"])
