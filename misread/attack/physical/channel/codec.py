"""Stage: chroma subsampling and JPEG. What rounding does goes forward; gradients pass straight through it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch.nn.functional import avg_pool2d, interpolate, pad

from misread.attack.physical.channel.ranges import Range, chance, require_probability
from misread.attack.physical.channel.stage import Draw

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.physical.channel.stage import View

_BLOCK = 8
# ITU-T T.81, annex K: the example tables that almost every encoder scales.
_LUMA_TABLE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMA_TABLE = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *(((99,) * 8,) * 4),
)
_TO_YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
_FROM_YCC = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))


@dataclass(frozen=True, kw_only=True, slots=True)
class Codec:
    """Quality as libjpeg counts it, per clip; 100 quantises nothing. ``subsampled`` is the chance of 4:2:0 chroma."""

    name: ClassVar[str] = "codec"
    quality: Range = Range(low=50, high=95, neutral=100)
    subsampled: float = 0.85

    def __post_init__(self) -> None:
        """Refuse what is no probability."""
        require_probability("subsampled", self.subsampled)

    def draw(self, frames: int, severity: float, generator: torch.Generator) -> Draw:
        """Draw (1,) quality and whether chroma is halved."""
        del frames
        quality = self.quality.draw(1, severity, generator)
        return Draw(self.name, {"quality": quality, "subsampled": chance(self.subsampled, 1, severity, generator)})

    def apply(self, pixels: Tensor, draw: Draw, view: View) -> Tensor:
        """Coded values in and out."""
        # Blocks of 8 rendered pixels stand for larger ones on the sensor, which lose less of each detail.
        quality = 100 - (100 - draw["quality"].item()) * view.ratio
        halved = bool(draw["subsampled"].item())
        if quality >= 100 and not halved:
            return pixels
        planes = torch.einsum("kc,nchw->nkhw", torch.tensor(_TO_YCC).to(pixels), pixels)
        luma, chroma = planes[:, :1], planes[:, 1:]
        chroma = _halve(chroma) if halved else chroma
        if quality < 100:
            luma, chroma = _quantised(luma, _LUMA_TABLE, quality), _quantised(chroma, _CHROMA_TABLE, quality)
        if halved:
            chroma = interpolate(chroma, scale_factor=2, mode="bilinear")[..., : pixels.shape[-2], : pixels.shape[-1]]
        planes = torch.cat([luma, chroma], 1)
        return torch.einsum("ck,nkhw->nchw", torch.tensor(_FROM_YCC).to(pixels), planes).clamp(0, 1)


def _halve(chroma: Tensor) -> Tensor:
    h, w = chroma.shape[-2:]
    return avg_pool2d(pad(chroma, (0, w % 2, 0, h % 2), mode="replicate"), 2)


def _quantised(plane: Tensor, table: tuple[tuple[int, ...], ...], quality: float) -> Tensor:
    with torch.no_grad():
        lost = _round_trip(plane, quantisation_table(table, quality)) - plane
    return plane + lost


def quantisation_table(table: tuple[tuple[int, ...], ...], quality: float) -> Tensor:
    """Scale a table to a quality from 1 to 100 as libjpeg does, (8, 8) float32 in levels."""
    percent = 5000 / quality if quality < 50 else 200 - 2 * quality
    return ((torch.tensor(table) * percent + 50) / 100).floor().clamp(1, 255)


def _round_trip(plane: Tensor, table: Tensor) -> Tensor:
    n, c, h, w = plane.shape
    around = pad(plane, (0, -w % _BLOCK, 0, -h % _BLOCK), mode="replicate")
    high, wide = around.shape[-2] // _BLOCK, around.shape[-1] // _BLOCK
    blocks = around.view(n, c, high, _BLOCK, wide, _BLOCK).transpose(3, 4)
    cosines, steps = _cosines().to(plane), (table / 255).to(plane)
    coefficients = ((cosines @ blocks @ cosines.T) / steps).round() * steps
    back = (cosines.T @ coefficients @ cosines).transpose(3, 4).reshape(n, c, high * _BLOCK, wide * _BLOCK)
    return back[..., :h, :w]


def _cosines() -> Tensor:
    row = torch.arange(_BLOCK, dtype=torch.float64)
    matrix = torch.cos(math.pi / _BLOCK * (row + 0.5)[None] * row[:, None]) * math.sqrt(2 / _BLOCK)
    matrix[0] /= math.sqrt(2)
    return matrix.float()
