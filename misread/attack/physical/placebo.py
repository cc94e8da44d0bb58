"""The control: a change of the same size at the same place that was not looked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from misread.attack.settle import settle

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.threat import Threat


def shuffled(clean: Tensor, changed: Tensor, mask: Tensor, threat: Threat, generator: torch.Generator) -> Tensor:
    """Move each changed pixel's change, its three channels together, to another pixel of the mask.

    Args:
        clean: (3, h, w) in [0, 1].
        changed: (3, h, w) in [0, 1].
        mask: (h, w) bool.
        threat: What the change was allowed; the placebo stays inside it too.
        generator: Source of the order.

    Returns:
        (3, h, w), settled. Where a moved change would leave [0, 1] it is cut.
    """
    delta = changed - clean
    inside = delta[:, mask]
    order = torch.randperm(inside.shape[1], generator=generator)
    moved = torch.zeros_like(delta)
    moved[:, mask] = inside[:, order]
    return settle(clean[None], (clean + moved)[None], threat=threat, mask=mask).images[0]


def mirrored(clean: Tensor, changed: Tensor, mask: Tensor, threat: Threat) -> Tensor:
    """Mirror the change left to right: unlike the shuffled one it keeps its grain, so blur spares it alike."""
    return settle(clean[None], (clean + (changed - clean).flip(-1))[None], threat=threat, mask=mask).images[0]


def shuffled_colours(clean: Tensor, changed: Tensor, mask: Tensor, generator: torch.Generator) -> Tensor:
    """Move each colour of what covers the mask to another of its pixels: same place, same colours, no order.

    Args:
        clean: (3, h, w) in [0, 1].
        changed: (3, h, w) in [0, 1], on the 256 levels.
        mask: (h, w) bool, what is covered.
        generator: Source of the order.

    Returns:
        (3, h, w).
    """
    placebo = clean.clone()
    colours = changed[:, mask]
    placebo[:, mask] = colours[:, torch.randperm(colours.shape[1], generator=generator)]
    return placebo


def turned_colours(clean: Tensor, changed: Tensor, mask: Tensor) -> Tensor:
    """Reverse the colours of what covers the mask, pixel by pixel: of one rectangle, a half turn.

    One rectangle keeps place, colours, grain and spectrum; of several unlike ones some rows come to lie broken.
    """
    placebo = clean.clone()
    placebo[:, mask] = changed[:, mask].flip(-1)
    return placebo
