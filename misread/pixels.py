"""The one path from a file or a frame to the model's input, and back onto the 256 levels.

Pictures are uint8 RGB (height, width, 3) everywhere outside this file and `runtime/source`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from misread.errors import FileError, OptionError
from misread.files import atomic_write, cannot_read, read_bounded
from misread.formats import SUFFIXES, format_of
from misread.picture_header import read_header
from misread.resample import resize
from misread.sniff import kind_of_bytes
from misread.taps import matrix, taps

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from misread.card import ModelCard
    from misread.formats.base import Levels

__all__ = [
    "MAX_FILE_BYTES", "MIN_SIDE_PX", "SUFFIXES", "Float32", "UInt8", "bgr_to_rgb", "decode_image", "encode_jpeg",
    "encode_png", "encode_webp", "fit", "from_unit", "placement", "placing_weights", "read_image", "rgb_to_bgr",
    "to_input", "to_unit", "write_png",
]  # fmt: skip

UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]

MIN_SIDE_PX: Final = 4
MAX_PIXELS: Final = 2**27  # as misread/__init__.py tells OpenCV
MAX_FILE_BYTES: Final = 512 * 2**20
_BAND_PIXELS: Final = 2**20


def read_image(path: Path) -> UInt8:
    """Read a picture file as (h, w, 3) uint8 RGB: upright, grey repeated, alpha over white, 16 bit to 8.

    Raises:
        FileError: missing, not a picture, truncated, of a kind that is not read truly, smaller than 4x4 or larger than
            2^27 pixels.
    """
    try:
        data = read_bounded(path, MAX_FILE_BYTES, "picture")
    except OSError as error:
        raise FileError(cannot_read(path, error)) from error
    return decode_image(data, str(path))


def decode_image(data: bytes, name: str) -> UInt8:
    """Decode a picture from memory; `name` is for messages. Otherwise as `read_image`."""
    form = format_of(data)
    if form is None:
        raise _no_picture(name, kind_of_bytes(data))
    _check_cost(data, name)
    decoded = form.decode(data, name)
    if min(decoded.shape[:2]) < MIN_SIDE_PX:
        height, width = decoded.shape[:2]
        message = f"{name} is {width}x{height} pixels; a picture needs at least {MIN_SIDE_PX}x{MIN_SIDE_PX}"
        raise FileError(message)
    return _in_bands(decoded)


def write_png(path: Path, image: UInt8) -> None:
    """Write (h, w, 3) uint8 RGB, or (h, w) grey, as a PNG that is whole or absent.

    Raises:
        StorageError: it could not be written.
    """
    data = encode_png(image)
    with atomic_write(path) as out:
        out.write(data)


def encode_png(image: UInt8) -> bytes:
    """Return the PNG file of (h, w, 3) uint8 RGB or (h, w) grey."""
    return _encode(".png", image, ())


def encode_jpeg(image: UInt8, quality: int) -> bytes:
    """Return the JPEG file of (h, w, 3) uint8 RGB at libjpeg `quality` 1 to 100 (4:2:0, as cameras do)."""
    if not 1 <= quality <= 100:
        message = f"JPEG quality is a whole number from 1 to 100, got {quality}"
        raise OptionError(message)
    return _encode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, quality))


def encode_webp(image: UInt8, quality: int) -> bytes:
    """Return the lossy WebP file of (h, w, 3) uint8 RGB at libwebp `quality` 1 to 100."""
    if not 1 <= quality <= 100:
        message = f"WebP quality is a whole number from 1 to 100, got {quality}"
        raise OptionError(message)
    return _encode(".webp", image, (cv2.IMWRITE_WEBP_QUALITY, quality))


def bgr_to_rgb(frame: UInt8) -> UInt8:
    """Turn OpenCV's channel order into ours."""
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), np.uint8)


def rgb_to_bgr(image: UInt8) -> UInt8:
    """Turn our channel order into OpenCV's."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), np.uint8)


def fit(image: UInt8, card: ModelCard) -> UInt8:
    """Bring a picture of any size to the card's input size: the geometric half of the device's path.

    Returns:
        (h, w, 3) uint8 RGB at `card.size_hw`, the *prepared* picture.
    """
    _check_picture(image)
    size, corner = placement(image.shape[:2], card)
    tall, wide = (_inside(*axis) for axis in zip(size, corner, card.size_hw, strict=True))
    fitted = resize(image, size, interpolation=card.interpolation, antialias=card.antialias, windows=(tall, wide))
    if card.resize != "letterbox":
        return fitted
    (top, left), padded = corner, np.full((*card.size_hw, 3), card.pad_level, np.uint8)
    padded[tall[0] - top : tall[1] - top, wide[0] - left : wide[1] - left] = fitted
    return padded


def placement(size_hw: tuple[int, ...], card: ModelCard) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the size to resize a picture to, and the (top, left) corner of the input in the resized picture.

    A crop follows torchvision's rounding. The corner of a letterbox lies outside, so it is zero or less; it follows the
    rounding of the YOLO tools.
    """
    height, width = size_hw[0], size_hw[1]
    if card.resize == "squash":
        return card.size_hw, (0, 0)
    if card.resize == "letterbox":
        ratio = min(card.size_hw[0] / height, card.size_hw[1] / width)
        size = (max(1, round(height * ratio)), max(1, round(width * ratio)))
        return size, (-round((card.size_hw[0] - size[0]) / 2 - 0.1), -round((card.size_hw[1] - size[1]) / 2 - 0.1))
    short = card.resize_px or min(card.size_hw)
    if height <= width:
        size = (short, max(short, int(short * width / height)))
    else:
        size = (max(short, int(short * height / width)), short)
    return size, (round((size[0] - card.size_hw[0]) / 2), round((size[1] - card.size_hw[1]) / 2))


def placing_weights(size_hw: tuple[int, ...], card: ModelCard) -> tuple[Float32, Float32]:
    """Return the matrices (input height, height) and (input width, width) of `fit`: a row of zeros is padding.

    Raises:
        InputError: a side so long that resizing it would take all memory.
    """
    axes = zip(size_hw, *placement(size_hw, card), card.size_hw, strict=True)
    rows, columns = (_placing_weights(*axis, card) for axis in axes)
    return rows, columns


def to_unit(prepared: UInt8, *, channels: int = 3) -> Float32:
    """Turn prepared pictures (n, h, w, 3) uint8 into (n, channels, h, w) float32 RGB (or grey) in [0, 1]."""
    pixels = prepared if channels == 3 else _grey(prepared)
    return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2), dtype=np.float32) / np.float32(255)


def from_unit(unit: NDArray[np.floating]) -> UInt8:
    """Turn (n, 3 or 1, h, w) values in [0, 1] into (n, h, w, 3) uint8, each to the nearest of the 256 levels.

    Raises:
        OptionError: a value is not finite; no picture has it.
    """
    if not np.isfinite(unit).all():
        message = "a picture's values must be finite, got NaN or infinity"
        raise OptionError(message)
    levels = np.rint(np.clip(unit, 0, 1) * 255).astype(np.uint8).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(levels if levels.shape[-1] == 3 else np.repeat(levels, 3, axis=-1))


def to_input(prepared: UInt8, card: ModelCard) -> Float32:
    """Turn prepared pictures (n, h, w, 3) uint8 RGB into what the model is fed: (n, c, h, w) float32."""
    pixels = _grey(prepared) if card.colour == "grey" else prepared
    if card.colour == "bgr":
        pixels = pixels[..., ::-1]
    planes = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2), dtype=np.float32)
    if card.scale == 1 / 255:
        planes /= np.float32(255)  # exact to torch's own division; the factor 1/255 is not a float32
    elif card.scale != 1:
        planes *= np.float32(card.scale)
    if any(card.mean):
        planes -= np.asarray(card.mean, np.float32).reshape(-1, 1, 1)
    if set(card.std) != {1.0}:
        planes /= np.asarray(card.std, np.float32).reshape(-1, 1, 1)
    return planes


def _placing_weights(old: int, new: int, start: int, length: int, card: ModelCard) -> Float32:
    first, stop = _inside(new, start, length)
    weights = np.zeros((length, old), np.float32)
    axis = taps(old, new, card.interpolation, card.antialias, (first, stop))
    weights[first - start : stop - start] = matrix(axis, old)
    return weights


def _inside(size: int, start: int, length: int) -> tuple[int, int]:
    """Return from where to where `start` to `start + length` lies inside 0 to `size`."""
    return max(start, 0), min(start + length, size)


def _grey(prepared: UInt8) -> UInt8:
    luma = prepared.astype(np.uint32) @ np.array([19595, 38470, 7471], np.uint32)  # ITU-R 601, as Pillow's "L"
    return ((luma + 0x8000) >> 16).astype(np.uint8)[..., None]


def _in_bands(decoded: Levels) -> UInt8:
    """Convert some rows at a time: laid over white, a picture takes many times its own memory."""
    height, width = decoded.shape[:2]
    plain = decoded.dtype == np.uint8 and decoded.shape[2:] != (4,)
    rows = height if plain else max(1, _BAND_PIXELS // width)
    if rows >= height:
        return _as_rgb(decoded)
    converted = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, rows):
        converted[top : top + rows] = _as_rgb(decoded[top : top + rows])
    return converted


def _as_rgb(decoded: Levels) -> UInt8:
    """Lay grey, BGR or BGRA of 8 or 16 bits over white, as RGB, rounding to 8 bits once."""
    full = int(np.iinfo(decoded.dtype).max)
    if decoded.ndim == 3 and decoded.shape[2] == 4:
        wide: NDArray[Any] = decoded.astype(np.uint16 if full == 255 else np.uint32)
        over, level = wide[..., :3] * wide[..., 3:] + full * (full - wide[..., 3:]), full * (full // 255)
        levels = (over // level + (over % level > level // 2)).astype(np.uint8)
    elif full == 255:
        levels = decoded.astype(np.uint8, copy=False)
    else:
        levels = ((decoded.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return np.asarray(cv2.cvtColor(levels, cv2.COLOR_BGR2RGB if levels.ndim == 3 else cv2.COLOR_GRAY2RGB), np.uint8)


def _check_cost(data: bytes, name: str) -> None:
    """Refuse, before a decoder sees it, what says that it is too large, or costs more than it shows."""
    header = read_header(data)
    if header is None:  # damaged there; its format has the words
        return
    height, width = header.size_hw
    if height * width > MAX_PIXELS:
        message = f"{name} says that it is {width}x{height} pixels; at most {MAX_PIXELS} are read, make it smaller"
        raise FileError(message)
    if header.fault:
        message = f"{name} is not decoded: {header.fault}; save it again"
        raise FileError(message)


def _no_picture(name: str, kind: str) -> FileError:
    known = f"expected one of {', '.join(SUFFIXES)}"
    if kind.endswith("picture"):
        return FileError(f"{name} is {kind}; {known}")
    return FileError(f"{name} is not a picture; {known}" + f", got {kind}" * bool(kind))


def _encode(suffix: str, image: UInt8, options: Sequence[int]) -> bytes:
    pixels = image if image.ndim == 2 else rgb_to_bgr(image)
    done, data = cv2.imencode(suffix, pixels, list(options))
    if not done:
        message = f"a picture of shape {image.shape} cannot be encoded as {suffix}"
        raise OptionError(message)
    return data.tobytes()


def _check_picture(image: UInt8) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or min(image.shape) < 1:
        message = f"a picture is (height, width, 3) uint8 RGB, got {image.shape} {image.dtype}"
        raise OptionError(message)
