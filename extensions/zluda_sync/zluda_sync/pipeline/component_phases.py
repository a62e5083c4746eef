"""Phases of a call, told by the pipeline's own components: text encoders, VAE encoder, VAE decoder."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import torch

from zluda_sync.core.guard import Guard
from zluda_sync.core.phase import Phase
from zluda_sync.pipeline.exit_points import has_graph
from zluda_sync.pipeline.replacement import install_replacement
from zluda_sync.pipeline.run import PipelineRun
from zluda_sync.pipeline.ways import find_inner_pipelines

#: In the names of components that encode what is asked for.
_ENCODERS = ("text_encoder", "image_encoder", "vision_encoder")


class CallModels:
    """The models of a pipeline and of those that it runs by itself."""

    def __init__(self, pipe: Any) -> None:
        self._pipes = [pipe, *find_inner_pipelines(pipe)]

    def named(self) -> Iterator[tuple[str, Any]]:
        """Yield each component with its name, once."""
        seen: set[int] = set()
        for pipe in self._pipes:
            try:
                components = dict(pipe.components)
            except Exception:  # noqa: BLE001  a pipeline of a kind of its own: what it holds is all there is
                components = dict(getattr(pipe, "__dict__", {}))
            for name, component in components.items():
                if id(component) not in seen:
                    seen.add(id(component))
                    yield name, component

    @property
    def components(self) -> Sequence[torch.nn.Module]:
        """All that can be left early."""
        return [one for _name, one in self.named() if isinstance(one, torch.nn.Module)]

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The phases besides the loop that they will tell of."""
        told = {phase for phase, _component, _method in _find_phases(self.named())}
        return tuple(phase for phase in (Phase.ENCODE, Phase.DECODE) if phase in told)

    @property
    def vae(self) -> Any:
        """What decodes pictures, None if there is none."""
        decoders = [one for name, one in self.named() if name.startswith("vae") and one is not None]
        return decoders[0] if decoders else None


def channels_of(vae: Any) -> int | None:
    """Return C of the latents of a VAE, None if it does not tell."""
    config = getattr(vae, "config", None)
    for name in ("latent_channels", "z_dim"):
        channels = getattr(config, name, None)
        if isinstance(channels, int):
            return channels
    return None


class ComponentPhases:
    """Hooks on the components of one call; what they compute within a denoising loop is a part of that.

    Args:
        run: told of each phase that begins.
        guard: keeps errors of ours from the pipeline.
    """

    def __init__(self, run: PipelineRun, guard: Guard) -> None:
        self._run = run
        self._guard = guard
        self._undo = ExitStack()
        self._current: Phase | None = None
        self._is_removed = False

    def install(self, components: Iterable[tuple[str, Any]]) -> None:
        """Hook components, given with their names in the pipeline."""
        for phase, module, method in _find_phases(components):
            hook = self._build_hook(phase)
            if method:
                self._hook_method(module, method, hook)
            elif not has_graph(module):
                self._undo.callback(module.register_forward_pre_hook(hook).remove)

    def remove(self) -> None:
        """Leave the components as they were; beneath what others have wrapped since, nothing is told."""
        self._is_removed = True
        self._undo.close()

    def note_loop(self) -> None:
        """A denoising loop begins."""
        self._current = None

    def _hook_method(self, module: torch.nn.Module, name: str, hook: Any) -> None:
        own = getattr(module, name)

        @functools.wraps(own)
        def method(*args: Any, **kwargs: Any) -> Any:
            hook()
            return own(*args, **kwargs)

        self._undo.callback(install_replacement(module, name, method))

    def _build_hook(self, phase: Phase) -> Any:
        def enter(*_: Any) -> None:
            is_new = self._current is not phase and not self._is_removed
            if is_new and self._run.is_driver() and not self._is_in_loop(phase):
                with self._guard.watching("following a phase"):
                    self._run.go_on()
                    self._run.begin_part(phase)
                self._current = phase

        return enter

    def _is_in_loop(self, phase: Phase) -> bool:
        newest = self._run.newest_pass
        if newest is None or newest.is_left or not newest.ledger.launched:
            return False
        total = newest.ledger.total
        # Where nobody tells how long the loop is, decoding means that it is over.
        return newest.ledger.launched < total if total is not None else phase is not Phase.DECODE


def _find_phases(components: Iterable[tuple[str, Any]]) -> Iterator[tuple[Phase, torch.nn.Module, str]]:
    """Yield each phase, and the module and its method by which it begins, empty for its forward."""
    for name, component in components:
        if not isinstance(component, torch.nn.Module):
            continue
        encoder, decoder = (getattr(component, part, None) for part in ("encoder", "decoder"))
        if any(word in name for word in _ENCODERS):
            yield Phase.ENCODE, component, ""
        elif callable(getattr(component, "decode", None)):
            yield Phase.DECODE, component, "decode"
            if isinstance(encoder, torch.nn.Module):
                yield Phase.ENCODE, encoder, ""
        elif isinstance(decoder, torch.nn.Module):
            yield Phase.DECODE, decoder, ""
