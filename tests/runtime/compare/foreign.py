"""Preprocessing as others write it, in Pillow and in OpenCV, and pictures to try it on: nothing of misread's path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from misread.assets import scenes
from misread.card import ModelCard

if TYPE_CHECKING:
    from pathlib import Path

Float32 = NDArray[np.float32]

MEAN: Final = (0.485, 0.456, 0.406)
STD: Final = (0.229, 0.224, 0.225)
SIZE: Final = 64
SHORT: Final = 72
CARD: Final = ModelCard(labels=("a", "b"), size_hw=(SIZE, SIZE), resize="crop", resize_px=SHORT, mean=MEAN, std=STD)
#: Corners of the parts of the shipped scenes that serve as pictures: left, top, width, height.
_PARTS: Final = (
    (0, 0, 192, 150),
    (10, 4, 150, 188),
    (0, 20, 190, 131),
    (30, 0, 121, 192),
    (4, 4, 180, 180),
    (0, 8, 192, 167),
)


@dataclass(frozen=True, kw_only=True)
class Pillow:
    """What torchvision's `Resize`, `CenterCrop`, `ToTensor` and `Normalize` do to a PIL image.

    Attributes:
        kernel: of the resize.
        short: shortest side before the crop; 0 squashes.
        bgr: red and blue change places before mean and std.
        scale: factor on 0..255.
        mean: subtracted.
        std: divided by.
        upright: EXIF is applied.
    """

    kernel: Any = Image.Resampling.BILINEAR
    short: int = SHORT
    bgr: bool = False
    scale: float = 1 / 255
    mean: tuple[float, ...] = MEAN
    std: tuple[float, ...] = STD
    upright: bool = True

    def __call__(self, path: Path) -> Float32:
        with Image.open(path) as opened:
            image = (ImageOps.exif_transpose(opened) if self.upright else opened).convert("RGB")
        width, height = image.size
        if self.short:
            if width <= height:
                size = (self.short, int(self.short * height / width))
            else:
                size = (int(self.short * width / height), self.short)
            left, top = round((size[0] - SIZE) / 2), round((size[1] - SIZE) / 2)
            image = image.resize(size, self.kernel).crop((left, top, left + SIZE, top + SIZE))
        else:
            image = image.resize((SIZE, SIZE), self.kernel)
        pixels = np.asarray(image, np.float32)
        pixels = pixels[..., ::-1] if self.bgr else pixels
        normal = (pixels * np.float32(self.scale) - np.asarray(self.mean, np.float32)) / np.asarray(
            self.std, np.float32
        )
        return np.ascontiguousarray(normal.transpose(2, 0, 1), np.float32)


@dataclass(frozen=True, kw_only=True)
class OpenCv:
    """The same as it is written with `cv2.imread` and `cv2.resize`, squashing; NHWC with a batch of one.

    Attributes:
        kernel: of the resize.
        bgr: nobody turned the colours round.
        pad: grey level of a letterbox, None for no letterbox.
    """

    kernel: int = cv2.INTER_LINEAR
    bgr: bool = False
    pad: int | None = None

    def __call__(self, path: Path) -> Float32:
        image = cv2.imread(str(path))
        assert image is not None
        if self.pad is None:
            image = cv2.resize(image, (SIZE, SIZE), interpolation=self.kernel)
        else:
            ratio = min(SIZE / image.shape[0], SIZE / image.shape[1])
            size = (round(image.shape[1] * ratio), round(image.shape[0] * ratio))
            image = cv2.resize(image, size, interpolation=self.kernel)
            spare = (SIZE - size[1], SIZE - size[0])
            top, left = round(spare[0] / 2 - 0.1), round(spare[1] / 2 - 0.1)
            edges = (top, spare[0] - top, left, spare[1] - left)
            image = cv2.copyMakeBorder(image, *edges, cv2.BORDER_CONSTANT, value=(self.pad,) * 3)
        if not self.bgr:
            image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        pixels = image.astype(np.float32) / np.float32(255)
        normal = (pixels - np.asarray(MEAN, np.float32)) / np.asarray(STD, np.float32)
        return np.asarray(normal, np.float32)[None]


def write_scenes(folder: Path, *, suffix: str = ".png") -> Path:
    """Write parts of the shipped scenes, of many shapes."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, (scene, part) in enumerate(zip(scenes(), _PARTS, strict=False)):
        left, top, width, height = part
        with Image.open(scene.path) as image:
            cut = image.convert("RGB").crop((left, top, left + width, top + height))
        cut.save(folder / f"{number:02}{suffix}", quality=95)
    return folder


def write_turned(folder: Path) -> Path:
    """Write the same as JPEG files that are stored on their side, with the EXIF orientation that says so."""
    write_scenes(folder, suffix=".jpg")
    for path in sorted(folder.glob("*.jpg")):
        with Image.open(path) as image:
            exif = Image.Exif()
            exif[0x0112] = 6  # turn by 90 degrees clockwise to see it upright
            image.copy().save(path, quality=95, exif=exif)
    return folder
