"""The pixel path against Pillow, which decodes and resizes independently."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from misread import pixels
from misread.card import ModelCard
from misread.errors import FileError, OptionError, StorageError
from misread.pixels import (
    bgr_to_rgb,
    decode_image,
    encode_jpeg,
    encode_png,
    fit,
    from_unit,
    placement,
    read_image,
    rgb_to_bgr,
    to_input,
    to_unit,
    write_png,
)

if TYPE_CHECKING:
    from pathlib import Path

UInt8 = NDArray[np.uint8]
LABELS = ("a", "b")


def noise(height: int, width: int, seed: int = 0) -> UInt8:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def smooth(height: int, width: int) -> UInt8:
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x * 255 // max(width - 1, 1), y * 255 // max(height - 1, 1), (x + y) % 200], 2).astype(np.uint8)


def saved(image: Image.Image, suffix: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, suffix, **options)
    return out.getvalue()


def test_a_png_comes_back_to_the_bit(tmp_path: Path) -> None:
    image = noise(9, 13)
    write_png(tmp_path / "a.png", image)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), image)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "a.png")), image)


def test_alpha_lies_over_white() -> None:
    rgba = np.dstack([noise(8, 8), np.linspace(0, 255, 64).reshape(8, 8).astype(np.uint8)])
    white = Image.new("RGBA", (8, 8), "white")
    white.alpha_composite(Image.fromarray(rgba))
    ours = decode_image(saved(Image.fromarray(rgba), "PNG"), "a")
    assert np.abs(ours.astype(int) - np.asarray(white.convert("RGB"))).max() <= 1
    assert (ours[rgba[..., 3] == 0] == 255).all()


def test_16_bits_become_the_nearest_of_8() -> None:
    levels = np.arange(0, 65536, 64, dtype=np.uint16).reshape(32, 32)
    ours = decode_image(saved(Image.fromarray(levels), "PNG"), "a")[..., 0]
    np.testing.assert_array_equal(ours, np.rint(levels / 257).astype(np.uint8))


@pytest.mark.parametrize("data", [b"", b"hello, I am text", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"])
def test_what_is_no_picture_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(FileError, match=r"a\.png is (not a picture|truncated)"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95, 0.999])
@pytest.mark.parametrize("suffix", ["PNG", "JPEG"])
def test_a_truncated_picture_is_refused_not_filled_with_grey(suffix: str, share: float) -> None:
    data = saved(Image.fromarray(noise(64, 64)), suffix)
    with pytest.raises(FileError, match="a is truncated"):
        decode_image(data[: int(len(data) * share)], "a")


def test_a_flipped_bit_in_a_png_is_refused() -> None:
    data = bytearray(encode_png(noise(16, 16)))
    data[len(data) // 2] ^= 1
    with pytest.raises(FileError, match=r"truncated|damaged|not a picture"):
        decode_image(bytes(data), "a")


def test_a_one_pixel_picture_and_a_missing_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="a is 1x1 pixels; a picture needs at least 4x4"):
        decode_image(saved(Image.new("RGB", (1, 1)), "PNG"), "a")
    with pytest.raises(FileError, match=r"cannot read .*none\.png: no such file"):
        read_image(tmp_path / "none.png")


def test_a_decompression_bomb_is_refused_before_it_unpacks() -> None:
    data = bytearray(saved(Image.new("L", (4, 4)), "PNG"))
    header = b"IHDR" + struct.pack(">II", 60_000, 60_000) + bytes(data[24:29])
    import zlib

    data[12:33] = header + struct.pack(">I", zlib.crc32(header))
    with pytest.raises(FileError, match="says that it is 60000x60000 pixels"):
        decode_image(bytes(data), "bomb.png")


@pytest.mark.parametrize("module", ["misread.resample", "misread.pixels", "misread.runtime.fingerprint"])
def test_opencv_learns_the_limit_whichever_part_loads_it(module: str) -> None:
    code = f"import os, {module}; print(os.environ['OPENCV_IO_MAX_IMAGE_PIXELS'])"
    environment = {name: value for name, value in os.environ.items() if name != "OPENCV_IO_MAX_IMAGE_PIXELS"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert int(done.stdout) == pixels.MAX_PIXELS


def test_a_file_too_large_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixels, "MAX_FILE_BYTES", 10)
    (tmp_path / "a.png").write_bytes(b"x" * 11)
    with pytest.raises(FileError, match=r"has 11 bytes; a picture has at most 10$"):
        read_image(tmp_path / "a.png")


def test_jpeg_quality_and_odd_shapes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="from 1 to 100, got 0"):
        encode_jpeg(noise(8, 8), 0)
    with pytest.raises(OptionError, match="uint8 RGB"):
        fit(np.zeros((8, 8), np.uint8), ModelCard(labels=LABELS, size_hw=(4, 4)))
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        write_png(tmp_path / "file" / "a.png", noise(8, 8))


def test_jpeg_is_4_2_0_and_close() -> None:
    data = encode_jpeg(smooth(32, 32), 95)
    picture = Image.open(io.BytesIO(data))
    assert [layer[1:3] for layer in picture.layer] == [(2, 2), (1, 1), (1, 1)]  # type: ignore[attr-defined]
    assert np.abs(decode_image(data, "a").astype(int) - smooth(32, 32)).mean() < 6


def test_channel_orders_are_each_others_inverse() -> None:
    image = noise(5, 6)
    np.testing.assert_array_equal(bgr_to_rgb(rgb_to_bgr(image)), image)
    np.testing.assert_array_equal(rgb_to_bgr(image)[..., 0], image[..., 2])


@pytest.mark.parametrize("size_hw", [(375, 500), (500, 375), (256, 256), (300, 301), (1080, 1920)])
def test_the_centre_crop_is_torchvisions(size_hw: tuple[int, int]) -> None:
    card = ModelCard(labels=LABELS, size_hw=(224, 224), resize="crop", resize_px=256)
    size, (top, left) = placement(size_hw, card)
    height, width = size_hw
    short, long = 256, int(256 * max(height, width) / min(height, width))
    assert size == ((short, long) if height <= width else (long, short))
    assert (top, left) == (int(round((size[0] - 224) / 2.0)), int(round((size[1] - 224) / 2.0)))  # noqa: RUF046
    image = smooth(*size_hw)
    theirs = Image.fromarray(image).resize(size[::-1], Image.Resampling.BILINEAR)
    theirs = theirs.crop((left, top, left + 224, top + 224))
    assert np.abs(fit(image, card).astype(int) - np.asarray(theirs)).max() <= 1


@pytest.mark.parametrize(
    ("size_hw", "size", "corner"),
    [
        ((1080, 1920), (126, 224), (-49, 0)),
        ((1920, 1080), (224, 126), (0, -49)),
        ((100, 101), (222, 224), (-1, 0)),
        ((200, 201), (223, 224), (0, 0)),  # the odd line goes below
        ((4, 4), (224, 224), (0, 0)),
        ((5, 4000), (1, 224), (-111, 0)),
        ((4, 4000), (1, 224), (-111, 0)),  # never less than one line
    ],
)
def test_a_letterbox_is_centred_by_the_rounding_of_yolo(
    size_hw: tuple[int, int], size: tuple[int, int], corner: tuple[int, int]
) -> None:
    card = ModelCard(labels=LABELS, size_hw=(224, 224), resize="letterbox")
    assert placement(size_hw, card) == (size, corner)


@pytest.mark.parametrize("size_hw", [(375, 500), (61, 40), (224, 224), (9, 300), (300, 301)])
@pytest.mark.parametrize("box", [(224, 224), (96, 131)])
def test_a_letterbox_is_opencvs_copy_with_a_border(size_hw: tuple[int, int], box: tuple[int, int]) -> None:
    card = ModelCard(labels=LABELS, size_hw=box, resize="letterbox", antialias=False, pad_level=31)
    image = smooth(*size_hw)
    ratio = min(box[0] / size_hw[0], box[1] / size_hw[1])
    wide, high = round(size_hw[1] * ratio), round(size_hw[0] * ratio)
    dw, dh = (box[1] - wide) / 2, (box[0] - high) / 2
    sides = (round(dh - 0.1), round(dh + 0.1), round(dw - 0.1), round(dw + 0.1))
    inside = cv2.resize(image, (wide, high), interpolation=cv2.INTER_LINEAR)
    theirs = cv2.copyMakeBorder(inside, *sides, cv2.BORDER_CONSTANT, value=(31, 31, 31))
    ours = fit(image, card)
    assert ours.shape == (*box, 3)
    assert np.abs(ours.astype(int) - theirs).max() <= 1


@pytest.mark.parametrize("kernel", ["bilinear", "bicubic"])
def test_photographs_from_file_to_input_are_pillows(shared_data: Path, kernel: Any) -> None:
    card = ModelCard(labels=LABELS, size_hw=(224, 224), resize="crop", resize_px=256, interpolation=kernel)
    pillow = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}[kernel]
    for path in sorted((shared_data / "imagenet" / "photos").glob("*.JPEG"))[::8]:
        theirs = Image.open(path).convert("RGB")
        image = read_image(path)
        assert np.abs(image.astype(int) - np.asarray(theirs)).max() <= 4  # other decoders may round otherwise
        size, (top, left) = placement(image.shape, card)
        cut = Image.fromarray(image).resize(size[::-1], pillow).crop((left, top, left + 224, top + 224))
        assert np.abs(fit(image, card).astype(int) - np.asarray(cut)).max() <= 1


def test_unit_values_and_levels_are_each_others_inverse() -> None:
    levels = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 16, 16, 3)
    np.testing.assert_array_equal(from_unit(to_unit(levels)), levels)
    assert to_unit(levels).shape == (1, 3, 16, 16)
    assert to_unit(levels, channels=1).shape == (1, 1, 16, 16)
    np.testing.assert_array_equal(from_unit(to_unit(levels, channels=1)), levels)


def test_levels_are_the_nearest_ones_and_nan_is_refused() -> None:
    values = np.array([-1, 0.4999 / 255, 0.5001 / 255, 254.6 / 255, 2]).reshape(1, 1, 1, 5)
    np.testing.assert_array_equal(from_unit(values)[0, 0, :, 0], [0, 0, 1, 255, 255])
    with pytest.raises(OptionError, match="must be finite"):
        from_unit(np.array([[[[np.nan]]]]))


def test_grey_is_pillows_luma() -> None:
    image = noise(20, 20)
    ours = to_unit(image[None], channels=1)[0, 0] * 255
    np.testing.assert_allclose(ours, np.asarray(Image.fromarray(image).convert("L")), atol=1e-4)


def test_the_input_follows_the_card() -> None:
    image = noise(6, 6)[None]
    card = ModelCard(labels=LABELS, size_hw=(6, 6), mean=(0.1, 0.2, 0.3), std=(0.5, 0.25, 1.0))
    expected = (image[0].astype(np.float64) / 255 - [0.1, 0.2, 0.3]) / [0.5, 0.25, 1.0]
    np.testing.assert_allclose(to_input(image, card)[0], expected.transpose(2, 0, 1), atol=1e-5)
    caffe = ModelCard(labels=LABELS, size_hw=(6, 6), colour="bgr", scale=1.0, mean=(103.94, 116.78, 123.68))
    expected = image[0, ..., ::-1].astype(np.float64) - [103.94, 116.78, 123.68]
    np.testing.assert_allclose(to_input(image, caffe)[0], expected.transpose(2, 0, 1), atol=1e-4)
    plain = ModelCard(labels=LABELS, size_hw=(6, 6))
    np.testing.assert_array_equal(to_input(image, plain), to_unit(image))
    grey = ModelCard(labels=LABELS, size_hw=(6, 6), colour="grey", mean=(0.0,), std=(1.0,))
    assert to_input(image, grey).shape == (1, 1, 6, 6)
