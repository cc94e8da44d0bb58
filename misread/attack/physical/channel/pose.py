"""Stage: where the camera stands. A homography from the crop back to the sheet, sampled at the projected size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch.nn.functional import grid_sample, interpolate

from misread.attack.physical.channel.ranges import Range, centred, chance, require_probability
from misread.attack.physical.channel.stage import Draw
from misread.errors import OptionError

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.physical.channel.stage import View

MIN_HEIGHTS = 1.2  # Of the picture, from the lens to the sheet.
_UNIT = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]], dtype=torch.float64)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pose:
    """Angles of the sheet to the camera, and how well the crop is placed; per frame.

    The crop is either the upright box around the tilted picture, or, with probability ``rectified``, the picture warped
    upright again. ``distance`` counts picture heights from the lens to the sheet and sets the strength of perspective.
    ``scale``, ``shift`` and ``corner`` are errors of the crop as fractions of its side.
    """

    name: ClassVar[str] = "pose"
    yaw_deg: Range = centred(40.0)
    pitch_deg: Range = centred(15.0)
    roll_deg: Range = centred(8.0)
    distance: Range = Range(low=1.5, high=12.0, neutral=12.0, log=True)
    rectified: float = 0.5
    scale: Range = centred(0.05)
    shift: Range = centred(0.05)
    corner: Range = centred(0.02)

    def __post_init__(self) -> None:
        """Refuse poses behind the sheet or inside the lens."""
        require_probability("rectified", self.rectified)
        tilts = (self.yaw_deg, self.pitch_deg)
        if not all(tilt.low >= -80 and tilt.high <= 80 for tilt in tilts):
            message = f"yaw and pitch lie within 80 degrees, got {self.yaw_deg} and {self.pitch_deg}"
            raise OptionError(message)
        if not self.distance.low >= MIN_HEIGHTS:
            message = f"the lens is at least {MIN_HEIGHTS} picture heights away, got {self.distance.low}"
            raise OptionError(message)
        if not all(r.low >= -0.3 and r.high <= 0.3 for r in (self.scale, self.shift, self.corner)):
            message = f"the crop errs by at most 0.3 of its side, got {self.scale}, {self.shift} and {self.corner}"
            raise OptionError(message)

    def draw(self, frames: int, severity: float, generator: torch.Generator) -> Draw:
        """Draw (frames,) angles and errors, (frames, 2) shifts and (frames, 4, 2) corner errors."""
        plain = ("yaw_deg", "pitch_deg", "roll_deg", "distance", "scale")
        values = {name: getattr(self, name).draw(frames, severity, generator) for name in plain}
        values["rectified"] = chance(self.rectified, frames, 1.0, generator)
        values["shift"] = self.shift.draw(2 * frames, severity, generator).view(-1, 2)
        values["corner"] = self.corner.draw(8 * frames, severity, generator).view(-1, 4, 2)
        return Draw(self.name, values)

    def apply(self, pixels: Tensor, draw: Draw, view: View) -> Tensor:
        """Padded texture (1, 3, h + 2m, w + 2m) in, crops (frames, 3, *render_hw) out."""
        (h, w), m = view.picture_hw, view.margin_px
        back = homography(picture_corners(draw, w / h), _UNIT.expand(len(draw["scale"]), 4, 2))
        places = _project(back, _crop_grid(view.render_hw))
        # From fractions of the picture to grid_sample's -1 to 1 over the padded texture.
        side = torch.tensor([w, h], dtype=torch.float64)
        grid = 2 * (places * side + m) / (side + 2 * m) - 1
        texture = _reduced(pixels, view)
        spread = texture.expand(len(grid), -1, -1, -1)
        return grid_sample(spread, grid.to(pixels), mode="bilinear", padding_mode="border", align_corners=False)


def picture_corners(draw: Draw, aspect: float) -> Tensor:
    """Corners of the picture in the crop, as fractions of its sides: (n, 4, 2) x and y, clockwise from the top left."""
    seen = _projected(draw, aspect)
    low, high = seen.amin(1, keepdim=True), seen.amax(1, keepdim=True)
    boxed = (seen - low) / (high - low)
    quad = torch.where(draw["rectified"].view(-1, 1, 1) > 0, _UNIT, boxed)
    shift, scale = draw["shift"].double()[:, None], draw["scale"].double().view(-1, 1, 1)
    return (quad - 0.5 - shift) / (1 + scale) + 0.5 + draw["corner"].double()


def _projected(draw: Draw, aspect: float) -> Tensor:
    yaw, pitch, roll = (draw[name].double().deg2rad() for name in ("yaw_deg", "pitch_deg", "roll_deg"))
    half = torch.tensor([[-aspect, -1.0], [aspect, -1.0], [aspect, 1.0], [-aspect, 1.0]], dtype=torch.float64)
    x, y = half[:, 0] * yaw.cos()[:, None], half[:, 1].expand(len(yaw), 4)
    z = half[:, 0] * yaw.sin()[:, None]
    y, z = y * pitch.cos()[:, None] - z * pitch.sin()[:, None], y * pitch.sin()[:, None] + z * pitch.cos()[:, None]
    away = 2 * draw["distance"].double()[:, None]  # the half height is the unit here
    x, y = x * away / (away + z), y * away / (away + z)
    c, s = roll.cos()[:, None], roll.sin()[:, None]
    return torch.stack([c * x - s * y, s * x + c * y], -1)


def homography(source: Tensor, target: Tensor) -> Tensor:
    """Matrices (n, 3, 3) that carry four points each to four others, both (n, 4, 2) float64."""
    x, y = source.unbind(-1)
    u, v = target.unbind(-1)
    one, zero = torch.ones_like(x), torch.zeros_like(x)
    across = torch.stack([x, y, one, zero, zero, zero, -u * x, -u * y], -1)
    down = torch.stack([zero, zero, zero, x, y, one, -v * x, -v * y], -1)
    solved = torch.linalg.solve(torch.cat([across, down], 1), torch.cat([u, v], 1))
    return torch.cat([solved, one[:, :1]], 1).view(-1, 3, 3)


def _crop_grid(render_hw: tuple[int, int]) -> Tensor:
    h, w = render_hw
    down, right = torch.meshgrid(
        (torch.arange(h, dtype=torch.float64) + 0.5) / h,
        (torch.arange(w, dtype=torch.float64) + 0.5) / w,
        indexing="ij",
    )
    return torch.stack([right, down, torch.ones_like(right)], -1)


def _project(matrices: Tensor, points: Tensor) -> Tensor:
    carried = torch.einsum("nij,hwj->nhwi", matrices, points)
    return carried[..., :2] / carried[..., 2:]


def _reduced(texture: Tensor, view: View) -> Tensor:
    # The frames then sample about one texel per pixel: reducing once stands for an area filter in each of them.
    factor = view.render_hw[0] / view.picture_hw[0]
    if factor >= 1:
        return texture
    size = [max(1, round(side * factor)) for side in texture.shape[-2:]]
    return interpolate(texture, size=size, mode="bilinear", antialias=True)
