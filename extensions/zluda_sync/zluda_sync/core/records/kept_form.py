"""A job's record as it is kept over a restart: one line of JSON of a bounded size.

Fields are found by the types of the record's own dataclasses: one that comes with a later version is written
and read without a word here, and has its default in what was kept before.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import MISSING, fields, is_dataclass, replace
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from zluda_sync.core.files import to_json_text
from zluda_sync.core.records.job_record import Bar, JobRecord, JobTotals

#: One record takes so many bytes at most; what does not fit is left out, the finest figures first.
MOST_BYTES = 16 * 1024
#: A number takes so many bytes at least, of those that there are many of. What is too long is not written
#: to find that out: a job may have tens of thousands of steps.
_LEAST_BYTES = 3
#: A bar keeps so many samples.
MOST_SAMPLES = 60
#: Times are kept in tenths of a millisecond.
_DIGITS = 4


def write_record(record: JobRecord) -> str:
    """Return a record as one line, of at most ``MOST_BYTES``.

    Its figures are always those of the whole job. Left out are notices and the folders of a model's name,
    which may tell of the user's machine; and, where a job is too long, waits and previews, then the times of
    its steps, then its parts.
    """
    kept = replace(
        record,
        traits=replace(record.traits, model=name_of_model(record.traits.model)),
        notice="",
        bar=_thin(record.bar),
        stock_bar=_thin(record.stock_bar),
        totals=JobTotals.of(record),
    )
    likely = (one for one in _ever_shorter(kept) if _count_numbers(one) * _LEAST_BYTES <= MOST_BYTES)
    return next(text for text in map(_to_text, likely) if len(text) <= MOST_BYTES)


def read_record(tree: Any) -> JobRecord:
    """Return the record that a line's tree tells of.

    Raises:
        ValueError: it tells of none.
    """
    try:
        record: JobRecord = _build(JobRecord, tree)
    except (TypeError, KeyError, AttributeError, OverflowError) as error:
        raise ValueError(f"no record of a job: {error!r}") from error
    return record


def name_of_model(name: str) -> str:
    """Return the name of a model without folders."""
    return re.split(r"[\\/]", name)[-1]


def _ever_shorter(record: JobRecord) -> Iterable[JobRecord]:
    yield record
    parts = tuple(replace(part, waits=()) for part in record.parts)
    shorter = replace(record, parts=parts, previews=())
    yield shorter
    parts = tuple(replace(part, launched_at_s=(), completed_at_s=(), step_s=()) for part in parts)
    shorter = replace(shorter, parts=parts, stock_bar=())
    yield shorter
    yield replace(shorter, parts=())
    traits = replace(record.traits, model=record.traits.model[:200], device=record.traits.device[:200])
    short = {name: getattr(record, name)[:200] for name in ("title", "profile", "profile_reason")}
    yield JobRecord(
        id=record.id,
        began_at_s=record.began_at_s,
        duration_s=record.duration_s,
        outcome=record.outcome,
        traits=traits,
        mode=record.mode,
        rung=record.rung,
        totals=record.totals,
        stop=record.stop,
        images=record.images,
        **short,
    )


def _count_numbers(record: JobRecord) -> int:
    of_parts = (
        len(part.launched_at_s) + len(part.completed_at_s) + len(part.step_s) + 3 * len(part.waits)
        for part in record.parts
    )
    return sum(of_parts) + 3 * len(record.previews) + 20 * len(record.parts)


def _thin(bar: Bar) -> Bar:
    """Return so many of the samples of a bar at most, evenly, the last one among them."""
    stride = max(1, math.ceil(len(bar) / MOST_SAMPLES))
    return tuple(reversed(bar[::-1][::stride]))


def _to_text(record: JobRecord) -> str:
    return to_json_text(_to_tree(record))


def _to_tree(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float):
        return round(value, _DIGITS)
    if isinstance(value, tuple):
        return [_to_tree(one) for one in value]
    if is_dataclass(value):
        given = ((one, getattr(value, one.name)) for one in fields(value))
        return {one.name: _to_tree(has) for one, has in given if one.default is MISSING or has != one.default}
    return value


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _build(kind: Any, tree: Any) -> Any:
    """Return the value of a type that a tree stands for; TypeError, KeyError or ValueError if it is none."""
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        (given,) = (one for one in get_args(kind) if one is not NoneType)
        return None if tree is None else _build(given, tree)
    if origin is tuple:
        kinds = get_args(kind)
        if kinds[-1] is Ellipsis:
            return tuple(_build(kinds[0], one) for one in tree)
        return tuple(_build(one, part) for one, part in zip(kinds, tree, strict=True))
    if isinstance(kind, type) and is_dataclass(kind):
        names = [one.name for one in fields(kind) if one.name in tree]
        return kind(**{name: _build(_hints(kind)[name], tree[name]) for name in names})
    if issubclass(kind, tuple):
        return kind(*(_build(one, part) for one, part in zip(_hints(kind).values(), tree, strict=True)))
    if issubclass(kind, Enum):
        return kind(tree)
    return _PLAIN[kind](tree)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not math.isfinite(value):
        raise ValueError(f"{value!r} is no number")
    return float(value)


def _exactly(kind: type) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if type(value) is not kind:
            raise ValueError(f"{value!r} is no {kind.__name__}")
        return value

    return check


_PLAIN: dict[Any, Callable[[Any], Any]] = {float: _number, **{one: _exactly(one) for one in (int, str, bool)}}
