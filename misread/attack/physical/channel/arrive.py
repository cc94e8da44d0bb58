"""Last step: the crop as the deployed reader prepares it, with the project's one resize rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from misread.pixels import placement, placing_weights
from misread.resample import clips_between, height_goes_first

if TYPE_CHECKING:
    from torch import Tensor

    from misread.card import ModelCard

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
    rows, columns = (torch.from_numpy(axis).to(crops) for axis in placing_weights(crops.shape[-2:], card))
    padding = card.pad_level / 255 * ~(rows.any(dim=1)[:, None] & columns.any(dim=1))
    height_first = height_goes_first(crops.shape[-2:], placement(crops.shape[-2:], card)[0])
    half = rows @ crops if height_first else crops @ columns.T
    half = half.clamp(0, 1) if clips_between(card.interpolation, antialias=card.antialias) else half
    fitted = (half @ columns.T if height_first else rows @ half).clamp(0, 1) + padding
    if card.channels == 1:
        fitted = (fitted * torch.tensor(_LUMA).to(fitted).view(1, 3, 1, 1)).sum(1, keepdim=True)
    return to_levels(fitted)


def to_levels(images: Tensor) -> Tensor:
    """Round to the 256 levels in the forward direction only."""
    return images + ((images * 255).round() / 255 - images).detach()
