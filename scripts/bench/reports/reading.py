"""Reports on cards in files: a report by itself, or the text of an issue in which one stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from zluda_sync.core.records.card_report import CardReport, parse_report
from zluda_sync.core.records.card_shape import MARK

#: No issue is longer.
_MOST_BYTES = 1_000_000
_FENCED = re.compile(r"^(`{3,}|~{3,})[ \t]*(?:json)?[ \t]*\n(.*?)^\1", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Read:
    """One report, or what is wrong with it.

    Attributes:
        where: the file, and which report in it if it has several.
        report: None if it is bad.
        problem: what is wrong, and at which entry; empty if nothing is.
    """

    where: str
    report: CardReport | None
    problem: str = ""


def read_reports(file: Path) -> Iterator[Read]:
    """Yield each report of a file; a file without one yields what is wrong with it."""
    try:
        with file.open("rb") as opened:
            content = opened.read(_MOST_BYTES + 1)
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except OSError as error:
        yield Read(str(file), None, f"cannot be read: {error.strerror or error}")
        return
    except UnicodeDecodeError:
        yield Read(str(file), None, "is no text in UTF-8")
        return
    if len(content) > _MOST_BYTES:
        yield Read(str(file), None, f"is longer than {_MOST_BYTES} bytes")
        return
    texts = find_texts(text)
    if not texts:
        yield Read(str(file), None, f"has no report: no block of JSON with {MARK}")
    for number, one in enumerate(texts, 1):
        where = str(file) if len(texts) == 1 else f"{file}, report {number}"
        try:
            yield Read(where, parse_report(one))
        except ValueError as error:
            yield Read(where, None, str(error))


def find_texts(text: str) -> list[str]:
    """Return the texts of reports in a text: the whole, or its fenced blocks that look like one."""
    if text.lstrip().startswith("{"):
        return [text.strip()]
    return [block.strip() for _fence, block in _FENCED.findall(text) if MARK in block]
