"""Which pixels are attacked: the prepared picture's, or the file's, through the device's resize, crop and padding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn

from misread.pixels import placement, placing_weights
from misread.resample import clips_between, height_goes_first

if TYPE_CHECKING:
    from collections.abc import Callable

    from misread.card import ModelCard

Space = Literal["input", "file"]


class FileView(nn.Module):
    """The card's geometry in front of a twin: pictures of one size in, logits out, differentiable.

    It multiplies by the same matrices as ``misread.pixels.fit`` and rounds where that rounds; the gradient passes the
    rounding as if it were not there.
    """

    def __init__(self, twin: Callable[[Tensor], Tensor], card: ModelCard, size_hw: tuple[int, int]) -> None:
        """Build the matrices.

        Args:
            twin: (n, c, h, w) in [0, 1] at ``card.size_hw`` -> logits.
            card: How a picture becomes the input.
            size_hw: Height and width of the pictures.
        """
        super().__init__()
        self.twin, self.grey = twin, card.colour == "grey"
        self.height_first = height_goes_first(size_hw, placement(size_hw, card)[0])
        self.clips = clips_between(card.interpolation, antialias=card.antialias)
        rows, columns = (torch.from_numpy(weights) for weights in placing_weights(size_hw, card))
        inside = rows.any(dim=1)[:, None] & columns.any(dim=1)
        self.register_buffer("rows", rows)
        self.register_buffer("columns", columns.T.contiguous())
        self.register_buffer("padding", card.pad_level * (~inside).float())

    def forward(self, x: Tensor) -> Tensor:
        """Logits of (n, 3, h, w) RGB in [0, 1] at the file's size."""
        return self.twin(self.prepared(x))

    def prepared(self, x: Tensor) -> Tensor:
        """The prepared picture, (n, 1 or 3, h, w) in [0, 1], on the 256 levels."""
        rows, columns, levels = self.get_buffer("rows"), self.get_buffer("columns"), x * 255
        half = rows @ levels if self.height_first else levels @ columns
        half = half.clamp(0, 255) if self.clips else half
        both = half @ columns if self.height_first else rows @ half
        pixels = _rounded(both).clamp(0, 255) + self.get_buffer("padding")
        if self.grey:
            luma = torch.tensor([19595, 38470, 7471], dtype=x.dtype, device=x.device).view(1, 3, 1, 1) / 65536
            pixels = _rounded((pixels * luma).sum(1, keepdim=True))
        return pixels / 255

    @property
    def chunk(self) -> int | None:
        """How many pictures a prepared twin takes at a time; None for any other."""
        chunk: int | None = getattr(self.twin, "chunk", None)
        return chunk

    @property
    def rough(self) -> bool:
        """Whether a prepared twin is rougher in gradient passes."""
        rough: bool = getattr(self.twin, "rough", False)
        return rough

    def for_gradient(self, x: Tensor) -> Tensor:
        """Logits to be differentiated, of at most ``chunk`` pictures."""
        ask: Callable[[Tensor], Tensor] = getattr(self.twin, "for_gradient", self.twin)
        return ask(self.prepared(x))


def _rounded(x: Tensor) -> Tensor:
    """Nearest whole number, halves up; the gradient of the identity."""
    return x + (torch.floor(x.detach() + 0.5) - x.detach())
