"""The emulated device in its own process: how it ends, what broken cards do, graphs, draws and memory."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from pathlib import Path

import pytest
import torch

from modules import emulated_device
from modules.emulated_device import QUEUE, DeviceFault, DeviceQueue, Gate, faults, peek, slow_down

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 60.0


@pytest.fixture(scope="module")
def device() -> torch.device:
    """The emulated device, with nothing queued."""
    installed = emulated_device.install()
    torch.ones(1, device=installed).item()
    return installed


@pytest.fixture
def own_queue() -> Iterator[DeviceQueue]:
    """A device that may be broken."""
    queue = DeviceQueue()
    yield queue
    queue.close()


def run(program: str) -> subprocess.CompletedProcess[str]:
    """Run a program with the device installed as ``device``."""
    begin = "import torch\nfrom modules import emulated_device\ndevice = emulated_device.install()\n"
    return subprocess.run(
        [sys.executable, "-c", begin + program],
        check=False,
        cwd=ROOT,
        timeout=LIMIT_S,
        text=True,
        capture_output=True,
    )


def is_alive(pid: int) -> bool:
    """Whether the process still runs; one that has ended may be there until somebody asks for it."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_until(condition) -> None:
    """Wait for what another process does; fails the test if it never comes."""
    until_s = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < until_s, "it never came"
        time.sleep(0.005)


def test_every_wait_for_a_killed_device_ends_with_an_error(own_queue):
    """Those under way, those that come later, and whatever else is asked of it."""
    own_queue.wait(own_queue.enqueue_delay(0.0))
    ticket = own_queue.enqueue_delay(3600.0)
    with ThreadPoolExecutor() as pool:
        waits = [pool.submit(own_queue.wait, ticket) for _ in range(3)]
        wait_until(lambda: own_queue._inbox.waiting == 3)
        own_queue.start().kill()
        for wait in waits:
            assert isinstance(wait.exception(10.0), DeviceFault)
            assert "the device was lost" in str(wait.exception())
    for act in (
        lambda: own_queue.wait(ticket),
        lambda: own_queue.enqueue_delay(0.0),
        lambda: own_queue.completed,
        lambda: own_queue.peek(1),
    ):
        with pytest.raises(DeviceFault, match="lost"):
            act()


def test_a_program_whose_device_is_killed_is_told_and_ends():
    """Reads, events and launches raise; nothing hangs, and the program's end is quiet."""
    done = run(
        "event = torch.emulated.Event()\n"
        "x = torch.ones(3, device=device)\n"
        "emulated_device.QUEUE.enqueue_delay(3600.0)\n"
        "event.record()\n"
        "emulated_device.faults.kill()\n"
        "for act in (x.tolist, event.synchronize, event.query, torch.emulated.synchronize, lambda: x + 1):\n"
        "    try:\n"
        "        print('went on', act())\n"
        "    except emulated_device.DeviceFault as fault:\n"
        "        print(fault)\n"
    )
    assert (0, "") == (done.returncode, done.stderr)
    assert 5 == done.stdout.count("the device was lost: its process ended with")
    assert "went on" not in done.stdout


def test_a_program_that_keeps_tensors_to_its_end_ends_quietly():
    """Also those that go when the modules' names are gone already."""
    done = run(
        "import sys\nsys.kept = [torch.ones(3, device=device) for _ in range(9)]\nsys.kept[0].tolist()\n"
    )
    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks at processes as Linux shows them")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_the_device_ends_with_its_host(how):
    """However that ends, with an hour of work left."""
    program = (
        "import time\nfrom modules.emulated_device import QUEUE\n"
        "QUEUE.wait(QUEUE.enqueue_delay(0.0))\n"
        "QUEUE.enqueue_delay(3600.0)\nQUEUE.completed\n"
        "print(QUEUE.start().pid, flush=True)\ntime.sleep(3600)\n"
    )
    host = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    with host:
        assert host.stdout is not None
        pid = int(host.stdout.readline())
        assert is_alive(pid)
        os.kill(host.pid, how)
    wait_until(lambda: not is_alive(pid))


def test_a_closed_device_leaves_nothing(own_queue, tmp_path, monkeypatch):
    """No process and no file."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    own_queue.wait(own_queue.enqueue_delay(0.0))
    own_queue.enqueue_delay(3600.0)
    process = own_queue.start()
    assert [] == list(tmp_path.iterdir())
    own_queue.close()
    assert process._popen.returncode is not None
    assert not process.receiver.is_alive()


def test_a_hung_device_is_waited_for_until_it_goes_on(device):
    """Nothing is completed meanwhile, and nothing is lost."""
    with faults.hung():
        ticket = QUEUE.enqueue_delay(0.0)
        assert not QUEUE.wait(ticket, timeout_s=0.05)
        assert QUEUE.completed < ticket
    assert QUEUE.wait(ticket, LIMIT_S)


def test_a_slow_device_takes_longer_by_its_own_clock(device):
    """Everything it does, in proportion."""
    start, end = (torch.emulated.Event(enable_timing=True) for _ in range(2))
    with faults.slow(5):
        start.record()
        QUEUE.enqueue_delay(0.02)
        end.record()
        end.synchronize()
    assert 100 <= start.elapsed_time(end)


def test_what_does_not_fit_is_refused_at_once(device):
    """As on a card, where it is allocated; views take nothing, and what is freed is there again."""
    x = torch.ones(1000, device=device)
    with faults.memory_limited(5000):
        free, total = torch.emulated.mem_get_info()
        assert (5000, total - 5000) == (free, torch.emulated.memory_allocated())
        views = [x.view(10, 100), x[:500], x.t()]
        y = x * 2
        assert 1000 == torch.emulated.mem_get_info()[0]
        with Gate() as gate:
            gate.put()
            with pytest.raises(torch.OutOfMemoryError, match="Tried to allocate"):
                x + y
        del y
        gc.collect()
        assert 2000.0 == (x + 1).sum().item()
    assert 3 == len(views)


def test_a_driver_that_takes_few_launches_holds_the_host(device):
    """It goes on as soon as there is room, not before."""
    torch.emulated.synchronize()
    began = QUEUE.queued
    with faults.launches_limited(4), Gate() as gate, ThreadPoolExecutor() as pool:
        gate.put()
        launching = pool.submit(lambda: [QUEUE.enqueue_delay(0.0) for _ in range(20)])
        wait_until(lambda: QUEUE.queued == began + 5)
        with pytest.raises(FutureTimeoutError):
            launching.result(0.05)
        assert began + 5 == QUEUE.queued
        gate.set()
        assert 20 == len(launching.result(LIMIT_S))


def test_a_device_that_blocks_has_done_what_is_launched(device):
    """Each launch waits for itself."""
    with faults.launches_limited(0):
        for _ in range(3):
            QUEUE.enqueue_delay(0.01)
            assert QUEUE.queued == QUEUE.completed


def test_a_graph_is_one_launch_that_computes_anew(device):
    """Captured, nothing is computed; replayed, the same tensors are read and written."""
    source = torch.ones(3, device=device)
    graph = torch.emulated.Graph()
    with torch.no_grad(), torch.emulated.graph(graph):
        assert torch.emulated.is_current_stream_capturing()
        doubled = source * 2
        result = (doubled + 1).clamp_(max=6.0)
    assert not torch.emulated.is_current_stream_capturing()
    assert peek(result).isnan().all()
    shown = []
    for value in (1.0, 2.0, 9.0):
        source.fill_(value)
        queued = QUEUE.queued
        graph.replay()
        assert queued + 1 == QUEUE.queued
        part = result[1:]
        shown.append(result.tolist())
    assert [[3.0] * 3, [5.0] * 3, [6.0] * 3] == shown
    for value, expected in ((0.0, 1.0), (1.0, 3.0)):
        source.fill_(value)
        graph.replay()
        assert [expected] * 2 == part.tolist()  # of the same memory, as it was taken before


def test_a_slowed_module_is_as_slow_in_a_graph(device):
    """The time that it takes is part of the graph."""
    module = torch.nn.SiLU()
    handle = slow_down(module, lambda args, kwargs: 0.05, "slow")
    source, graph = torch.ones(3, device=device), torch.emulated.Graph()
    with torch.no_grad(), torch.emulated.graph(graph):
        module(source)
    handle.remove()
    start, end = (torch.emulated.Event(enable_timing=True) for _ in range(2))
    start.record()
    graph.replay()
    end.record()
    end.synchronize()
    assert 49 <= start.elapsed_time(end)


@pytest.mark.parametrize(
    "act",
    [
        lambda x: x.sum().item(),
        lambda x: x.cpu(),
        lambda x: x.copy_(torch.zeros(3)),
        lambda x: torch.rand(3, device=x.device),
        lambda x: torch.emulated.Event().record(),
        lambda _: torch.emulated.synchronize(),
    ],
    ids=["item", "to host", "to device", "draw", "event", "wait"],
)
def test_what_cannot_be_captured_is_refused(device, act):
    """With CUDA's numbers for it, and the graph ends all the same."""
    x = torch.ones(3, device=device)
    with pytest.raises(RuntimeError, match="CUDA error 90"), torch.emulated.graph(torch.emulated.Graph()):
        act(x)
    assert 3.0 == x.sum().item()


def test_another_thread_queues_beside_a_capture(device):
    """What it queues is computed, and is not part of the graph."""
    x = torch.ones(3, device=device)

    def compute() -> list[float]:
        return (x + 2).tolist()

    with torch.emulated.graph(torch.emulated.Graph()), ThreadPoolExecutor() as pool:
        assert [3.0] * 3 == pool.submit(compute).result(LIMIT_S)


@pytest.mark.parametrize(
    "draw",
    [
        lambda x: x.multinomial(3),
        torch.bernoulli,
        lambda x: torch.nn.functional.dropout(x, 0.5, training=True),
        lambda x: torch.normal(x, 1.0),
        lambda x: x.clone().bernoulli_(0.5),
    ],
    ids=["multinomial", "bernoulli", "dropout", "normal", "in place"],
)
def test_draws_that_depend_on_values_are_the_cpu_s(device, draw):
    """From the host's generator, in the order in which they are asked for."""
    x = torch.rand(8, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        torch.manual_seed(4)
        expected = [draw(x), torch.rand(2)]
        torch.manual_seed(4)
        drawn = [draw(x.to(device)), torch.rand(2)]
    assert drawn[0].device == device
    assert [one.tolist() for one in expected] == [one.tolist() for one in drawn]


def test_a_value_that_nobody_can_name_is_freed_on_the_device(device):
    """In its turn: what is queued before still finds it."""
    x = torch.ones(3, device=device)
    y = x + 1
    handle = x.cell.handle
    del x
    gc.collect()
    assert [2.0, 2.0, 2.0] == y.tolist()
    QUEUE.wait(QUEUE.enqueue_delay(0.0))
    assert (None, bytearray()) == QUEUE.peek(handle)


def test_many_threads_launch_and_read(device):
    """Each gets its own values."""

    def work(number: int) -> list[float]:
        x = torch.full((4,), float(number), device=device)
        for _ in range(50):
            x = x + 1
        return x.tolist()

    with ThreadPoolExecutor(8) as pool:
        assert [[n + 50.0] * 4 for n in range(16)] == list(pool.map(work, range(16)))
    assert threading.active_count() < 50


def test_a_large_value_crosses_whole(device):
    """More than a pipe holds, both ways."""
    x = torch.arange(3_000_000)
    assert torch.equal(x, x.to(device).cpu())
