"""The page's table of SD.Next's own pipelines that call nobody back is what its source says."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.markdown_page import DOCS

REAL = os.environ.get("SDNEXT_DIR")
CALLBACKS = ({"callback_on_step_end"}, {"callback", "callback_steps"})
SCHEDULER, VARIABLES, NOBODY = "its scheduler", "its loop's variables", "nothing"
BAR, OWN_BAR, UNSEEN = "its bar", "a bar that its class makes", "nothing"
ELSEWHERE = "the pipeline that it runs"


@dataclass(eq=False)
class Kind:
    """A class that is called, by its source.

    Attributes:
        bases: names of the classes below it.
        is_told: whether its call takes a callback.
        calls: names of what its methods call, by the last part alone.
        methods: that it defines.
    """

    bases: list[str]
    is_told: bool
    calls: set[str] = field(default_factory=set)
    methods: set[str] = field(default_factory=set)


def read_kinds(root: Path) -> dict[str, Kind]:
    """Return the classes of the host's own tree that are called, by name."""
    kinds = {}
    for folder in ("pipelines", "modules"):
        for file in sorted((root / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.ClassDef) and node.name.endswith("Pipeline"):
                    kinds[node.name] = read_kind(node)
    return kinds


def read_kind(node: ast.ClassDef) -> Kind:
    """Return what is to be known of a class."""
    methods = {item.name: item for item in node.body if isinstance(item, ast.FunctionDef)}
    call = methods.get("__call__")
    names = {one.arg for one in (*call.args.args, *call.args.kwonlyargs)} if call is not None else set()
    calls = {name for name, item in methods.items() if name != "progress_bar" for name in called(item)}
    bases = [ast.unparse(base).rpartition(".")[2] for base in node.bases]
    return Kind(bases, any(names >= one for one in CALLBACKS) or call is None, calls, set(methods))


def called(item: ast.AST) -> Iterator[str]:
    """Yield what a method calls: ``scheduler.step`` with whose it is."""
    for node in ast.walk(item):
        if isinstance(node, ast.Call):
            parts = ast.unparse(node.func).split(".")
            yield parts[-1]
            if parts[-1] == "step" and "scheduler" in parts[-2:-1]:
                yield "scheduler.step"


def ways_of(kinds: dict[str, Kind]) -> dict[str, tuple[str, str]]:
    """Return how steps and latents are learned of those that take no callback."""
    found = {}
    for name, kind in kinds.items():
        line, waiting = list[Kind](), [name]
        while waiting:
            one = kinds.get(waiting.pop())
            if one is not None and one not in line:  # some have the name of the class below them
                line.append(one)
                waiting += one.bases
        calls = {call for one in line for call in one.calls}
        if kind.is_told or not (calls & {"progress_bar", "tqdm"} or "DiffusionPipeline" in kind.bases):
            continue
        latents = SCHEDULER if "scheduler.step" in calls else VARIABLES
        if "progress_bar" in calls:
            is_own = any("progress_bar" in one.methods for one in line)
            found[name] = (OWN_BAR if is_own else BAR, latents)
        else:
            is_unseen = "tqdm" in calls and "pipe" not in calls
            found[name] = (UNSEEN, NOBODY) if is_unseen else (ELSEWHERE, ELSEWHERE)
    return found


def read_table() -> dict[str, tuple[str, str]]:
    """Return the page's table."""
    text = (DOCS / "track.md").read_text("utf-8").partition("## SD.Next's own")[2]
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    return {name.strip("`"): (steps, latents) for name, steps, latents in rows}


@pytest.mark.sdnext
@pytest.mark.skipif(not REAL, reason="SDNEXT_DIR names no SD.Next")
def test_the_pages_table_of_silent_pipelines_is_what_the_source_says():
    """Each of SD.Next's that takes no callback, with the way in which it is followed."""
    assert ways_of(read_kinds(Path(REAL or "."))) == read_table()


def test_ways_are_told_by_the_source():
    """One that calls back, and each of those that do not."""
    source = """
class ToldPipeline(DiffusionPipeline):
    def __call__(self, callback_on_step_end=None): self.progress_bar()
class SilentPipeline(DiffusionPipeline):
    def __call__(self): self.run()
    def run(self): self.progress_bar(); self.scheduler.step()
class HeirPipeline(SilentPipeline):
    def __call__(self, **kwargs): return super().__call__(**kwargs)
class OwnPipeline(DiffusionPipeline):
    def progress_bar(self): return tqdm()
    def __call__(self): self.progress_bar()
class HiddenPipeline(DiffusionPipeline):
    def __call__(self): tqdm()
"""
    kinds = {node.name: read_kind(node) for node in ast.parse(source).body if isinstance(node, ast.ClassDef)}
    assert {
        "SilentPipeline": (BAR, SCHEDULER),
        "HeirPipeline": (BAR, SCHEDULER),
        "OwnPipeline": (OWN_BAR, VARIABLES),
        "HiddenPipeline": (UNSEEN, NOBODY),
    } == ways_of(kinds)
