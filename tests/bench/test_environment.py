"""The environment's pure parts: which Python will do, and what an extra holds."""

from __future__ import annotations

import pytest

from bench.commands.environment import REPOSITORY, SetupError, check_python_version, read_extra

PYPROJECT = """
[project]
name = "x"

[project.optional-dependencies]
host = [
    "one==1",  # a remark
    "two==2; python_version < '3.11'",
]
tests = [
    "three==3",
]

[tool.other]
host = [
    "four==4",
]
"""


def test_an_extra_is_read_in_order_with_its_markers():
    """Neither the next extra nor another table's key of the same name is taken."""
    assert read_extra(PYPROJECT, "host") == ["one==1", "two==2; python_version < '3.11'"]
    assert read_extra(PYPROJECT, "tests") == ["three==3"]


def test_an_unknown_extra_is_named():
    """The message says which."""
    with pytest.raises(SetupError, match="no extra named docs"):
        read_extra(PYPROJECT, "docs")


@pytest.mark.parametrize("extra", ["host", "tests"])
def test_the_extras_of_this_repository_are_pinned(extra: str):
    """Every requirement names one version."""
    requirements = read_extra((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"), extra)
    assert requirements
    assert [one for one in requirements if "==" not in one.partition(";")[0]] == []


@pytest.mark.parametrize("version", [(3, 10), (3, 13)])
def test_the_supported_pythons_pass(version: tuple[int, int]):
    """Both ends of the range are in it."""
    check_python_version(version)


@pytest.mark.parametrize("version", [(3, 9), (3, 14)])
def test_another_python_is_named_in_one_line(version: tuple[int, int]):
    """The user learns what is needed and what this is."""
    with pytest.raises(SetupError, match=rf"3\.10 to 3\.13 is needed, this is 3\.{version[1]}"):
        check_python_version(version)
