"""The closed-form answer: for a linear classifier the smallest misreading change inside the box can be computed.

All sums run in float64 and in numpy, so that nothing here shares code with the attacks.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Instance:
    """A linear classifier z = scale (W x + b), images (n, c, h, w) and their labels."""

    weight: Floats
    bias: Floats
    images: Tensor
    labels: Tensor

    def model(self, scale: float = 1.0) -> nn.Module:
        """The classifier in torch, in the images' own type."""
        layer = nn.Linear(self.weight.shape[1], len(self.weight))
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(self.weight) * scale)
            layer.bias.copy_(torch.from_numpy(self.bias) * scale)
        return nn.Sequential(nn.Flatten(), layer).to(self.images.dtype).eval()

    def optimum(self, norm: str, target: int | None = None) -> Floats:
        """Smallest size of a misreading change for each image, (n,); inf where none exists."""
        flat = self.images.flatten(1).double().numpy()
        found = []
        for x, label in zip(flat, self.labels.tolist(), strict=True):
            logits = self.weight @ x + self.bias
            rivals = [k for k in range(len(logits)) if k != label] if target is None else [target]
            found.append(min(self._distance(norm, x, label, k, logits) for k in rivals))
        return np.array(found)

    def optimum_levels(self) -> Floats:
        """Smallest whole number of levels for linf on the grid, strictly past the boundary; inf where none exists."""
        flat = np.round(self.images.flatten(1).double().numpy() * 255)
        found = []
        for levels, label in zip(flat, self.labels.tolist(), strict=True):
            logits = self.weight @ (levels / 255) + self.bias
            found.append(min(self._whole(levels, label, k, logits) for k in range(len(logits)) if k != label))
        return np.array(found)

    def optimum_by_trial(self, norm: str, mask: Tensor, most: int) -> Floats:
        """Smallest size on the grid of a change that is misread, by trying all of at most ``most`` levels a value.

        Only for a handful of values; inf where none of the changes is misread.
        """
        levels = np.round(self.images.flatten(1).double().numpy() * 255)
        moves = np.array(list(itertools.product(range(-most, most + 1), repeat=int(mask.sum()))))
        steps = np.zeros((len(moves), levels.shape[1]))
        steps[:, mask.flatten().numpy()] = moves
        sizes, found = _sizes(norm, steps), []
        for clean, label in zip(levels, self.labels.tolist(), strict=True):
            ends = clean + steps
            inside = ((ends >= 0) & (ends <= 255)).all(1)
            logits = ends / 255 @ self.weight.T + self.bias
            others = np.delete(logits, label, axis=1).max(1)
            found.append(np.min(sizes[inside & (others > logits[:, label])], initial=np.inf))
        return np.array(found)

    def _distance(self, norm: str, x: Floats, label: int, rival: int, logits: Floats) -> float:
        toward = self.weight[rival] - self.weight[label]
        return DISTANCES[norm](np.abs(toward), np.where(toward > 0, 1 - x, x), logits[label] - logits[rival])

    def _whole(self, levels: Floats, label: int, rival: int, logits: Floats) -> float:
        toward = self.weight[rival] - self.weight[label]
        room = np.where(toward > 0, 255 - levels, levels)
        for count in range(1, 256):
            if np.abs(toward) @ np.minimum(count, room) / 255 > logits[label] - logits[rival]:
                return float(count)
        return np.inf


def _sizes(norm: str, levels: Floats) -> Floats:
    absolute = np.abs(levels)
    sizes: Floats = {
        "linf": absolute.max(1) / 255,
        "l2": np.sqrt((absolute**2).sum(1)) / 255,
        "l1": absolute.sum(1) / 255,
        "l0": (absolute > 0).sum(1).astype(np.float64),
    }[norm]
    return sizes


def linf(slope: Floats, room: Floats, deficit: float) -> float:
    """Bisection on the radius."""
    return _bisect(lambda t: float(slope @ np.minimum(t, room)), 1.0, deficit)


def l2(slope: Floats, room: Floats, deficit: float) -> float:
    """Bisection on the multiplier; the answer is the length of the point it gives."""
    top = float((room[slope > 0] / slope[slope > 0]).max()) if (slope > 0).any() else 1.0
    factor = _bisect(lambda t: float(slope @ np.minimum(t * slope, room)), top, deficit)
    return float(np.linalg.norm(np.minimum(factor * slope, room))) if np.isfinite(factor) else np.inf


def l1(slope: Floats, room: Floats, deficit: float) -> float:
    """Fill the steepest first."""
    order = np.argsort(-slope)
    gains, used = np.cumsum(slope[order] * room[order]), np.cumsum(room[order])
    if gains[-1] < deficit:
        return np.inf
    last = int(np.searchsorted(gains, deficit))
    missing = (deficit - (gains[last - 1] if last else 0.0)) / max(slope[order][last], 1e-300)
    return float((used[last - 1] if last else 0.0) + missing)


def l0(slope: Floats, room: Floats, deficit: float) -> float:
    """Count the largest gains."""
    gains = np.cumsum(np.sort(slope * room)[::-1])
    return np.inf if gains[-1] < deficit else float(np.searchsorted(gains, deficit) + 1)


DISTANCES: Final = MappingProxyType({"linf": linf, "l2": l2, "l1": l1, "l0": l0})


def _bisect(gain: Callable[[float], float], top: float, deficit: float) -> float:
    if gain(top) < deficit:
        return np.inf
    low, high = 0.0, top
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if gain(middle) >= deficit else (middle, high)
    return high


def instance_b(count: int = 64) -> Instance:
    """The published instance: 10 classes, 784 values, margins as in a trained network. Its images are off the grid."""
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(10, 784, generator=generator, dtype=torch.float64)
    weight = weight / weight.norm(dim=1, keepdim=True)
    labels = torch.arange(64) % 10
    noise = torch.randn(64, 784, generator=generator, dtype=torch.float64)
    images = (0.5 + 0.25 * noise + 1.5 * weight[labels]).clamp(0, 1).float()
    return _labelled(weight.numpy(), images.view(64, 1, 28, 28)[:count])


def all_at(norm: str, size: float, count: int = 16) -> Instance:
    """Images of instance B's kind whose smallest misreading change is ``size`` for each, to 1 in 10,000.

    How strongly an image shows its class is found by bisection; so one run at one eps asks about all of them.
    """
    generator = torch.Generator().manual_seed(2)
    weight = instance_b(1).weight
    noise = 0.5 + 0.25 * torch.randn(count, 784, generator=generator, dtype=torch.float64)
    labels, shown = torch.arange(count) % 10, torch.from_numpy(weight)
    images = []
    for row in range(count):
        low, high, image = 0.0, 8.0, torch.empty(0)
        for _ in range(40):
            strength = (low + high) / 2
            image = (noise[row] + strength * shown[labels[row]]).clamp(0, 1).float().view(1, 1, 28, 28)
            one = _labelled(weight, image)
            reached = float(one.optimum(norm)[0]) if one.labels[0] == labels[row] else 0.0
            if abs(reached - size) <= 1e-4 * size:
                break
            low, high = (strength, high) if reached < size else (low, strength)
        images.append(image)
    return _labelled(weight, torch.cat(images))


def few_levels(count: int = 24) -> tuple[Instance, Tensor]:
    """Images of four values, each at most three levels from the wall towards which it should move, and a mask.

    A fifth value must not change and shifts the boundary: some images have no answer, others one between the levels.
    """
    random = np.random.default_rng(7)
    toward = np.array([1.0, -0.7, 0.45, 1.3])
    room = random.integers(0, 4, (count, 4))
    values = np.where(toward > 0, 255 - room, room)
    shift = random.integers(100, 156, (count, 1))
    weight = np.stack([np.zeros(5), np.append(toward, 0.1)]) * 5
    wall = float(weight[1, :4] @ (toward > 0)) + weight[1, 4] * 128 / 255
    images = torch.from_numpy(np.hstack([values, shift]) / 255).float().view(count, 1, 1, 5)
    mask = torch.tensor([True, True, True, True, False]).view(1, 1, 1, 5)
    return Instance(weight, np.array([wall - 0.003, 0.0]), images, torch.zeros(count, dtype=torch.int64)), mask


def on_grid(instance: Instance) -> Instance:
    """The same with its images rounded to 256 levels."""
    return _labelled(instance.weight, (instance.images * 255).round() / 255)


def _labelled(weight: Floats, images: Tensor) -> Instance:
    bias = -0.5 * weight.sum(1)
    read = (images.flatten(1).double().numpy() @ weight.T + bias).argmax(1)
    return Instance(weight, bias, images, torch.from_numpy(read))


def two_class(deficit_levels: float, *, values: int = 12, clean: int = 128) -> Instance:
    """A grey image of equal values that is misread once every value has moved by more than so many levels."""
    weight = np.stack([np.zeros(values), np.ones(values)])
    bias = np.array([values * (clean + deficit_levels) / 255, 0.0])
    images = torch.full((1, 1, 3, values // 3), clean / 255)
    return Instance(weight, bias, images, torch.zeros(1, dtype=torch.int64))
