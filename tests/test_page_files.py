"""What a browser is sent: lines as long as elsewhere, names that exist, and a linter that holds its rules."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.commands.checks import find_program
from bench.commands.environment import REPOSITORY

DROP_IN = REPOSITORY / "extensions" / "zluda_sync"
SCRIPTS = sorted((DROP_IN / "javascript").glob("*.js"))
PAGE_FILES = [*SCRIPTS, DROP_IN / "style.css", *sorted((REPOSITORY / "modules").rglob("*.js"))]
LONGEST_LINE = 110

#: A name of the panel's namespace, and behind it what makes it an assignment.
MEMBER = re.compile(r"\bzs\.(\w+)(\s*(?:\?\?)?=(?!=))?")
COMMENT = re.compile(r"(?<!:)//.*")
#: Rules of the linter's, and what each refuses.
BROKEN = {
    "eqeqeq": "if (document.title == 'one') document.title = 'two';",
    "no-shadow": "((title) => {\n  [1].map((title) => title);\n  document.title = title;\n})('one');",
    "no-undef": "document.title = titel;",
    "no-unused-vars": "(() => {\n  const unused = 1;\n})();",
    "no-var": "(() => {\n  var title = 'one';\n  title += 'two';\n  document.title = title;\n})();",
    "prefer-const": "(() => {\n  let title = 'one';\n  document.title = title;\n})();",
}


@pytest.mark.parametrize("file", PAGE_FILES, ids=lambda file: file.name)
def test_no_line_is_too_long(file: Path):
    """As in Python."""
    lines = file.read_text(encoding="utf-8").splitlines()
    long = [f"{file.name}:{at}: {len(line)}" for at, line in enumerate(lines, 1) if len(line) > LONGEST_LINE]
    assert [] == long


def find_members(file: Path) -> Iterator[tuple[str, bool]]:
    """Every mention of a name of the namespace, and whether it is given a value there."""
    for match in MEMBER.finditer(COMMENT.sub("", file.read_text(encoding="utf-8"))):
        yield match[1], match[2] is not None


def test_each_name_that_one_script_takes_from_another_is_given_by_one():
    """The linter sees one file at a time, and the namespace is what they share."""
    members = {(name, is_given) for file in SCRIPTS for name, is_given in find_members(file)}
    given = {name for name, is_given in members if is_given}
    assert given
    assert set() == {name for name, _ in members} - given


@pytest.mark.parametrize("rule", BROKEN)
def test_the_linter_refuses(rule: str, tmp_path: Path):
    """Each rule that the repository asks for is in force."""
    assert f"eslint({rule})" in lint(tmp_path / "one.js", BROKEN[rule])


def test_the_linter_lets_a_script_of_ours_have_what_a_browser_has():
    """And a modern language."""
    assert "" == lint(DROP_IN / "javascript" / "zluda_sync_dom.js")


def lint(file: Path, source: str | None = None) -> str:
    """What the linter says of a file by the repository's rules, after writing it if there is a source."""
    if source is not None:
        file.write_text(source + "\n", encoding="utf-8")
    rules = str(REPOSITORY / ".oxlintrc.json")
    done = subprocess.run(
        [find_program("oxlint"), "--config", rules, "--format", "unix", str(file)],
        capture_output=True,
        text=True,
        check=False,
        cwd=file.parent,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout
