"""What stands on a page of the documentation: its words, links, names and tables."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DROP_IN = ROOT / "extensions" / "zluda_sync"
DOCS = DROP_IN / "docs"
ENGLISH, CHINESE = ROOT / "README.md", ROOT / ".github" / "README.zh-CN.md"
ENGLISH_PAGES, CHINESE_PAGES = sorted(DOCS.glob("*.md")), sorted((DOCS / "zh-CN").glob("*.md"))
#: Every page that has a Chinese twin, with it.
PAIRS = [(ENGLISH, CHINESE)] + [(DOCS / page.name, page) for page in CHINESE_PAGES]
#: Every page, the READMEs first.
PAGES = [
    ENGLISH,
    CHINESE,
    *ENGLISH_PAGES,
    *CHINESE_PAGES,
    DROP_IN / "README.md",
    DROP_IN / "CHANGELOG.md",
    ROOT / ".github" / "CONTRIBUTING.md",
]
_BLOCK_OF_CODE = re.compile(r"^```\w*\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)


def name_of(page: Path) -> str:
    """Return what a test's id calls a page."""
    return page.relative_to(ROOT).as_posix()


def text_of(*pages: Path) -> str:
    """Return pages without their blocks of code."""
    return "\n".join(_BLOCK_OF_CODE.sub("", page.read_text(encoding="utf-8")) for page in pages)


def blocks_of(page: Path) -> list[str]:
    """Return a page's blocks of code."""
    return _BLOCK_OF_CODE.findall(page.read_text(encoding="utf-8"))


def code_spans(*pages: Path) -> set[str]:
    """Return what stands in the type of code."""
    return set(re.findall(r"`([^`\n]+)`", text_of(*pages)))


def bold_names(*pages: Path) -> set[str]:
    """Return the bold words that stand on the host's page in English: labels, buttons, tabs."""
    bold = (" ".join(name.split()) for name in re.findall(r"\*\*([^*]+)\*\*", text_of(*pages)))
    return {name for name in bold if name.isascii() and not name.endswith((".", ":"))}


def links_of(page: Path) -> list[str]:
    """Return the relative links and pictures of a page."""
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", text_of(page)) if "://" not in link]


def target_of(link: str, page: Path) -> Path:
    """Return the file that a link of a page leads to."""
    path = link.partition("#")[0]
    return (page.parent / path).resolve() if path else page


def anchors(page: Path) -> set[str]:
    """Return what a link may point to within a page, as GitHub names it."""
    headings = re.findall(r"^#+ (.+)$", text_of(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def table_of(page: Path, *heads: str) -> list[list[str]]:
    """Return the cells of the rows of a page's table whose head begins in one of these ways."""
    text = text_of(page)
    begin = next((head for head in heads if f"\n{head}" in text), None)
    assert begin is not None, f"{name_of(page)} has no table that begins with {' or '.join(heads)}"
    rows = text.partition(f"\n{begin}")[2].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def log_lines(page: Path) -> list[list[str]]:
    """Return the log lines of each row of a page's table of remedies, in its order."""
    rows = table_of(page, "| In the log |", "| 日志里的内容 |")
    return [re.findall(r"`([^`]+)`", row[0]) for row in rows]
