"""Whose fault an error is, by the words of drivers and libraries."""

import pytest
import torch

from zluda_sync.device.steps.accelerator import explain_environment


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 16.00 MiB."), "out of memory"),
        (MemoryError(), "out of memory"),
        (
            RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
            "memory",
        ),
        (RuntimeError("HIP error: hipErrorOutOfMemory"), "out of memory"),
        (RuntimeError("CUDA error: all CUDA-capable devices are busy or unavailable"), "another program"),
        (RuntimeError("CUDA error: unspecified launch failure"), "lost"),
        (RuntimeError("DXGI_ERROR_DEVICE_REMOVED"), "lost"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_the_moment_is_to_blame(error, meaning):
    """Whoever was calling then has done nothing wrong."""
    assert meaning in explain_environment(error)


@pytest.mark.parametrize(
    "error",
    [RuntimeError("CUDA error 801: operation not supported"), AttributeError("no query"), TimeoutError("x")],
    ids=str,
)
def test_a_call_that_is_missing_is_the_callers(error):
    """Else nothing would ever be found out about a driver."""
    assert "" == explain_environment(error)
