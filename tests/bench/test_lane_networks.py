"""The lane's networks of real sizes, built without memory: what a card would meet can be met here."""

from __future__ import annotations

from typing import Any

import diffusers
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from bench.lane.networks import REAL, build_step

META = torch.device("meta")
BILLIONS = {"sd15": 0.86, "sdxl": 2.57, "dit": 2.03}


class HostWork(TorchDispatchMode):
    """Notes what a capture of a graph forbids: values that are read, and tensors of the host's."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(self, op: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = op(*args, **(kwargs or {}))
        tensors = [one for one in tree_leaves((args, kwargs, result)) if isinstance(one, torch.Tensor)]
        if "_local_scalar_dense" in str(op) or any(tensor.device != META for tensor in tensors):
            self.found.append(str(op))
        return result


def build_on_meta(name: str) -> Any:
    network = REAL[name]
    classes = diffusers.SD3Transformer2DModel, diffusers.UNet2DConditionModel
    with META:
        model: Any = classes[0 if network.is_transformer else 1](**network.config)
    return model.to(torch.float16)


@pytest.mark.parametrize("name", REAL)
def test_a_step_of_a_real_network_can_be_captured(name: str):
    """It has the size that its name promises, and does nothing in a step that a graph could not hold."""
    model = build_on_meta(name)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    assert BILLIONS[name] == pytest.approx(parameters / 1e9, abs=0.01)
    for size in REAL[name].latent_sizes:
        latents, step = build_step(model, REAL[name], size, META)
        with torch.no_grad(), HostWork() as host_work:
            following = step(latents)
        assert latents.shape == following.shape
        assert torch.float16 == following.dtype
        assert [] == host_work.found


def test_host_work_is_noticed():
    """A tensor of the host's and a value that is read both are, or the test above would prove nothing."""
    with HostWork() as host_work:
        value = torch.zeros(())
        float(value)
    assert {"aten._local_scalar_dense.default"} < set(host_work.found)
