"""The channel itself: a picture goes in, and what the deployed reader would be fed comes out."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

import torch

from misread.attack.physical.channel.arrive import arrive
from misread.attack.physical.channel.pose import Pose
from misread.attack.physical.channel.stage import Draw, View
from misread.errors import OptionError

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.physical.channel.backdrop import Backdrop
    from misread.attack.physical.channel.profile import Profile
    from misread.card import ModelCard


@dataclass(frozen=True, kw_only=True, slots=True)
class Clip:
    """All that was drawn for one simulated clip: one print, one camera setting, ``frames`` poses.

    Applying the same clip to two pictures shows both under exactly the same conditions, noise included.
    """

    profile: str
    version: int
    severity: float
    frames: int
    view: View
    draws: tuple[Draw, ...]
    distance_m: float | None = None
    behind: Draw | None = None

    def log(self) -> dict[str, Any]:
        """Everything drawn, as JSON types."""
        return {
            "profile": self.profile,
            "version": self.version,
            "severity": self.severity,
            "frames": self.frames,
            "distance_m": self.distance_m,
            "sensor_px": self.view.sensor_px,
            "render_hw": list(self.view.render_hw),
            "stages": {draw.stage: draw.log() for draw in (*((self.behind,) if self.behind else ()), *self.draws)},
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Channel:
    """A differentiable channel for one profile and one deployed reader.

    Attributes:
        profile: What capture does.
        card: How the reader prepares what it is given.
        backdrop: What the sign stands before, drawn for each clip; None leaves the picture as it is.
    """

    profile: Profile
    card: ModelCard
    backdrop: Backdrop | None = None

    def draw(self, picture_hw: tuple[int, int], frames: int, severity: float, generator: torch.Generator) -> Clip:
        """Draw one clip.

        Args:
            picture_hw: Size of the picture file in pixels.
            frames: Number of frames, at least 1.
            severity: 0 for a perfect capture, 1 for the full ranges of the profile.
            generator: Source of all randomness.

        Raises:
            OptionError: A severity outside [0, 1], or no frame.
        """
        if not (0 <= severity <= 1 and frames >= 1):
            message = f"a clip has a severity from 0 to 1 and at least one frame, got {severity} and {frames}"
            raise OptionError(message)
        sensor_px = self.profile.sensor_px.draw(1, severity, generator).item()
        draws = tuple(stage.draw(frames, severity, generator) for stage in self.profile.stages)
        lens = self.profile.lens
        if lens is not None:
            draws = tuple(_at(draw, lens.heights(sensor_px)) if draw.stage == Pose.name else draw for draw in draws)
        return Clip(
            profile=self.profile.name,
            version=self.profile.version,
            severity=severity,
            frames=frames,
            view=_view(picture_hw, sensor_px, self.profile.render_px),
            draws=draws,
            distance_m=None if lens is None else lens.distance_m(sensor_px),
            behind=None if self.backdrop is None else self.backdrop.draw(severity, generator),
        )

    def apply(self, picture: Tensor, clip: Clip) -> Tensor:
        """Show a picture to the reader.

        Args:
            picture: (3, h, w) in [0, 1], of the size that the clip was drawn for.
            clip: What `draw` returned.

        Returns:
            (clip.frames, 3, *card.size_hw) prepared images in [0, 1], differentiable in the picture.

        Raises:
            OptionError: The picture has another size.
        """
        if picture.shape != (3, *clip.view.picture_hw):
            message = f"the clip was drawn for a picture of {clip.view.picture_hw}, got {tuple(picture.shape)}"
            raise OptionError(message)
        if self.backdrop is not None and clip.behind is not None:
            picture = self.backdrop.apply(picture, clip.behind)
        pixels = picture[None]
        for stage, draw in zip(self.profile.stages, clip.draws, strict=True):
            pixels = stage.apply(pixels, draw, clip.view)
        return arrive(pixels, self.card)


def _at(pose: Draw, heights: float) -> Draw:
    # Size and perspective come from one distance.
    return Draw(pose.stage, {**pose.values, "distance": torch.full_like(pose["distance"], heights)})


def _view(picture_hw: tuple[int, int], sensor_px: float, render_px: int) -> View:
    h, w = picture_hw
    high = max(8, min(render_px, round(sensor_px)))
    return View(
        picture_hw=picture_hw,
        sensor_px=sensor_px,
        render_hw=(high, max(8, round(high * w / h))),
        margin_px=2 * ceil(max(1.0, h / high)),
    )
