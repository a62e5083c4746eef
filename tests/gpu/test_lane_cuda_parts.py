"""What only CUDA has in the lane, run where there is none: it must work at the first try on a card."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.lane.parts import Part
from bench.lane.report import FAILURES, LOG, read_records
from bench.lane.runner import Lane

TABLES = {
    "tiny 256, graph",
    "tiny DiT 256, graph",
    "a job on a stream of its own",
    "a job beside a stream that is busy",
    "a job beside another process on the card",
    "jobs with previews in nearly full memory",
    "tiny DiT 1024, compiled",
    "tiny 512, compiled",
}


def test_parts_of_cuda_alone_run_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Every table is there, each planted wait is seen and none other, and nothing is told too early."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    part = Part("cuda alone", "passing_for_cuda", "run_all", 240.0, 0.0, "what only CUDA has")
    lane = Lane(tmp_path, 250.0, is_quick=False, is_emulated=True, parts=[part])
    is_done = lane.run()
    failures = tmp_path / FAILURES
    told = failures.read_text("utf-8") if failures.exists() else (tmp_path / LOG).read_text("utf-8")
    assert is_done, f"{lane.outcomes} {told[-3000:]}"
    records = read_records(tmp_path)
    assert TABLES <= {record["table"] for record in records if "table" in record}
    assert {0, None} >= {row.get("leads") for record in records for row in record.get("rows", ())}
    seen_as = {record["planted"]: record["seen_as"] for record in records if "planted" in record}
    assert {
        "read-back": ["called a synchronizing CUDA operation"],
        "wait for the device": ["synchronize of the device"],
        "wait for the stream": ["Stream.synchronize"],
        "wait for an event": ["Event.synchronize"],
        "wait on another thread": ["a wait for the extension's threads"],
    } == seen_as
    lines = [record["line"] for record in records if "line" in record]
    assert "a read-back planted into the hook is seen: yes" in lines
    assert "sync added by observe's hook: none" in lines
    assert "sync added by observe's hook, with previews: none" in lines
