"""Which way up: Pillow's `exif_transpose` is the rule, for every format that can say it."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from misread.formats.directory import first_directory
from misread.formats.exif import orientation
from misread.pixels import decode_image
from tests.formats.made import by_pillow, chunk, png, saved, tiff

if TYPE_CHECKING:
    from numpy.typing import NDArray

WAYS = range(1, 9)


def smooth(height: int = 24, width: int = 40) -> NDArray[np.uint8]:
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x * 255 // width, y * 255 // height, (x + y) % 200], 2).astype(np.uint8)


def exif(way: int) -> bytes:
    block = Image.Exif()
    block[0x0112] = way
    return block.tobytes()


def xmp(way: int) -> bytes:
    return b'<x:xmpmeta><rdf:Description tiff:Orientation="%d"/></x:xmpmeta>' % way


def agrees(data: bytes, *, lossy: bool = False) -> None:
    ours, theirs = decode_image(data, "a"), by_pillow(data)
    assert ours.shape == theirs.shape
    assert np.abs(ours.astype(int) - theirs).max() <= (4 if lossy else 0)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("suffix", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_each_format_is_turned_as_its_exif_says(suffix: str, way: int) -> None:
    options = {"tiffinfo": {274: way}} if suffix == "TIFF" else {"exif": exif(way), "lossless": True, "quality": 95}
    data = saved(Image.fromarray(smooth()), suffix, **options)
    agrees(data, lossy=suffix == "JPEG")
    assert (decode_image(data, "a").shape[:2] == (24, 40)) == (way < 5)


def test_a_chunk_of_odd_length_before_the_exif_of_a_webp_is_passed() -> None:
    agrees(saved(Image.fromarray(smooth()), "WEBP", lossless=True, icc_profile=b"12345", exif=exif(6)))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "1"])
def test_other_kinds_of_pixels_are_turned_too(mode: str, way: int) -> None:
    image = Image.fromarray(smooth()).convert(mode)
    agrees(saved(image, "PNG", exif=exif(way)))
    agrees(saved(image, "TIFF", tiffinfo={274: way}))


@pytest.mark.parametrize("way", WAYS)
def test_xmp_counts_where_exif_is_silent(way: int) -> None:
    image = Image.fromarray(smooth())
    agrees(saved(image, "JPEG", quality=95, xmp=xmp(way)), lossy=True)
    agrees(saved(image, "WEBP", lossless=True, xmp=xmp(way)))
    text = b"XML:com.adobe.xmp\0\0\0\0\0" + xmp(way)
    agrees(png(smooth().astype(np.int64), colour=2, depth=8, extra=[(b"iTXt", text)]))


def test_exif_comes_before_xmp() -> None:
    assert orientation(exif(3), xmp(6)) == 3
    assert orientation(b"", xmp(6)) == 6
    agrees(saved(Image.fromarray(smooth()), "JPEG", quality=95, exif=exif(3), xmp=xmp(6)), lossy=True)


def test_of_two_blocks_the_first_counts() -> None:
    data = saved(Image.fromarray(smooth()), "JPEG", quality=95, exif=exif(6))
    end = 4 + struct.unpack(">H", data[data.index(b"\xff\xe1") + 2 :][:2])[0]
    segment = data[data.index(b"\xff\xe1") :][: end - 2]
    other = segment.replace(exif(6), exif(3))
    assert decode_image(data.replace(segment, segment + other), "a").shape[:2] == (40, 24)
    two = png(smooth().astype(np.int64), colour=2, depth=8, extra=[(b"eXIf", exif(6)[6:]), (b"eXIf", exif(3)[6:])])
    assert decode_image(two, "a").shape[:2] == (40, 24)


@pytest.mark.parametrize("fill", [b"", b"\xff", b"\xff\xff\xff"])
def test_fill_before_a_segment_is_skipped(fill: bytes) -> None:
    data = saved(Image.fromarray(smooth()), "JPEG", quality=95, exif=exif(6))
    at = data.index(b"\xff\xe1")
    assert decode_image(data[:at] + fill + data[at:], "a").shape[:2] == (40, 24)


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"Exif\0\0",
        b"II",
        b"II*\0",
        b"no TIFF at all",
        b"II\x2c\0\x08\0\0\0",
        b"II*\0\xff\xff\xff\xff",
        b"II*\0\x08\0\0\0\xff\xff",
        exif(0),
        exif(9),
        exif(6)[:-9],
        b"II*\0\x08\0\0\0\1\0\x12\1\2\0\1\0\0\0\6\0\0\0",  # as text
        b"II*\0\x08\0\0\0\1\0\x12\1\3\0\2\0\0\0\6\0\6\0",  # twice
        b"II*\0\x08\0\0\0\1\0\x12\1\3\0\xff\xff\xff\xff\xff\xff\xff\xff",  # so long that it reaches beyond the end
    ],
)
def test_nonsense_is_upright(block: bytes) -> None:
    assert orientation(block) == 1
    data = png(smooth().astype(np.int64), colour=2, depth=8)
    at = data.index(b"IDAT") - 4
    np.testing.assert_array_equal(decode_image(data[:at] + chunk(b"eXIf", block) + data[at:], "a"), smooth())


def test_a_directory_is_read_in_both_orders_and_sizes() -> None:
    made = {order: tiff(smooth().astype(np.int64), photometric=2, order=order, t274=(6,)) for order in "<>"}
    assert first_directory(made["<"])[258] == first_directory(made[">"])[258] == (8, 8, 8)
    big = saved(Image.fromarray(smooth()), "TIFF", big_tiff=True, tiffinfo={274: 6})
    assert (first_directory(big)[274], first_directory(big)[256]) == ((6,), (40,))
    agrees(big)
