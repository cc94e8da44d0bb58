"""What a stage of the channel is, and stages in a row."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast

if TYPE_CHECKING:
    import numpy as np

    from misread.pixels import UInt8


class Stage(Protocol):
    """One physical effect. A frozen dataclass whose fields are its settings, so that a run can log them."""

    name: ClassVar[str]

    def apply(self, image: UInt8, rng: np.random.Generator) -> UInt8:
        """Give a new (h, w, 3) uint8 RGB picture of the same size; the argument stays as it is."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Channel:
    """Stages in physical order: what is filmed, light, optics, sensor, codec."""

    stages: tuple[Stage, ...]
    profile: str = ""

    def film(self, image: UInt8, rng: np.random.Generator) -> UInt8:
        """Take one picture of a scene: (h, w, 3) uint8 RGB in and out, each stage rounded to 8 bits."""
        for stage in self.stages:
            image = stage.apply(image, rng)
        return image

    def log(self) -> dict[str, Any]:
        """Everything drawn, as JSON types: the profile, and each stage's settings by its name."""
        stages = {stage.name: asdict(cast("Any", stage)) for stage in self.stages}
        return {"profile": self.profile, "stages": stages}
