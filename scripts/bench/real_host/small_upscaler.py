"""A small upscaler of the ESRGAN kind with random weights, where SD.Next finds and loads it."""

from __future__ import annotations

from pathlib import Path

#: What SD.Next calls it. It takes the shape of the network from the file's name.
NAME = "ESRGAN realesr-animevideov3-tiny"
_CHANNELS, _CONVOLUTIONS, _SCALE = 64, 16, 4


def make_small_upscaler(models_dir: Path) -> None:
    """Put the upscaler into ``models_dir/ESRGAN``; it makes pictures four times as wide and high."""
    import torch
    from torch import nn

    def layers() -> list[nn.Module]:
        inner = [nn.Conv2d(_CHANNELS, _CHANNELS, 3, 1, 1) for _ in range(_CONVOLUTIONS)]
        first, last = nn.Conv2d(3, _CHANNELS, 3, 1, 1), nn.Conv2d(_CHANNELS, 3 * _SCALE**2, 3, 1, 1)
        row: list[nn.Module] = []
        for convolution in (first, *inner):
            row += [convolution, nn.PReLU(_CHANNELS)]
        return [*row, last]

    torch.manual_seed(0)
    weights = nn.ModuleDict({"body": nn.ModuleList(layers())}).state_dict()
    folder = models_dir / "ESRGAN"
    folder.mkdir(parents=True, exist_ok=True)
    torch.save({"params": weights}, folder / f"{NAME.partition(' ')[2]}.pth")
