"""The emulated device: values come late, in order, and only reads wait."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.nn import functional

from modules import emulated_device
from modules.emulated_device import QUEUE, DeviceFault, DeviceQueue, Gate, enqueue_mark, peek, slow_down
from modules.emulated_process import worker
from modules.emulated_process.frames import Command

attention = functional.scaled_dot_product_attention
LIMIT_S = 60.0
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def device() -> torch.device:
    """The emulated device."""
    return emulated_device.install()


def test_a_torch_that_cannot_have_the_device_says_why(monkeypatch):
    """Older ones take no backend that is written in Python."""
    name = "_setup_privateuseone_for_python_backend"
    monkeypatch.delattr(torch.utils.backend_registration, name)
    with pytest.raises(RuntimeError, match=r"torch 2\.\S+ takes no device that is written in Python"):
        emulated_device.install()


@contextmanager
def held_device(queue: DeviceQueue = QUEUE) -> Iterator[Gate]:
    """Hold the device still from here in its queue until the block ends or the yielded gate is set."""
    gate = Gate(queue)
    gate.put(LIMIT_S)
    try:
        yield gate
    finally:
        gate.set()


def open_when(gate: Gate, condition: Callable[[], bool]) -> threading.Thread:
    """Open ``gate`` from another thread as soon as ``condition`` holds."""

    def watch() -> None:
        while not condition() and not gate.wait(0.001):
            pass
        gate.set()

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


def test_importing_changes_nothing_in_torch():
    """Only install() registers the backend."""
    program = (
        "import torch, modules.emulated_device as device\n"
        "assert torch._C._get_privateuse1_backend_name() == 'privateuseone'\n"
        "assert not hasattr(torch, 'emulated') and device.QUEUE.queued == 0\n"
        "assert device.install() == device.install() == torch.device('emulated', 0)\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], cwd=ROOT, check=True, timeout=LIMIT_S)


def test_process_ends_with_work_still_queued():
    """A process does not wait for, nor crash on, a device that has an hour of work left."""
    program = (
        "import torch, modules.emulated_device as device\n"
        "x = torch.ones(64, 64, device=device.install())\n"
        "for _ in range(100): x = x @ x\n"
        "device.QUEUE.enqueue_delay(3600.0)\n"
        "x = x @ x\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, cwd=ROOT, timeout=LIMIT_S, stderr=subprocess.PIPE
    )
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("dtype", "poison"),
    [(torch.float32, None), (torch.int64, 2**63 - 1), (torch.uint8, 255)],
)
def test_values_come_late(device, dtype, poison):
    """Memory shows poison until the worker has computed it, and the value afterwards."""
    ones = torch.ones(3, dtype=dtype, device=device)
    torch.emulated.synchronize()
    with held_device():
        result = ones * 0
        early = peek(result)
        assert (result.device, result.shape) == (device, (3,))
    torch.emulated.synchronize()
    assert bool(early.isnan().all()) if poison is None else early.tolist() == [poison] * 3
    assert peek(result).tolist() == [0, 0, 0]


def test_event_is_reached_after_the_work_before_it(device):
    """An event queries False while the device is held before it, True once the device has passed it."""
    event = torch.emulated.Event()
    assert event.query()
    with held_device():
        event.record()
        assert not event.query()
        assert not torch.emulated.current_stream().query()
    event.synchronize()
    assert event.query()


def test_recording_again_moves_the_event(device):
    """An event recorded twice stands for its last place in the queue."""
    event = torch.emulated.Event()
    event.record()
    event.synchronize()
    with held_device():
        torch.emulated.current_stream().record_event(event)
        assert not event.query()


def test_elapsed_time_is_the_device_s(device):
    """Elapsed time spans the delay between two events, in ms, and is refused before both are reached."""
    start, end = torch.emulated.Event(enable_timing=True), torch.emulated.Event(enable_timing=True)
    with held_device():
        start.record()
        QUEUE.enqueue_delay(0.02)
        end.record()
        with pytest.raises(RuntimeError, match="not ready"):
            start.elapsed_time(end)
    end.synchronize()
    assert start.elapsed_time(end) >= 19.0
    with pytest.raises(ValueError, match="enable_timing"):
        start.elapsed_time(torch.emulated.Event())


@pytest.mark.parametrize(
    "read",
    [
        lambda x: x.sum().item(),
        lambda x: float(x.cpu().sum()),
        lambda x: float(x.to("cpu").sum()),
        lambda x: sum(x.tolist()),
        lambda x: torch.zeros(4).copy_(x).sum().item(),
        lambda x: 4 * int(bool((x == 1).all())),
        lambda x: len(x.nonzero()),
    ],
    ids=["item", "cpu", "to", "tolist", "copy_", "bool", "nonzero"],
)
def test_a_read_waits(device, read):
    """Every way to look at a value waits until the device has computed it."""
    with held_device() as gate:
        late = torch.ones(4, device=device)
        queued = QUEUE.queued
        # The gate opens only once the read itself is in the queue: a read that did not wait would be wrong.
        opener = open_when(gate, lambda: QUEUE.queued > queued)
        assert peek(late).isnan().all()
        assert read(late) == 4
        assert QUEUE.completed > queued
    opener.join()


def test_queueing_does_not_wait(device):
    """A module's forward returns while the device has not begun it."""
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.GroupNorm(2, 8), torch.nn.SiLU()).to(device)
    torch.emulated.synchronize()
    with torch.no_grad(), held_device():
        completed = QUEUE.completed
        result = net(torch.ones(1, 3, 8, 8, device=device))
        assert result.shape == (1, 8, 6, 6)
        assert QUEUE.completed <= completed + 1 < QUEUE.queued


def test_non_blocking_copy_is_filled_later(device):
    """A non-blocking copy to the host is poison until the device gets there, then right."""
    source = torch.arange(3.0, device=device)
    with held_device():
        target = source.to("cpu", non_blocking=True)
        reused = torch.zeros(3)
        reused.copy_(source, non_blocking=True)
        assert target.device.type == "cpu"
        assert target.isnan().all()
        assert reused.tolist() == [0.0, 0.0, 0.0]
    torch.emulated.synchronize()
    assert target.tolist() == reused.tolist() == [0.0, 1.0, 2.0]


@pytest.fixture(scope="module")
def own_queue() -> Iterator[DeviceQueue]:
    """Another device than the one that tensors are on."""
    queue = DeviceQueue()
    yield queue
    queue.close()


def test_queue_runs_in_order_and_counts(own_queue):
    """Commands run in the order of their tickets, and the count of completed ones follows."""
    queue, seen = own_queue, []
    queue.wait(queue.queued)
    done = queue.queued
    with held_device(queue):
        tickets = [
            enqueue_mark(lambda at_s, completed: seen.append((at_s, completed)), queue) for _ in range(5)
        ]
        assert (tickets, queue.queued) == ([done + n for n in (2, 3, 4, 5, 6)], done + 6)
        assert (queue.completed, seen) == (done, [])
        assert not queue.wait(tickets[-1], timeout_s=0.001)
    assert queue.wait(tickets[-1], LIMIT_S)
    assert [completed for _, completed in seen] == [done + n for n in range(1, 6)]
    assert seen == sorted(seen)
    assert queue.completed == done + 6


def test_waiting_for_one_ticket_leaves_later_work_queued(own_queue):
    """A wait returns at its own ticket, though the device is held right behind it."""
    ticket = own_queue.enqueue_delay(0.0)
    with held_device(own_queue):
        assert own_queue.wait(ticket, LIMIT_S)
        assert own_queue.completed == ticket


def test_the_device_cannot_wait_for_itself(own_queue):
    """A wait inside of what the device tells is an error, not a deadlock."""

    def selfish(at_s: float, completed: int) -> None:
        own_queue.wait(99)

    ticket = enqueue_mark(selfish, own_queue)
    with pytest.raises(DeviceFault, match=r"failed on what the device told.*cannot wait for itself"):
        own_queue.wait(ticket, LIMIT_S)


def test_a_fault_is_raised_by_the_next_wait_and_the_device_goes_on(device):
    """A failure on the worker names its operation, at the next wait, once, and later work still runs."""
    with held_device():
        broken = torch.ones(3, device=device)[torch.tensor([7], device=device)]
        dependent = broken + 1
    with pytest.raises(RuntimeError, match=r"aten\.index\.Tensor failed .*: index 7 is out of"):
        torch.emulated.synchronize()
    torch.emulated.synchronize()
    assert torch.ones(2, device=device).tolist() == [1.0, 1.0]
    with pytest.raises(RuntimeError, match=r"aten\.index\.Tensor failed"):
        dependent.cpu()


def test_shape_errors_come_at_once(device):
    """What the shapes alone make impossible is refused when it is queued, as on CUDA."""
    with held_device(), pytest.raises(RuntimeError):
        torch.ones(2, 3, device=device) @ torch.ones(2, 3, device=device)


def test_host_scalars_are_taken_as_they_were(device):
    """A host scalar that changes after the call does not change the queued operation."""
    sigma, weights = torch.tensor(2.0), torch.ones(2)
    with held_device():
        result = torch.ones(2, device=device) * sigma
        copied = weights.to(device, non_blocking=True)
        sigma.fill_(9.0)
        weights.fill_(9.0)
    assert (result.tolist(), copied.tolist()) == ([2.0, 2.0], [1.0, 1.0])


def test_host_tensors_do_not_mix(device):
    """A host tensor that is no scalar is refused beside a device tensor, as on CUDA."""
    with pytest.raises(RuntimeError, match="same device"):
        torch.ones(2, device=device) + torch.ones(2)
    with pytest.raises(TypeError, match="numpy"):
        torch.ones(2, device=device).numpy()


def test_random_numbers_are_those_of_the_cpu(device):
    """The same seed or generator draws the same numbers as on the CPU."""
    normal = torch.randn(3, generator=torch.Generator().manual_seed(5))
    torch.manual_seed(5)
    first, second = torch.rand(3), torch.rand(3)
    torch.manual_seed(5)
    drawn = torch.rand(3, device=device)
    generated = torch.randn(3, generator=torch.Generator().manual_seed(5), device=device)
    in_place = torch.empty(3, device=device).normal_(generator=torch.Generator().manual_seed(5))
    like = torch.rand_like(drawn)
    assert generated.tolist() == in_place.tolist() == normal.tolist()
    assert (drawn.tolist(), like.tolist()) == (first.tolist(), second.tolist())


def test_uninitialised_memory_is_poison(device):
    """torch.empty on the device never looks like a good value."""
    assert torch.empty(2, device=device).isnan().all()


def test_modules_move_and_cast(device):
    """A module moves to the device, casts there, and comes back unchanged."""
    net = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.BatchNorm1d(3))
    expected = {name: value.clone() for name, value in net.state_dict().items()}
    net.to(device).to(torch.float64)
    assert {(weight.device, weight.dtype) for weight in net.parameters()} == {(device, torch.float64)}
    net.to("cpu", torch.float32)
    assert all(torch.equal(value, expected[name]) for name, value in net.state_dict().items())


def write_through_view(x: torch.Tensor) -> torch.Tensor:
    """Write to a tensor through slices and flat views of it."""
    y = x.clone()
    y[1:, ::2] = 7.0
    y.view(-1)[0].add_(1.0).mul_(torch.tensor(3.0))
    return y


def reshape_in_place(x: torch.Tensor) -> torch.Tensor:
    """Change a tensor's shape in place, while another one shares its memory."""
    y = x.clone()
    z = y.detach()
    y.unsqueeze_(0).transpose_(1, 2)
    y.add_(1.0)
    return torch.cat([y[0], z.t()])


OPERATIONS = {
    "shape in place": reshape_in_place,
    "arithmetic": lambda x: (2.0 - x) / 3 + x.pow(2) * torch.tensor(0.5),
    "in-place through a view": write_through_view,
    "cat": lambda x: torch.cat([x, x * 2, x[:1]], dim=0),
    "chunk": lambda x: x.chunk(3, dim=1)[2] + x.split([1, 5], dim=1)[0],
    "several results": lambda x: x.topk(2, dim=1).values + x.max(dim=1, keepdim=True)[0],
    "where": lambda x: torch.where(x > 0, x, torch.zeros((), device=x.device)),
    "quantile": lambda x: x.quantile(0.3, dim=1),
    "masked": lambda x: x[x > 0],
    "index": lambda x: x[torch.arange(2, device=x.device)][:, torch.tensor([0, 3])],
    "int arithmetic keeps its type": lambda x: torch.arange(4, device=x.device) * 2,
    "int by float changes type": lambda x: torch.arange(4, device=x.device) * 2.0,
    "float factory": lambda x: torch.arange(0.0, 1.0, 0.25, device=x.device),
    "longer float factory": lambda x: torch.arange(0.0, 1.0, 0.125, device=x.device),
    "factories": lambda x: torch.linspace(0, 1, 6, device=x.device) + torch.full((6,), 2.0, device=x.device),
    "casts": lambda x: x.half().to(torch.float64).type_as(x).long().bool(),
    "linear": lambda x: functional.linear(x, torch.ones(4, 6, device=x.device)),
    "softmax": lambda x: x.softmax(-1).argmax(-1),
    "layer norm": lambda x: functional.layer_norm(x, (6,)),
    "conv2d": lambda x: functional.conv2d(x.view(1, 2, 3, 4), x.new_ones(4, 2, 3, 3), stride=2),
    "pointwise conv2d": lambda x: functional.conv2d(x.view(1, 2, 3, 4), x.view(12, 2, 1, 1)[:4]),
    "group norm": lambda x: functional.group_norm(x.view(1, 4, 3, 2).transpose(2, 3), 2),
    "interpolate": lambda x: functional.interpolate(x.view(1, 2, 3, 4), scale_factor=2.0, mode="nearest"),
    "interpolate further": lambda x: functional.interpolate(x.view(1, 2, 3, 4), scale_factor=3.0),
    "bilinear": lambda x: functional.interpolate(x.view(1, 2, 3, 4), size=(5, 5), mode="bilinear"),
    "embedding": lambda x: functional.embedding(torch.tensor([[1, 0]], device=x.device), x),
    "attention": lambda x: attention(*[x.view(1, 2, 3, 4)] * 3),
    "causal attention": lambda x: attention(*[x.view(1, 2, 3, 4)] * 3, is_causal=True),
    "new and like": lambda x: x.new_zeros(2, 6) + torch.ones_like(x[:2]),
    "foreach": lambda x: torch._foreach_add([x, x], 1.0)[1],
    "copy": lambda x: torch.zeros(4, 6, device=x.device).copy_(x).contiguous().flip(0),
    "out": lambda x: torch.add(x, 1.0, out=torch.empty_like(x)),
}


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_operations_give_what_the_cpu_gives(device, operation, mode):
    """An operation's result has the CPU's values, shape and type, twice (the second from the shape cache)."""
    x = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    with mode():
        expected = operation(x)
        for result in (operation(x.to(device)), operation(x.to(device))):
            assert result.device == device
            torch.testing.assert_close(result.cpu(), expected, check_stride=False)


def build_pipeline(scheduler: str) -> Any:
    """A small Stable Diffusion pipeline with random weights."""
    import diffusers
    from diffusers import AutoencoderKL, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    options = {"PNDMScheduler": {"skip_prk_steps": True}, "DDIMScheduler": {"clip_sample": False}}
    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(16, 32),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=16,
        attention_head_dim=4,
        norm_num_groups=8,
    )
    vae = AutoencoderKL(
        block_out_channels=(16, 32),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        norm_num_groups=8,
    )
    text = CLIPTextConfig(
        vocab_size=20, hidden_size=16, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2
    )
    pipe = StableDiffusionPipeline(
        vae=vae,
        text_encoder=CLIPTextModel(text).eval(),
        tokenizer=None,
        unet=unet,
        scheduler=getattr(diffusers, scheduler)(
            beta_schedule="scaled_linear",
            beta_start=0.00085,
            beta_end=0.012,
            steps_offset=1,
            **options.get(scheduler, {}),
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def generate(pipe: Any, steps: int = 3, **kwargs: Any) -> Any:
    """The picture of a fixed prompt and seed: (1, 16, 16, 3) in 0..1."""
    with torch.no_grad():
        tokens = torch.arange(8).unsqueeze(0).to(pipe.device)
        prompt = pipe.text_encoder(tokens).last_hidden_state
        return pipe(
            prompt_embeds=prompt,
            negative_prompt_embeds=torch.zeros_like(prompt),
            num_inference_steps=steps,
            generator=torch.Generator().manual_seed(7),
            height=16,
            width=16,
            output_type="np",
            **kwargs,
        ).images


SCHEDULERS = [
    "EulerDiscreteScheduler",
    "EulerAncestralDiscreteScheduler",
    "DDIMScheduler",
    "PNDMScheduler",
    "HeunDiscreteScheduler",
]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # diffusers' own
@pytest.mark.parametrize("name", SCHEDULERS)
def test_a_pipeline_paints_the_cpu_s_picture(device, name):
    """A diffusers pipeline gives the picture of a run on the CPU, to less than one grey level."""
    pipe = build_pipeline(name)
    expected = generate(pipe)
    picture = generate(pipe.to(device))
    assert expected.std() > 0.01
    assert abs(picture - expected).max() < 1e-4


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # diffusers' own
def test_the_host_runs_ahead_of_a_slow_device(device):
    """Every step is queued while the device is held in the first, and the picture still comes out right."""
    pipe = build_pipeline("EulerDiscreteScheduler")
    expected = generate(pipe, steps=5)
    pipe.to(device)
    gate, ahead, delays = Gate(), [], []

    def note_step(_pipe, step, _timestep, tensors):
        if step == 0:
            gate.put(LIMIT_S)
            ahead.append(QUEUE.queued)
        if step == 4:
            ahead.append(QUEUE.completed)
            gate.set()
        return tensors

    handle = slow_down(pipe.unet, lambda args, kwargs: delays.append(args[0].shape) or 0.001, "unet")
    picture = generate(pipe, steps=5, callback_on_step_end=note_step)
    handle.remove()
    queued_at_gate, completed_at_last_step = ahead
    assert completed_at_last_step < queued_at_gate
    assert delays == [(2, 4, 8, 8)] * 5
    assert abs(picture - expected).max() < 1e-4


def test_a_removed_delay_is_gone(device):
    """slow_down queues a start before the module's own work and the rest behind it, until it is removed."""
    net = torch.nn.Identity()
    handle = slow_down(net, lambda args, kwargs: 0.0, "slow")
    before = QUEUE.queued
    net(1)
    assert QUEUE.queued == before + 2
    handle.remove()
    net(1)
    assert QUEUE.queued == before + 2


@pytest.mark.parametrize(("idle_costs", "ends_at_s"), [(False, 10.0), (True, 13.0)])
def test_what_was_idle_within_a_span_comes_on_top_where_that_costs(idle_costs, ends_at_s, monkeypatch):
    """A device that had nothing queued for three of ten seconds has three left to work, as a card has."""
    clock_s = [0.0]

    def spend(seconds):
        clock_s[0] += seconds

    class Queue:
        empty = staticmethod(lambda: True)
        get = staticmethod(lambda: spend(3.0) or ([], bytearray()))

    monkeypatch.setattr(worker, "time", SimpleNamespace(perf_counter=lambda: clock_s[0], sleep=spend))
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    device = worker.Worker(None, SimpleNamespace(numbers=[0] * 8))
    device._wait_commands(Queue)  # before the span: none of its business
    clock_s[0] = 0.0
    device._begin((Command.BEGIN, 7))
    spend(2.0)
    device._wait_commands(Queue)
    device._hold((Command.HOLD, 7, 10.0, idle_costs))
    assert clock_s == [ends_at_s]
