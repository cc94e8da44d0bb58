"""From a proposal to an image that a file can hold: the only road by which an attack's pixels leave it."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from misread.attack.project import ball_of
from misread.attack.threat import FULL_SCALE, Threat


class Settled(NamedTuple):
    """Settled images and what was refused.

    Attributes:
        images: (n, c, h, w), the proposals inside box, mask, ball and grid. A refused row is the clean image.
        refused: (n,) bool, proposals with a value that is not finite: they count as no proposal.
        size: (n,) float64, norm of the settled change.
    """

    images: Tensor
    refused: Tensor
    size: Tensor


def settle(images: Tensor, proposal: Tensor, *, threat: Threat, mask: Tensor | None = None) -> Settled:
    """Bring proposals into what the threat allows, and onto its grid.

    In this order: rows that are not finite are refused, values outside [0, 1] are clipped, the mask is applied, the
    change is projected on the ball, values go to the nearest of the 256 levels and stay inside the whole-level ball
    (``linf``: at most floor(255 eps + 1e-6) levels; ``l2`` and ``l1``: values step back until the length fits; ``l0``:
    rounding adds no pixel).

    Args:
        images: (n, c, h, w) float in [0, 1], clean; on the grid when ``threat.levels`` is 256.
        proposal: Same shape, anything.
        threat: What is allowed.
        mask: Bool, True where pixels may change; broadcasts to ``images``. None allows all.

    Returns:
        Images that can be written to a file without any further change.
    """
    refused = ~torch.isfinite(proposal).flatten(1).all(1)
    safe = torch.where(refused.view(-1, 1, 1, 1), images, proposal).clamp(0, 1)
    delta = safe - images
    if mask is not None:
        delta = delta * mask.to(delta.dtype)
    flat = delta.flatten(1)
    ball = ball_of(threat.norm, images.shape[1])
    if threat.levels is None:
        final = images + ball.project(flat, threat.radius).view_as(images)
        final = final.clamp(0, 1)
        return Settled(final, refused, ball.size((final.double() - images.double()).flatten(1)))
    clean = (images.flatten(1) * FULL_SCALE).round()
    unit = FULL_SCALE if ball.scales else 1
    limit = unit * (threat.radius if threat.norm != "linf" or threat.eps is None else threat.eps)
    whole = ball.whole(ball.project(flat * FULL_SCALE, limit), threat.radius)
    final = ((clean + whole) / FULL_SCALE).view_as(images)
    return Settled(final, refused, ball.size(whole) / unit)
