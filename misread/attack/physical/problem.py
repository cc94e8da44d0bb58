"""What a physical attack gets: one picture, its meaning, and how it will be seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from misread.attack.goal import Untargeted
from misread.attack.physical.measure import Measured, measure
from misread.attack.settle import settle
from misread.errors import InputError, OptionError

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.goal import Goal
    from misread.attack.physical.channel import Channel, Clip
    from misread.attack.problem import Model
    from misread.attack.threat import Threat


@dataclass(frozen=True, kw_only=True, slots=True)
class PhysicalProblem:
    """One picture to be changed so that it is misread however it is captured.

    Attributes:
        channel: Draws captures and shows pictures in them.
        model: (n, c, h, w) in [0, 1] -> logits. The caller keeps it frozen.
        picture: (3, h, w) in [0, 1], on the 256 levels.
        mask: (h, w) bool, the pixels that may change.
        truth: Class that the picture shows.
        threat: What may be done to them; Linf so far.
        goal: What counts as success.
        covers: The change covers what was there, so its controls move colours, not differences.

    Raises:
        InputError: Picture and mask do not fit, or the mask is empty.
        OptionError: The threat has no bound, or another norm.
    """

    channel: Channel
    model: Model
    picture: Tensor
    mask: Tensor
    truth: int
    threat: Threat
    goal: Goal = field(default_factory=Untargeted)
    covers: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be attacked."""
        if self.picture.ndim != 3 or self.picture.shape[0] != 3 or self.mask.shape != self.picture.shape[1:]:
            shapes = f"{tuple(self.picture.shape)} and {tuple(self.mask.shape)}"
            message = f"expected a picture (3, h, w) and a mask (h, w) of its size, got {shapes}"
            raise InputError(message)
        if self.mask.dtype != torch.bool or not bool(self.mask.any()):
            message = "the mask must be bool and mark at least one pixel that may change"
            raise InputError(message)
        if not bool(((self.picture >= 0) & (self.picture <= 1)).all()):
            message = "the picture must be finite and lie in [0, 1]; divide 8-bit values by 255"
            raise InputError(message)
        if self.threat.norm != "linf" or self.threat.eps is None:
            message = f"a physical change is bounded by linf and an eps such as 16/255, got {self.threat}"
            raise OptionError(message)

    def settled(self, proposal: Tensor) -> Tensor:
        """Bring a proposal (3, h, w) into the threat and the mask and onto the grid."""
        return settle(self.picture[None], proposal[None], threat=self.threat, mask=self.mask).images[0]

    def draw(self, clips: int, frames: int, severity: float, generator: torch.Generator) -> tuple[Clip, ...]:
        """Draw several clips for this picture."""
        size_hw = (int(self.picture.shape[1]), int(self.picture.shape[2]))
        return tuple(self.channel.draw(size_hw, frames, severity, generator) for _ in range(clips))

    def measure(self, picture: Tensor, clips: tuple[Clip, ...]) -> Measured:
        """Count the frames in which a picture reaches the goal."""
        return measure(self.channel, self.model, picture, clips, truth=self.truth, goal=self.goal)
