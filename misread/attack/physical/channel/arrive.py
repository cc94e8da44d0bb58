"""Last step: the crop as the deployed reader prepares it, with the project's one resize rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from misread.pixels import crop_plan
from misread.resample import resize_weights

if TYPE_CHECKING:
    from torch import Tensor

    from misread.card import Interpolation, ModelCard

_LUMA = (0.299, 0.587, 0.114)


def arrive(crops: Tensor, card: ModelCard) -> Tensor:
    """8-bit crops of any size to prepared images at the card's size; rounding passes gradients straight through.

    Args:
        crops: (n, 3, h, w) in [0, 1].
        card: How the deployed reader resizes.

    Returns:
        (n, card.channels, *card.size_hw) in [0, 1], on the 8-bit grid.
    """
    crops = to_levels(crops)
    if card.resize == "squash":
        fitted = _resized(crops, card.size_hw, card)
    else:
        size, (top, left) = crop_plan(crops.shape[-2:], card)
        fitted = _resized(crops, size, card)[..., top : top + card.size_hw[0], left : left + card.size_hw[1]]
    if card.channels == 1:
        fitted = (fitted * torch.tensor(_LUMA).to(fitted).view(1, 3, 1, 1)).sum(1, keepdim=True)
    return to_levels(fitted)


def to_levels(images: Tensor) -> Tensor:
    """Round to the 256 levels in the forward direction only."""
    return images + ((images * 255).round() / 255 - images).detach()


def _resized(images: Tensor, size_hw: tuple[int, int], card: ModelCard) -> Tensor:
    if tuple(images.shape[-2:]) == size_hw:
        return images
    rows = _weights(images.shape[-2], size_hw[0], card.interpolation, antialias=card.antialias).to(images)
    columns = _weights(images.shape[-1], size_hw[1], card.interpolation, antialias=card.antialias).to(images)
    return (rows @ (images @ columns.T).clamp(0, 1)).clamp(0, 1)


def _weights(size_in: int, size_out: int, interpolation: Interpolation, *, antialias: bool) -> Tensor:
    return torch.tensor(resize_weights(size_in, size_out, interpolation, antialias))
