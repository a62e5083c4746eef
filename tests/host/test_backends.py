"""Every backend that the host knows, and some that nobody knows: answers, an explanation, and no error."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest
import torch

from modules import devices, shared
from tests.fake_device import FakeDevice
from tests.host.test_job_records import picture
from tests.host.test_stop_route import Client, HostApi
from tests.options import GATE, MODE
from zluda_sync.device.steps.accelerator import Accelerator
from zluda_sync.host import acting as acting_module
from zluda_sync.host.accelerator import accelerator_of
from zluda_sync.host.sdnext import SdNext

READS = ("status", "metrics", "selftest", "jobs", "profiles", "profiles/schema", "preview")
#: Backend, kind of device, and a word of the explanation on a page whose settings ask for every GPU.
NOT_FOLLOWED = (
    ("directml", "privateuseone:0", "DirectML"),
    ("directml", None, "no device"),
    ("openvino", "cpu", "OpenVINO"),
    ("cpu", "cpu", "CPU"),
    ("cpu", None, "no device"),
    ("", None, "no device"),
    (None, None, "no device"),
    ("ipex", None, "no device"),
    ("mps", None, "no device"),
    ("quantum", "meta", '"meta"'),
    ("quantum", "hpu:1", '"hpu"'),
    ("quantum", "privateuseone", '"privateuseone"'),
)
FOLLOWED = (("zluda", "cuda:0"), ("cuda", "cuda"), ("rocm", "cuda:1"), ("ipex", "xpu"), ("mps", "mps"))


@pytest.fixture
def host(bench, monkeypatch, caplog):
    """Return a function that gives a client of a session on a backend; nothing may be logged as an error."""
    monkeypatch.setattr(acting_module, "accelerator_of", accelerator_of)
    bench.session.self_testing.is_automatic = False

    def on(backend: str | None, device: str | None, **options: object) -> Client:
        monkeypatch.setattr(devices, "backend", backend)
        monkeypatch.setattr(devices, "device", torch.device(device) if device else None)
        shared.opts.data.update({GATE: "always", **options})
        api = HostApi()
        monkeypatch.setattr(shared, "api", api, raising=False)
        bench.session.serve(api.app)
        return Client(api.app)

    with caplog.at_level(logging.WARNING):
        yield on
    assert [] == [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


def answers(client: Client) -> list[int]:
    """Return the statuses of all reading routes that are no answers."""
    statuses = {path: client.get(f"/zluda_sync/v1/{path}").status_code for path in READS}
    return [(path, status) for path, status in statuses.items() if status not in (200, 204)]


@pytest.mark.parametrize("gate", ["zluda", "runs-ahead", "always"])
@pytest.mark.parametrize(("backend", "device", "word"), NOT_FOLLOWED)
def test_where_there_is_nothing_to_follow_the_panel_says_why(
    bench, host, caplog, monkeypatch, backend, device, word, gate
):
    """Every route answers, the log is silent, and a job runs as it came."""
    if device is not None and device.startswith("privateuseone"):
        # Another test of this process may have registered a module for it; DirectML registers none.
        monkeypatch.setattr(torch, "get_device_module", lambda device: (_ for _ in ()).throw(RuntimeError()))
        if backend != "directml":
            word = f'"{torch.device(device).type}"'  # which that test may have named, too
    client = host(backend, device, **{GATE: gate})
    assert [] == answers(client)
    status = client.get("/zluda_sync/v1/status").json()
    assert (False, None, backend or "") == (status["is_acting"], status["device"], status["backend"])
    assert word in status["explanation"]
    assert word in client.get("/zluda_sync/v1/selftest").json()["explanation"]
    refusal = client.post("/zluda_sync/v1/selftest")
    assert 409 == refusal.status_code
    assert word in refusal.json()["detail"]
    bench.session.begin_job(picture())
    bench.session.end_job()
    assert [] == caplog.records


@pytest.mark.parametrize(("backend", "device"), FOLLOWED)
def test_a_device_that_torch_knows_is_answered_for_without_its_driver(host, backend, device):
    """This build of torch has none of these drivers; the routes answer all the same."""
    client = host(backend, device)
    assert [] == answers(client)
    assert client.get("/zluda_sync/v1/status").json()["is_acting"]
    assert client.post("/zluda_sync/v1/selftest").status_code in (200, 409)


@pytest.mark.parametrize(("backend", "device"), [*FOLLOWED, *((one, "cpu") for one, _ in FOLLOWED)])
def test_the_kind_of_a_device_goes_by_the_hosts_word(monkeypatch, backend, device):
    """Also where SD.Next names no device of torch's, but there is one."""
    for module in (torch.xpu, torch.mps):
        monkeypatch.setattr(module, "Event", FakeEvent, raising=False)
    monkeypatch.setattr(devices, "backend", backend)
    monkeypatch.setattr(devices, "device", torch.device(device))
    accelerator = accelerator_of(SdNext())
    assert accelerator is not None
    assert backend == accelerator.kind.name


@pytest.mark.parametrize("backend", ["mps", "ipex"])
def test_a_backend_without_its_driver_is_not_followed(monkeypatch, backend):
    """SD.Next says ``mps`` on a Mac that has none, and computes on the CPU."""
    monkeypatch.setattr(devices, "backend", backend)
    monkeypatch.setattr(devices, "device", torch.device("cpu"))
    assert accelerator_of(SdNext()) is None


@pytest.mark.parametrize("error", [AttributeError, RuntimeError, ImportError, OSError, KeyError])
def test_a_device_whose_module_cannot_be_had_is_not_followed(host, monkeypatch, caplog, error):
    """However torch, or what a driver registers with it, fails."""
    monkeypatch.setattr(torch, "get_device_module", lambda device: (_ for _ in ()).throw(error("broken")))
    client = host("cuda", "cuda:0")
    assert [] == answers(client)
    assert "cuda" in client.get("/zluda_sync/v1/status").json()["explanation"]
    assert [] == caplog.records


class FakeEvent:
    """One that can be made."""


class PoorDevice(FakeDevice):
    """A device whose module lacks some of its names."""

    def __init__(self, lacks: tuple[str, ...]) -> None:
        super().__init__()
        self._lacks = lacks

    def __getattribute__(self, name: str) -> object:
        if not name.startswith("_") and name in self._lacks:
            raise AttributeError(name)
        return super().__getattribute__(name)


@pytest.mark.parametrize("mode", ["every-step", "run-ahead", "observe"])
@pytest.mark.parametrize(
    "lacks", [("Event",), ("synchronize",), ("current_stream", "Stream"), ("current_stream", "Event")]
)
def test_a_module_that_lacks_something_follows_a_job_by_the_rest(bench, host, monkeypatch, lacks, mode):
    """What is missing is no error: another way is taken."""
    module = PoorDevice(lacks)
    monkeypatch.setattr(torch, "get_device_module", lambda device: module)
    client = host("quantum", "meta", **{MODE: mode})
    assert client.get("/zluda_sync/v1/status").json()["is_acting"]
    # Torch's meta device stands for one whose module is this, but holds no values that could be read back.
    monkeypatch.setattr(acting_module, "accelerator_of", lambda host: Accelerator(module))
    bench.begin(mode, processing=picture())
    for index in range(3):
        module.finish()
        bench.step(index)
    module.finish()
    assert [] == answers(client)
    assert 3 == bench.session.snapshot().launched
    bench.session.end_job()


def test_a_module_without_any_means_is_not_followed(bench, host, monkeypatch, caplog):
    """Neither events nor a wait: no patch is installed, and the panel says so."""
    monkeypatch.setattr(torch, "get_device_module", lambda device: SimpleNamespace(__name__="torch.poor"))
    client = host("quantum", "meta")
    assert [] == answers(client)
    assert (False, []) == (bench.session.is_acting, caplog.records)
    assert "nothing to follow" in client.get("/zluda_sync/v1/status").json()["explanation"]
