"""The form in which what was learned is kept in its file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from zluda_sync.core.learning.outcome import Asked, Outcome
from zluda_sync.core.learning.samples import KEPT_SAMPLES
from zluda_sync.core.learning.work import Work
from zluda_sync.core.phase import Phase
from zluda_sync.core.progress.part import PartKind
from zluda_sync.core.progress.shape import Extra, PassShape
from zluda_sync.core.progress.true_sizes import Expected

#: Version 1 kept durations by request, and with the sizes that were asked for: none of it can be used.
FORMAT_VERSION = 2


def write_tree(work: Mapping[Work, tuple[float, ...]], requests: Mapping[Asked, Outcome]) -> dict[str, Any]:
    """Return a tree that :func:`read_tree` reads back."""
    return {
        "version": FORMAT_VERSION,
        "work": [
            {**vars(one), "phase": one.phase.value, "unit_s": [round(s, 5) for s in samples_s]}
            for one, samples_s in work.items()
        ],
        "requests": [
            {
                **asdict(asked),
                "came_passes": {role: [came.steps, came.pixels] for role, came in outcome.passes.items()},
                "came_extras": [
                    [_kind_text(extra.kind), _kind_text(extra.after), extra.steps] for extra in outcome.extras
                ],
            }
            for asked, outcome in requests.items()
        ],
    }


def read_tree(tree: Any) -> tuple[dict[Work, tuple[float, ...]], dict[Asked, Outcome]]:
    """Read what :func:`write_tree` wrote.

    Raises:
        ValueError: the tree is of another version, or not of this form.
    """
    try:
        if tree["version"] != FORMAT_VERSION:
            raise ValueError(f"version {tree['version']} is not {FORMAT_VERSION}")
        return dict(map(_read_work, tree["work"])), dict(map(_read_request, tree["requests"]))
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"not of the expected form: {error!r}") from error


def _read_work(item: Mapping[str, Any]) -> tuple[Work, tuple[float, ...]]:
    fields = dict(item)
    samples_s = tuple(float(s) for s in fields.pop("unit_s"))[-KEPT_SAMPLES:]
    texts = {
        name: str(value) for name, value in fields.items() if name not in ("batch_size", "pixels", "phase")
    }
    work = Work(
        **texts, phase=Phase(item["phase"]), batch_size=int(item["batch_size"]), pixels=int(item["pixels"])
    )
    if not samples_s or not all(0 <= s < math.inf for s in samples_s) or work.pixels < 1:
        raise ValueError(f"{work.phase.value} of {work.pixels} pixels has no usable durations")
    return work, samples_s


def _read_request(item: Mapping[str, Any]) -> tuple[Asked, Outcome]:
    asked = Asked(
        model=str(item["model"]),
        sampler=str(item["sampler"]),
        batch_size=int(item["batch_size"]),
        passes=tuple(_read_pass(one) for one in item["passes"]),
        source=str(item["source"]),
        strength=None if item["strength"] is None else float(item["strength"]),
        scripts=str(item["scripts"]),
        has_detailer=bool(item["has_detailer"]),
    )
    if not asked.passes:
        raise ValueError("a request without a pass")
    came = {
        str(role): Expected(_whole_or_none(steps), max(1, int(pixels)))
        for role, (steps, pixels) in item["came_passes"].items()
    }
    extras = tuple(
        Extra(_kind_of(kind), _kind_of(after), _whole_or_none(steps))
        for kind, after, steps in item["came_extras"]
    )
    return asked, Outcome(extras, came)


def _read_pass(one: Mapping[str, Any]) -> PassShape:
    return PassShape(
        str(one["role"]),
        _whole_or_none(one["steps"]),
        int(one["width_px"]),
        int(one["height_px"]),
        bool(one.get("is_from_picture", False)),  # older files lack it
    )


def _whole_or_none(value: Any) -> int | None:
    return None if value is None else int(value)


def _kind_text(kind: PartKind) -> str:
    return f"{kind[0].value}/{kind[1]}"


def _kind_of(text: str) -> PartKind:
    phase, _, role = text.partition("/")
    return Phase(phase), role
