"""Small networks and drawn pictures for the tests of the host floor."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch import Tensor, nn

from misread.card import ModelCard

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIZE_HW: Final = (16, 16)
LABELS: Final = ("red", "green", "blue", "dark")

FACTORY: Final = """
from torch import nn

from tests.export.nets import Tiny, tiny


def network():
    return tiny()


def other():
    return Tiny(5)
"""


class Tiny(nn.Module):
    """Convolution, batch norm, dropout, pooling, linear: what an export and a quantiser usually meet."""

    def __init__(self, classes: int = len(LABELS), channels: int = 3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, 12, 3, padding=1)
        self.norm = nn.BatchNorm2d(12)
        self.drop = nn.Dropout(0.5)
        self.linear = nn.Linear(12, classes)

    def forward(self, images: Tensor) -> Tensor:
        hidden = torch.relu(self.norm(self.conv(images)))
        out: Tensor = self.linear(self.drop(hidden).mean((2, 3)))
        return out


def tiny(channels: int = 3) -> Tiny:
    """Return a `Tiny` in training mode with seeded weights large enough that labels differ."""
    generator = torch.Generator().manual_seed(5)
    module = Tiny(channels=channels)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.5)
        module.linear.weight.mul_(4)
        for buffer in (module.norm.running_mean, module.norm.running_var):
            if buffer is not None:
                buffer.copy_(torch.rand(buffer.shape, generator=generator) + 0.5)
    return module


def tiny_card() -> ModelCard:
    return ModelCard(labels=LABELS, size_hw=SIZE_HW, baked_normalisation=True)


def blobs(count: int, seed: int = 3, size_hw: tuple[int, int] = (24, 20)) -> NDArray[np.uint8]:
    """Return (count, h, w, 3) uint8: smooth coloured slopes, as unlike noise as photographs are."""
    generator = np.random.default_rng(seed)
    rows, columns = np.mgrid[0 : 1 : size_hw[0] * 1j, 0 : 1 : size_hw[1] * 1j]
    pictures = []
    for _ in range(count):
        base, down, right = (
            generator.uniform(0, 255, 3),
            generator.uniform(-120, 120, 3),
            generator.uniform(-120, 120, 3),
        )
        pictures.append(base + rows[..., None] * down + columns[..., None] * right)
    drawn: NDArray[np.uint8] = np.clip(np.stack(pictures), 0, 255).round().astype(np.uint8)
    return drawn


def clear_blobs(count: int, seed: int = 3) -> NDArray[np.uint8]:
    """Return the `count` pictures, of three times as many, that `tiny` reads with the largest margin."""
    drawn = blobs(3 * count, seed, SIZE_HW)
    with torch.no_grad():
        logits = tiny().eval()(torch.from_numpy(drawn.transpose(0, 3, 1, 2) / np.float32(255)))
    best = logits.sort(dim=1).values
    order = (best[:, -1] - best[:, -2]).argsort(descending=True)
    clear: NDArray[np.uint8] = drawn[order[:count].numpy()]
    return clear


def write_factory(folder: Path) -> Path:
    path = folder / "factory.py"
    path.write_text(FACTORY, encoding="utf-8")
    return path
