"""Trees as JSON, for answers and events."""

from __future__ import annotations

import json
from typing import Any


def to_json_text(tree: Any) -> str:
    """Return a tree as JSON on one line, in ASCII.

    Raises:
        ValueError: it has a number that JSON has not.
    """
    return json.dumps(tree, allow_nan=False, separators=(",", ":"))
