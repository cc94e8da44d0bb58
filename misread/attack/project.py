"""The norms by name: size, projection, steepest step, and the shortest way to a half-space inside a box.

Everything works on flat rows, (n, d). A new norm is one file in `balls` and one line in ``BALLS``.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from misread.attack.balls.base import TINY, Ball
from misread.attack.balls.l0 import L0
from misread.attack.balls.l1 import L1
from misread.attack.balls.l2 import L2
from misread.attack.balls.linf import Linf
from misread.registry import by_name

__all__ = ["BALLS", "TINY", "Ball", "ball_of", "room_along"]

BALLS: Final[tuple[Ball, ...]] = (Linf(), L2(), L1(), L0())


def ball_of(norm: str, channels: int = 1) -> Ball:
    """The ball of a norm.

    Args:
        norm: Its name.
        channels: Of the images, c: ``l0`` counts pixels, whose c values are d / c apart in a flat row.

    Raises:
        UnknownName: no such norm.
    """
    ball = by_name("norm", BALLS, norm)
    return L0(channels) if isinstance(ball, L0) else ball


def room_along(normal: Tensor, images: Tensor) -> Tensor:
    """Room of each value along the normal's sign: 1 - x where the normal rises, x where it falls, 0 where it is 0."""
    return torch.where(normal > 0, 1 - images, torch.where(normal < 0, images, torch.zeros_like(images)))
