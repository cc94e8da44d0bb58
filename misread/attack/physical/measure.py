"""How a picture fares in clips drawn beforehand: the same clips for every arm, so that arms compare in pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from misread.attack.goal import achieved, margin
from misread.stats import Rate, clip_rate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from misread.attack.goal import Goal
    from misread.attack.physical.channel import Channel, Clip
    from misread.attack.problem import Model


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """One picture in several clips.

    Attributes:
        hits: Frames per clip in which the goal is reached.
        frames: Frames per clip.
        margin: Mean over all frames of best unwanted minus best wanted logit, in standard deviations of the logits; at
            most 10 either way. Infinite when a logit is not finite.
    """

    hits: tuple[int, ...]
    frames: tuple[int, ...]
    margin: float

    @property
    def rate(self) -> Rate:
        """Share of frames with a clip-level interval."""
        return clip_rate(self.hits, self.frames)

    @property
    def share(self) -> float:
        """Share of frames in which the goal is reached."""
        return sum(self.hits) / max(1, sum(self.frames))

    def better_than(self, other: Measured) -> bool:
        """More frames reached, or as many with more room."""
        return (self.share, -self.margin) > (other.share, -other.margin)


def measure(
    channel: Channel, model: Model, picture: Tensor, clips: Sequence[Clip], *, truth: int, goal: Goal
) -> Measured:
    """Show a picture in each clip and count the frames that reach the goal.

    Args:
        channel: The one that drew the clips.
        model: (n, c, h, w) in [0, 1] -> logits.
        picture: (3, h, w) in [0, 1].
        clips: What to measure under.
        truth: Class that the picture shows.
        goal: What counts as reached. A frame with a logit that is not finite never does.
    """
    hits, margins = [], []
    with torch.no_grad():
        for clip in clips:
            logits = model(channel.apply(picture, clip))
            wanted = goal.wanted(torch.full((len(logits),), truth), logits.shape[1]).to(logits.device)
            hits.append(int(achieved(logits, wanted).sum()))
            room = (margin(logits, wanted) / spread(logits)).clamp(-10, 10)
            margins.append(torch.where(torch.isfinite(logits).all(1), room, torch.inf))
    mean = float(torch.cat(margins).double().mean()) if margins else 0.0
    return Measured(hits=tuple(hits), frames=tuple(clip.frames for clip in clips), margin=mean)


def spread(logits: Tensor) -> Tensor:
    """Standard deviation of each row of logits, (n,), without gradient: the unit in which margins compare."""
    return logits.detach().std(1, correction=0).clamp_min(1e-6)
