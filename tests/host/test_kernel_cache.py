"""The kernel cache tells of compilation."""

from __future__ import annotations

import os
import time

import pytest

from zluda_sync.host.accelerator import KernelCache, cache_files


@pytest.mark.parametrize(("age_s", "expected"), [(1.0, True), (500.0, False)])
def test_a_recent_write_is_a_compilation(tmp_path, age_s, expected):
    """Kernels are written as they are compiled."""
    file = tmp_path / "zluda.db"
    file.touch()
    written_at_s = time.time() - age_s
    os.utime(file, (written_at_s, written_at_s))
    assert expected is KernelCache([tmp_path / "none", file]).was_written_within(60.0)


def test_without_a_cache_nothing_compiles(tmp_path):
    """No ZLUDA, no file, no error."""
    assert not KernelCache([tmp_path / "zluda.db"]).was_written_within(60.0)


def test_the_cache_is_looked_for_in_the_users_folder(monkeypatch, tmp_path):
    """Windows keeps it under the local application data."""
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    assert tmp_path / "ZLUDA" / "ComputeCache" / "zluda.db" in cache_files()
