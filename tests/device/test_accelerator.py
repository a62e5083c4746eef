"""The accelerator asks torch at the moment of use."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
import torch

from tests.fake_device import FakeDevice
from zluda_sync.device.steps.accelerator import Accelerator, device_module


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


class Cards:
    """A device module with two unequal cards; the calling thread's current one is the first."""

    def __init__(self) -> None:
        self.current = 0
        self.capturing = {1}
        self.recorded: list[object] = []

    def current_device(self):
        return self.current

    def get_device_name(self, device=None):
        return ("small card", "large card")[self.current if device is None else device.index]

    def is_current_stream_capturing(self):
        return self.current in self.capturing

    @contextlib.contextmanager
    def device(self, device):
        before, self.current = self.current, device.index
        yield
        self.current = before

    def current_stream(self, device=None):
        return f"stream of {self.current if device is None else device.index}"

    def mem_get_info(self, device=None):
        return ((1, 9), (100, 900))[self.current if device is None else device.index]

    def memory_reserved(self, device=None):
        return (5, 50)[self.current if device is None else device.index]

    def memory_allocated(self, device=None):
        return (5, 20)[self.current if device is None else device.index]


SECOND = torch.device("cuda", 1)


def test_the_second_card_is_asked_and_not_the_current_one():
    """With ``--device-id 1`` every thread but the host's first has another card as its current one."""
    accelerator = Accelerator(Cards(), SECOND)
    assert ("large card", True, 130) == (accelerator.name, accelerator.is_capturing, accelerator.free_bytes)
    assert ("small card", False) == (Accelerator(Cards()).name, Accelerator(Cards()).is_capturing)


def test_which_card_is_current_is_asked_on_each_thread_anew():
    """What held for one thread is wrong for the next, so that no answer may be kept."""
    module, streams = Cards(), []
    accelerator = Accelerator(module, SECOND)
    for module.current in (1, 0):
        accelerator.record(SimpleNamespace(record=streams.append))
    assert ["stream of 1"] * 2 == streams
    waited: list[object] = []
    unnamed = Accelerator(module)
    for module.current in (1, 0):
        module.synchronize = waited.append
        unnamed.bind_device_wait()()
    assert [1, 0] == waited


def test_a_device_without_a_name_of_its_own_is_asked_without_one():
    """Some device modules know one device only."""
    assert "the one" == Accelerator(SimpleNamespace(get_device_name=lambda: "the one"), SECOND).name
    assert "" == Accelerator(SimpleNamespace(), SECOND).name


def test_a_value_is_read_by_a_copy_to_ordinary_memory(monkeypatch):
    """Where ``item`` goes over pinned memory it is no stronger than what it is to judge."""
    monkeypatch.setattr(torch.Tensor, "item", lambda tensor: pytest.fail("item was called"))
    accelerator = Accelerator(FakeDevice())
    with torch.inference_mode():  # as the host calls it
        number = torch.full((1,), 3.0)
        read = accelerator.bind_read(number[0])
    with ThreadPoolExecutor() as threads:
        assert 3.0 == threads.submit(read).result()


@pytest.mark.parametrize(
    ("kept", "before", "given_back"), [(9, 4, 1), (9, 9, 0), (4, 9, 0), (None, None, 1)], ids=str
)
def test_memory_is_given_back_only_if_there_is_more_than_before(kept, before, given_back):
    """What the host has made torch keep is the host's: it would have to fetch it anew."""
    calls = []
    module = SimpleNamespace(memory_reserved=lambda: kept, empty_cache=lambda: calls.append(None))
    Accelerator(module).give_back(before)
    assert given_back == len(calls)


def test_memory_is_unknown_where_the_module_does_not_tell():
    """Unknown is None, never 0."""
    assert Accelerator(SimpleNamespace()).free_bytes is None
    assert Accelerator(SimpleNamespace(mem_get_info=lambda: (0, 0))).free_bytes is None
    assert 7 == Accelerator(SimpleNamespace(mem_get_info=lambda: (7, 9))).free_bytes
