"""What a calibration knows of a lens: focal lengths, centre and distortion, at one frame size."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from misread.errors import FileError, OptionError
from misread.files import read_json

if TYPE_CHECKING:
    from pathlib import Path

KIND: Final = "misread-lens"


@dataclass(frozen=True, kw_only=True, slots=True)
class Intrinsics:
    """A pinhole with OpenCV's five distortion coefficients.

    Attributes:
        width: Of the frames it was fitted on, in pixels.
        height: Likewise.
        focal_px: (x, y).
        centre_px: (x, y) in continuous pixels: the first pixel's centre is at 0.5.
        distortion: (k1, k2, p1, p2, k3).

    """

    width: int
    height: int
    focal_px: tuple[float, float]
    centre_px: tuple[float, float]
    distortion: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        """Refuse a lens that sees nothing."""
        numbers = (*self.focal_px, *self.centre_px, *self.distortion)
        if not (self.width >= 8 and self.height >= 8 and all(map(isfinite, numbers)) and min(self.focal_px) > 0):
            raise OptionError(f"a lens has a frame size and finite numbers, focal lengths above 0, got {self}")

    def scaled(self, width: int, height: int) -> Intrinsics:
        """Give the same lens for frames of another size and the same shape.

        Raises:
            OptionError: The shape differs by more than 1 %, so the frame was cropped and the lens is unknown.

        """
        if abs(width * self.height / (height * self.width) - 1) > 0.01:
            message = f"the lens was calibrated on {self.width}x{self.height} frames, these are {width}x{height}"
            raise OptionError(f"{message}; calibrate again at this shape")
        across, down = width / self.width, height / self.height
        return Intrinsics(
            width=width,
            height=height,
            focal_px=(self.focal_px[0] * across, self.focal_px[1] * down),
            centre_px=(self.centre_px[0] * across, self.centre_px[1] * down),
            distortion=self.distortion,
        )


def read_lens(path: Path) -> Intrinsics:
    """Read a lens that a calibration wrote.

    Raises:
        FileError: The file is missing, or is no lens.

    """
    document: dict[str, Any] = read_json(path, kind=KIND)
    try:
        return Intrinsics(
            width=int(document["width"]),
            height=int(document["height"]),
            focal_px=_numbers(document["focal_px"], 2),
            centre_px=_numbers(document["centre_px"], 2),
            distortion=_numbers(document["distortion"], 5),
        )
    except (KeyError, TypeError, ValueError, OptionError) as error:
        raise FileError(f"{path} is not a lens: {error}; make one with misread calibrate") from error


def _numbers(values: Any, count: int) -> Any:
    if len(values) != count:
        raise ValueError(f"expected {count} numbers, got {values}")
    return tuple(map(float, values))
