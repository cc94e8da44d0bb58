"""The seam between the channel and its stages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from torch import Tensor


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """How large the picture is in its file, on the sensor and in this simulation.

    Attributes:
        picture_hw: Height and width of the picture file, in pixels.
        sensor_px: Height of the picture on the sensor, in camera pixels.
        render_hw: Height and width of the simulated crop. Above the profile's cap it is rendered smaller than the
            sensor sees it, and blur and noise shrink with it.
        margin_px: Sheet around the picture on each side of the padded texture, in file pixels.
    """

    picture_hw: tuple[int, int]
    sensor_px: float
    render_hw: tuple[int, int]
    margin_px: int

    @property
    def ratio(self) -> float:
        """Rendered pixels per sensor pixel, at most 1."""
        return min(1.0, self.render_hw[0] / self.sensor_px)


@dataclass(frozen=True, slots=True)
class Draw:
    """What one stage drew for one clip.

    Attributes:
        stage: Name of the stage.
        values: Each quantity with its values on the first axis: one for the whole clip, or one per frame.
    """

    stage: str
    values: Mapping[str, Tensor]

    def __getitem__(self, name: str) -> Tensor:
        """The values of one quantity."""
        return self.values[name]

    def log(self) -> dict[str, list[float]]:
        """Everything drawn, as JSON types."""
        return {name: values.double().flatten().tolist() for name, values in self.values.items()}


class Stage(Protocol):
    """One thing that happens to light between the picture and the classifier. Options frozen, ranges inside."""

    name: ClassVar[str]

    def draw(self, frames: int, severity: float, generator: torch.Generator) -> Draw:
        """Draw the quantities of a clip of ``frames`` frames; severity 0 draws those that change nothing."""
        ...

    def apply(self, pixels: Tensor, draw: Draw, view: View) -> Tensor:
        """Pass pixels on, (n, 3, h, w) float32 in and out, differentiable; n is 1 up to the pose, then the frames."""
        ...
