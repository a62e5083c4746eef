"""The accelerator asks torch at the moment of use."""

from types import SimpleNamespace

import pytest
import torch

from tests.fake_device import FakeDevice
from zluda_sync.device.accelerator import Accelerator, device_module


def test_the_module_of_a_device_is_found_by_its_kind():
    """CUDA, ROCm and ZLUDA all answer to torch.cuda."""
    assert torch.cuda is device_module(torch.device("cuda"))


def test_an_older_torch_is_served_by_name(monkeypatch):
    """torch before 2.3 has no get_device_module."""
    monkeypatch.delattr(torch, "get_device_module")
    assert torch.cuda is device_module(torch.device("cuda", 0))


def test_a_call_replaced_later_is_the_one_that_is_used():
    """ZLUDA set-ups replace torch functions while the program runs."""
    module = FakeDevice()
    accelerator = Accelerator(module)
    waits: list[str] = []
    module.synchronize = lambda: waits.append("replaced")
    accelerator.bind_device_wait()()
    assert ["replaced"] == waits


@pytest.mark.parametrize(
    ("device", "expected"), [(None, ()), (torch.device("cuda", 1), (torch.device("cuda", 1),))]
)
def test_the_wait_is_for_the_hosts_device(device, expected):
    """With several cards, only the one that computes is waited for."""
    waited: list[tuple[object, ...]] = []
    Accelerator(SimpleNamespace(synchronize=lambda *args: waited.append(args)), device).bind_device_wait()()
    assert [expected] == waited
