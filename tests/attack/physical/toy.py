"""Small models and a short channel, so that a search takes a second."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from misread.attack.goal import Goal, Untargeted
from misread.attack.physical.channel import PROFILES, Channel, Range
from misread.attack.physical.problem import PhysicalProblem
from misread.attack.threat import Threat
from misread.card import ModelCard

CARD = ModelCard(labels=("a", "b", "c"), size_hw=(16, 16))
PROFILE = replace(PROFILES[0], render_px=24, sensor_px=Range(low=18, high=60, neutral=60, log=True))
CHANNEL = Channel(profile=PROFILE, card=CARD)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class Chequers(nn.Module):
    """Answers 0 to a flat picture, 1 to chequers and 2 to their negative.

    It looks twice as hard at chequers of single pixels, which no capture leaves, than at those of 4x4 pixels.
    """

    def __init__(self) -> None:
        super().__init__()
        place = torch.arange(16)
        fine, coarse = (((place[:, None] // size + place // size) % 2 * 2 - 1).float() for size in (1, 4))
        self.pattern = nn.Parameter((2 * fine + coarse) / 256)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits (n, 3) of (n, 3, 16, 16)."""
        seen = (x.mean(1) * self.pattern).sum((1, 2))
        return torch.stack([torch.full_like(seen, 0.006), seen, -seen], 1)


def problem(
    model: nn.Module | None = None, *, eps: float = 32 / 255, goal: Goal | None = None, seed: int = 0
) -> PhysicalProblem:
    """A mid-grey 32x32 picture with a little grain whose middle may change."""
    grain = torch.randint(124, 132, (3, 32, 32), generator=generator(seed))
    mask = torch.zeros(32, 32, dtype=torch.bool)
    mask[4:28, 4:28] = True
    return PhysicalProblem(
        channel=CHANNEL,
        model=Chequers() if model is None else model,
        picture=grain / 255,
        mask=mask,
        truth=0,
        threat=Threat(eps=eps),
        goal=goal or Untargeted(),
    )
