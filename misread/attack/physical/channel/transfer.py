"""The sRGB transfer curves (IEC 61966-2-1), with gradients that stay finite at black."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


def to_light(coded: Tensor) -> Tensor:
    """Coded value in [0, 1] to linear light in [0, 1]."""
    bright = ((coded.clamp_min(0.04045) + 0.055) / 1.055) ** 2.4
    return torch.where(coded > 0.04045, bright, coded / 12.92)


def to_coded(light: Tensor) -> Tensor:
    """Linear light in [0, 1] to coded value in [0, 1]."""
    bright = 1.055 * light.clamp_min(0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(light > 0.0031308, bright, light * 12.92)
