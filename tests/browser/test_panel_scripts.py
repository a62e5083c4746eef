"""The panel's scripts as files: each is waited for, and each name has one maker."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

EXTENSION = Path(__file__).resolve().parents[2] / "extensions" / "zluda_sync"
SCRIPTS = sorted((EXTENSION / "javascript").glob("*.js"))
#: Starts the panel; is complete without the others.
MAIN, ALONE = "zluda_sync", {"zluda_sync_explain"}
LINE_LENGTH = 110


def code_of(name: str) -> str:
    return (EXTENSION / "javascript" / f"{name}.js").read_text(encoding="utf-8")


def names_made_by(name: str) -> set[str]:
    """Return the names that a script makes known to the others."""
    return set(re.findall(r"^  zs\.(\w+) =", code_of(name), re.MULTILINE))


def test_the_panel_waits_for_every_script():
    """One name of each is asked for before it starts; dictionaries but the English one may come late."""
    (listed,) = re.findall(r"const NEEDED = \[(.*?)\];", code_of(MAIN), re.DOTALL)
    needed = set(re.findall(r"'(\w+)'", listed))
    assert "words?.en" in code_of(MAIN)
    others = [
        script.stem for script in SCRIPTS if script.stem not in {MAIN, *ALONE} and "_words" not in script.stem
    ]
    makers = {name: [script for script in others if name in names_made_by(script)] for name in needed}
    assert dict.fromkeys(needed, 1) == {name: len(scripts) for name, scripts in makers.items()}
    assert sorted(others) == sorted(script for scripts in makers.values() for script in scripts)


def test_no_name_is_made_twice():
    """The script that is loaded last would win."""
    made = [name for script in SCRIPTS for name in names_made_by(script.stem)]
    assert sorted(set(made)) == sorted(made)


def test_no_name_is_used_that_no_script_makes():
    """A name that was changed in one script only is found by the first click, if at all."""
    made = {name for script in SCRIPTS for name in names_made_by(script.stem)} | {"words"}
    used = {
        (script.stem, name) for script in SCRIPTS for name in re.findall(r"\bzs\.(\w+)", code_of(script.stem))
    }
    assert [] == sorted((stem, name) for stem, name in used if name not in made)


def test_no_element_is_made_that_the_host_looks_for_by_its_tag():
    """SD.Next puts its log into the first footer of the page, wherever that stands."""
    made = {tag for script in SCRIPTS for tag in re.findall(r"zs\.el\(\s*'(\w+)'", code_of(script.stem))}
    assert {"button", "p"} < made
    assert set() == made & {"footer", "gradio-app"}


@pytest.mark.parametrize("file", [*SCRIPTS, EXTENSION / "style.css"], ids=lambda file: file.name)
def test_lines_are_as_long_as_in_the_rest_of_the_project(file):
    """And every file begins with what it is for."""
    text = file.read_text(encoding="utf-8")
    assert text.startswith(("// ", "/* "))
    assert [] == [number for number, line in enumerate(text.splitlines(), 1) if len(line) > LINE_LENGTH]
