"""A way from a picture file to a model's input: what a card says, and what only code in the field does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from misread.errors import FileError
from misread.files import cannot_read, read_bounded
from misread.pixels import MAX_FILE_BYTES, bgr_to_rgb, fit, placement, to_input
from misread.runtime.compare.path.kernels import resize_by

if TYPE_CHECKING:
    from misread.card import ModelCard
    from misread.data import Sample

UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Crop = Literal["card", "down", "up", "side", "side, down", "side, up", "first"]

#: How code in the field rounds the longer side and the corner of a crop, where torchvision cuts off and rounds to even.
CROPS: Final[tuple[tuple[Crop, str], ...]] = (
    ("down", "corner rounded down"),
    ("up", "corner rounded up"),
    ("side", "longer side rounded"),
    ("side, down", "longer side rounded, corner rounded down"),
    ("side, up", "longer side rounded, corner rounded up"),
    ("first", "cropped first, then resized"),
)
_JPEG: Final = b"\xff\xd8"


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """One way to feed a model.

    Attributes:
        card: its geometry, colour order and arithmetic.
        oriented: whether the EXIF orientation is applied.
        kernel: of `KERNELS`, instead of the card's; empty for the card's.
        crop: how the crop is rounded; only where the card crops.
    """

    card: ModelCard
    oriented: bool = True
    kernel: str = ""
    crop: Crop = "card"

    @property
    def geometry(self) -> Way:
        """The part that moves pixels, alike for all ways that differ in colour order and arithmetic only."""
        return replace(self, card=plain(self.card))


def plain(card: ModelCard) -> ModelCard:
    """Return the card without colour order and arithmetic: RGB (or grey) on 0..255."""
    colour: Literal["grey", "rgb"] = "grey" if card.channels == 1 else "rgb"
    return replace(card, colour=colour, scale=1.0, mean=(0.0,) * card.channels, std=(1.0,) * card.channels)


def decode(sample: Sample, *, oriented: bool = True) -> UInt8:
    """Read a picture, (h, w, 3) uint8 RGB, with its EXIF orientation applied or ignored.

    Raises:
        FileError: it is missing, truncated or no picture.
    """
    image = sample.read()
    if oriented or sample.rows is not None:
        return image
    try:
        data = read_bounded(sample.path, MAX_FILE_BYTES, "picture")
    except OSError as error:
        raise FileError(cannot_read(sample.path, error)) from error
    if not data.startswith(_JPEG):
        return image
    stored = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    return image if stored is None else bgr_to_rgb(stored.astype(np.uint8, copy=False))


def prepare(image: UInt8, way: Way) -> UInt8:
    """Bring a decoded picture to the input's size; return (h, w, 3) uint8 RGB."""
    card = way.card
    if not way.kernel and (way.crop == "card" or card.resize != "crop"):
        return fit(image, card)
    if card.resize == "squash":
        return resize_by(image, card.size_hw, way.kernel, card)
    return _cropped(image, way) if card.resize == "crop" else _padded(image, way)


def planes(image: UInt8, way: Way) -> Float32:
    """Return what the model is fed for one decoded picture: (c, h, w) float32."""
    fed: Float32 = to_input(prepare(image, way)[None], way.card)[0]
    return fed


def affine(card: ModelCard) -> tuple[Float64, Float64]:
    """Return gain and offset (c,) of `input = gain * level + offset`, in the channel order of the card."""
    std = np.asarray(card.std, np.float64)
    return card.scale / std, -np.asarray(card.mean, np.float64) / std


def _padded(image: UInt8, way: Way) -> UInt8:
    size, (top, left) = placement(image.shape[:2], way.card)
    padded = np.full((*way.card.size_hw, 3), way.card.pad_level, np.uint8)
    padded[-top : size[0] - top, -left : size[1] - left] = resize_by(image, size, way.kernel, way.card)
    return padded


def _cropped(image: UInt8, way: Way) -> UInt8:
    card, short = way.card, way.card.resize_px or min(way.card.size_hw)
    height, width = image.shape[:2]
    if way.crop == "first":
        side = min(height, width)
        tall, wide = (min(side, round(side * wanted / short)) for wanted in card.size_hw)
        top, left = (height - tall) // 2, (width - wide) // 2
        return resize_by(image[top : top + tall, left : left + wide], card.size_hw, way.kernel, card)
    whole = round if way.crop.startswith("side") else int
    longer = max(short, whole(short * max(height, width) / min(height, width)))
    size = (short, longer) if height <= width else (longer, short)
    resized = resize_by(image, size, way.kernel, card)
    spare = (size[0] - card.size_hw[0], size[1] - card.size_hw[1])
    if way.crop.endswith("down"):
        top, left = spare[0] // 2, spare[1] // 2
    elif way.crop.endswith("up"):
        top, left = -(-spare[0] // 2), -(-spare[1] // 2)
    else:
        top, left = round(spare[0] / 2), round(spare[1] / 2)
    return np.ascontiguousarray(resized[top : top + card.size_hw[0], left : left + card.size_hw[1]])
