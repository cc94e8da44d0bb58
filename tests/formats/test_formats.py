"""Every kind of picture file against Pillow, or against the closed form where Pillow has none."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from misread.errors import FileError
from misread.formats import FORMATS, SUFFIXES, format_of
from misread.formats.base import imdecode
from misread.formats.directory import first_directory
from misread.pixels import decode_image
from tests.formats.made import bmp, by_pillow, nearest, over_white, png, pnm, saved, tiff

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIZE = (14, 19)


def random(*shape: int, top: int = 256, seed: int = 0) -> NDArray[np.int64]:
    return np.random.default_rng(seed).integers(0, top, shape)


def smooth(height: int, width: int) -> NDArray[np.uint8]:
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x * 255 // width, y * 255 // height, (x + y) % 200], 2).astype(np.uint8)


def noisy(mode: str) -> Image.Image:
    rgba = Image.fromarray(random(*SIZE, 4).astype(np.uint8))
    if mode == "LA":
        return Image.merge("LA", [rgba.getchannel(0), rgba.getchannel(3)])
    return rgba.convert("RGB").quantize(200) if mode == "P" else rgba if mode == "RGBA" else rgba.convert(mode)


def same(data: bytes) -> None:
    np.testing.assert_array_equal(decode_image(data, "a"), by_pillow(data))


@pytest.mark.parametrize(
    ("suffix", "modes"),
    [
        ("PNG", ("1", "L", "LA", "P", "RGB", "RGBA")),
        ("BMP", ("1", "L", "P", "RGB", "RGBA")),
        ("TIFF", ("1", "L", "P", "RGB", "RGBA")),
        ("PPM", ("1", "L", "RGB")),
        ("WEBP", ("L", "RGB", "RGBA")),
    ],
)
def test_what_loses_nothing_is_read_to_the_bit(suffix: str, modes: tuple[str, ...]) -> None:
    for mode in modes:
        same(saved(noisy(mode), suffix, **({"lossless": True} if suffix == "WEBP" else {})))


@pytest.mark.parametrize("packing", ["tiff_lzw", "tiff_deflate", "packbits", "jpeg", "group4"])
def test_a_packed_tiff_is_read_to_the_bit(packing: str) -> None:
    for mode in ("1",) if packing == "group4" else ("L", "RGB", "RGBA"):
        same(saved(noisy(mode), "TIFF", compression=packing))
    if packing == "jpeg":
        same(saved(Image.fromarray(smooth(40, 56)).convert("YCbCr"), "TIFF", compression=packing))


@pytest.mark.parametrize(
    "options",
    [{}, {"progressive": True}, {"subsampling": 0}, {"subsampling": 2}, {"keep_rgb": True}, {"quality": 30}],
    ids=str,
)
def test_a_jpeg_is_pillows_within_the_rounding_of_a_decoder(options: dict[str, Any]) -> None:
    # The standard leaves a decoder a level here and there; with the same library below, nothing is left of that.
    for mode in ("RGB",) if "keep_rgb" in options else ("RGB", "L", "CMYK"):
        data = saved(Image.fromarray(smooth(40, 56)).convert(mode), "JPEG", **options)
        assert np.abs(decode_image(data, "a").astype(int) - by_pillow(data)).max() <= 4


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_lossy_webp_is_pillows_within_the_rounding_of_a_decoder(mode: str) -> None:
    data = saved(Image.fromarray(smooth(40, 56)).convert(mode), "WEBP", quality=80)
    assert np.abs(decode_image(data, "a").astype(int) - by_pillow(data)).max() <= 4


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(
    ("colour", "channels", "depths"),
    [(0, 1, (1, 2, 4, 8)), (2, 3, (8,)), (3, 1, (1, 2, 4, 8)), (4, 2, (8,)), (6, 4, (8,))],
    ids=["grey", "colour", "palette", "grey and alpha", "colour and alpha"],
)
def test_each_kind_of_png_is_pillows(colour: int, channels: int, depths: tuple[int, ...], *, interlaced: bool) -> None:
    for depth in depths:
        samples = random(*SIZE, channels, top=2**depth)
        table = [(b"PLTE", random(2**depth, 3).astype(np.uint8).tobytes())] if colour == 3 else []
        same(png(samples, colour=colour, depth=depth, interlaced=interlaced, extra=table))
        clear = [(b"tRNS", b"\x10\x90")] if colour == 3 else []
        same(png(samples, colour=colour, depth=depth, interlaced=interlaced, extra=table + clear))


@pytest.mark.parametrize("interlaced", [False, True])
def test_16_bits_of_a_png_become_the_nearest_of_8_once(*, interlaced: bool) -> None:
    # Pillow cuts colours of 16 bits off, so the closed form is asked; its 16-bit grey is not, by test_pixels.py.
    for colour, channels in ((0, 1), (2, 3)):
        samples = random(*SIZE, channels, top=65536)
        ours = decode_image(png(samples, colour=colour, depth=16, interlaced=interlaced), "a")
        np.testing.assert_array_equal(ours, nearest(samples))
    for colour, channels in ((4, 2), (6, 4)):
        samples = random(*SIZE, channels, top=65536)
        ours = decode_image(png(samples, colour=colour, depth=16, interlaced=interlaced), "a")
        np.testing.assert_array_equal(ours, over_white(samples))


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_the_transparent_level_of_a_grey_png_is_white(depth: int) -> None:
    # Pillow forgets to scale it below 8 bits and to look at it above.
    samples = random(*SIZE, 1, top=min(2**depth, 256))
    data = png(samples, colour=0, depth=depth, extra=[(b"tRNS", b"\0\1")])
    expected = nearest(np.where(samples == 1, 2**depth - 1, samples), 2**depth - 1)
    np.testing.assert_array_equal(decode_image(data, "a"), expected)
    if depth == 8:
        same(data)


def test_the_transparent_colour_of_a_png_is_white() -> None:
    samples = random(*SIZE, 3, top=2)
    clear = (samples == [1, 0, 1]).all(axis=2, keepdims=True)
    assert clear.any()
    for depth, colour in ((8, (1, 0, 1)), (16, (1, 0, 1))):
        extra = [(b"tRNS", b"".join(level.to_bytes(2, "big") for level in colour))]
        ours = decode_image(png(samples, colour=2, depth=depth, extra=extra), "a")
        np.testing.assert_array_equal(ours, nearest(np.where(clear, 2**depth - 1, samples), 2**depth - 1))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("photometric", "channels", "bits", "more"),
    [
        (0, 1, 1, {}),
        (0, 1, 8, {}),
        (1, 1, 1, {}),
        (1, 1, 8, {}),
        (2, 3, 8, {}),
        (2, 3, 8, {"planar": True}),
        (2, 4, 8, {"t338": (0,)}),
        (2, 4, 8, {"t338": (2,)}),
        (2, 4, 8, {"t338": (2,), "t274": (6,)}),
        (3, 1, 4, {"t320": [int(at) for at in random(48, top=65536)]}),
        (3, 1, 8, {"t320": [int(at) for at in random(768, top=65536)]}),
    ],
)
def test_each_kind_of_tiff_is_pillows(
    photometric: int, channels: int, bits: int, more: dict[str, Any], order: str
) -> None:
    same(tiff(random(*SIZE, channels, top=2**bits), photometric=photometric, bits=bits, order=order, **more))


def test_cmyk_and_premultiplied_colours_are_pillows_within_one_level() -> None:
    kinds = [(tiff(random(*SIZE, 4), photometric=5)), tiff(random(*SIZE, 4), photometric=2, t338=(1,))]
    for data in (*kinds, saved(noisy("CMYK"), "TIFF"), saved(noisy("CMYK"), "JPEG", quality=95)):
        assert np.abs(decode_image(data, "a").astype(int) - by_pillow(data)).max() <= 1


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("way", [1, 6])
def test_16_bits_of_a_tiff_become_the_nearest_of_8_once(way: int, order: str) -> None:
    def read(samples: NDArray[np.int64], photometric: int, **tags: Any) -> NDArray[np.uint8]:
        data = tiff(samples, photometric=photometric, bits=16, order=order, t274=(way,), **tags)
        return np.rot90(decode_image(data, "a"), 1 if way == 6 else 0)

    grey, rgb, rgba = (random(*SIZE, channels, top=65536) for channels in (1, 3, 4))
    np.testing.assert_array_equal(read(grey, 1), nearest(grey))
    np.testing.assert_array_equal(read(rgb, 2), nearest(rgb))
    np.testing.assert_array_equal(read(rgba, 2, t338=(0,)), nearest(rgba[..., :3]))
    np.testing.assert_array_equal(read(rgba, 2, t338=(2,)), over_white(rgba))
    done = np.minimum(rgba[..., :3], rgba[..., 3:])  # colours already multiplied by their alpha
    over = nearest(done + 65535 - rgba[..., 3:])
    np.testing.assert_array_equal(read(np.dstack([done, rgba[..., 3:]]), 2, t338=(1,)), over)


@pytest.mark.parametrize(
    ("photometric", "channels", "bits", "more", "words"),
    [
        (0, 1, 16, {}, "photometric interpretation 0, 1 samples of 16 bits"),
        (1, 2, 8, {"t338": (2,)}, "photometric interpretation 1, 2 samples of 8 bits"),
        (1, 1, 4, {}, "1 samples of 4 bits"),
        (1, 1, 12, {}, "1 samples of 12 bits"),
        (1, 1, 32, {}, "1 samples of 32 bits"),
        (2, 4, 8, {"t338": (3,)}, "4 samples of 8 bits"),
        (2, 3, 8, {"t258": (8, 8, 5)}, "3 samples of 8 bits"),
        (6, 3, 8, {}, "photometric interpretation 6, 3 samples of 8 bits"),
        (8, 3, 8, {}, "photometric interpretation 8, 3 samples of 8 bits"),
        (2, 3, 16, {"planar": True}, "16 bits in planes"),
        (2, 3, 8, {"t322": (16,), "t323": (16,)}, "tiles of less than 16 bits"),
        (1, 1, 8, {"t339": (2,)}, "numbers that have a sign or a fraction"),
        (1, 1, 32, {"t339": (3,)}, "numbers that have a sign or a fraction"),
    ],
)
def test_a_tiff_that_would_be_read_wrongly_is_refused(
    photometric: int, channels: int, bits: int, more: dict[str, Any], words: str
) -> None:
    data = tiff(random(*SIZE, channels, top=2**bits), photometric=photometric, bits=bits, **more)
    with pytest.raises(FileError, match=rf"^a is a TIFF with .*{words}, which misread does not read; save it as PNG$"):
        decode_image(data, "a")


def test_pixels_of_another_type_than_8_or_16_bits_go_no_further() -> None:
    fractions = tiff(random(*SIZE, 1), photometric=1, bits=32, t339=(3,))
    with pytest.raises(FileError, match="a is a TIFF with float32 pixels, which misread does not read"):
        imdecode(fractions, "a", "TIFF")


def test_each_kind_of_bmp_is_pillows() -> None:
    palette = random(256, 4).astype(np.uint8).tobytes()
    four, three = random(SIZE[0], SIZE[1] * 4).astype(np.uint8), random(SIZE[0], SIZE[1] * 3).astype(np.uint8)
    masks = (0xFF0000, 0xFF00, 0xFF)
    runs = b"".join(b"".join(b"\1%c" % at for at in row) + b"\0\0" for row in random(*SIZE)) + b"\0\1"
    same(bmp(three, bits=24, size_hw=SIZE))
    same(bmp(four, bits=32, size_hw=SIZE))
    same(bmp(four, bits=32, size_hw=SIZE, packing=3, masks=masks))
    same(bmp(four, bits=32, size_hw=SIZE, packing=3, header=56, masks=(*masks, 0xFF000000)))
    same(bmp(four, bits=32, size_hw=SIZE, packing=3, header=108, masks=(*masks, 0)))
    same(bmp(four, bits=32, size_hw=SIZE, packing=3, header=124, masks=(0xFF, 0xFF00, 0xFF0000, 0xFF000000)))
    same(bmp(random(*SIZE).astype(np.uint8), bits=8, size_hw=SIZE, palette=palette))
    same(bmp(random(SIZE[0], 10).astype(np.uint8), bits=4, size_hw=SIZE, palette=palette[:64]))
    same(bmp(random(SIZE[0], 3).astype(np.uint8), bits=1, size_hw=SIZE, palette=palette[:8]))
    same(bmp(runs, bits=8, size_hw=SIZE, packing=1, palette=palette))


@pytest.mark.parametrize(
    "kind",
    [
        {"bits": 16},
        {"bits": 16, "packing": 3, "masks": (0xF800, 0x7E0, 0x1F)},
        {"bits": 32, "packing": 3, "masks": (0x3FF00000, 0xFFC00, 0x3FF)},
    ],
    ids=["555", "565", "10 bits"],
)
def test_a_bmp_that_would_be_read_too_dark_is_refused(kind: dict[str, Any]) -> None:
    lines = random(SIZE[0], SIZE[1] * kind["bits"] // 8).astype(np.uint8)
    with pytest.raises(FileError, match="a is a BMP with colours of other than 8 bits, which misread does not read"):
        decode_image(bmp(lines, size_hw=SIZE, **kind), "a")


def test_a_bmp_of_os2_whose_colours_opencv_takes_for_grey_is_refused() -> None:
    lines = bytes(SIZE[0] * 60)
    data = b"BM" + struct.pack("<IHHIIHHHH", 26 + len(lines), 0, 0, 26, 12, SIZE[1], SIZE[0], 1, 24) + lines
    with pytest.raises(FileError, match=r"a is a BMP with the header of OS/2, which misread does not read; save it"):
        decode_image(data, "a")


@pytest.mark.parametrize("maximum", [1, 10, 100, 254, 255])
@pytest.mark.parametrize(("kind", "channels"), [(5, 1), (6, 3)])
def test_a_pnm_is_scaled_by_its_maximum_as_by_pillow(kind: int, channels: int, maximum: int) -> None:
    same(pnm(kind, random(*SIZE, channels, top=maximum + 1), maximum))
    above = random(*SIZE, channels)  # values that the maximum rules out
    same(pnm(kind, above, maximum))


@pytest.mark.parametrize("maximum", [256, 1000, 4095, 65535])
@pytest.mark.parametrize(("kind", "channels"), [(5, 1), (6, 3)])
def test_16_bits_of_a_pnm_become_the_nearest_of_8(kind: int, channels: int, maximum: int) -> None:
    values = random(*SIZE, channels, top=maximum + 1)
    ours = decode_image(pnm(kind, values, maximum), "a")
    # First to 65535, as Pillow does, which may move a value that lies next to the middle of two levels.
    np.testing.assert_array_equal(ours, nearest(np.rint(values / maximum * 65535)))


def test_a_pnm_of_text_is_read_with_a_maximum_of_255_or_65535() -> None:
    for kind, channels in ((2, 1), (3, 3)):
        same(pnm(kind, random(*SIZE, channels), 255))
        values = random(*SIZE, channels, top=65536)
        np.testing.assert_array_equal(decode_image(pnm(kind, values, 65535), "a"), nearest(values))
        with pytest.raises(FileError, match="a is a PNM with text and a maximum of 100, which misread does not read"):
            decode_image(pnm(kind, random(*SIZE, channels, top=100), 100), "a")
    bits = random(*SIZE, top=2)
    same(b"P4 19 14\n" + np.packbits(bits.astype(np.uint8), axis=1).tobytes())
    same(b"P1\n19 14\n" + b"\n".join(b" ".join(b"%d" % bit for bit in row) for row in bits) + b"\n")


@pytest.mark.parametrize("maximum", [0, 65536, 999_999_999])
def test_a_maximum_that_no_pnm_has_is_refused(maximum: int) -> None:
    data = b"P5 4 4 %d\n" % maximum + bytes(64)
    with pytest.raises(FileError, match=r"maximum of|truncated or damaged"):
        decode_image(data, "a")


def test_of_several_pictures_in_a_file_the_first_is_read() -> None:
    first, second = noisy("RGB"), Image.fromarray(255 - np.asarray(noisy("RGB")))
    for suffix, options in (("TIFF", {}), ("WEBP", {"lossless": True}), ("PNG", {})):
        data = saved(first, suffix, save_all=True, append_images=[second], **options)
        np.testing.assert_array_equal(decode_image(data, "a"), np.asarray(first))


@pytest.mark.parametrize("suffix", ["GIF", "JPEG2000", "PCX", "TGA", "ICO", "SGI"])
def test_other_formats_are_not_read_whatever_opencv_can_do(suffix: str) -> None:
    data = saved(noisy("RGB"), suffix)
    assert format_of(data) is None
    with pytest.raises(FileError, match=r"^a is (not a picture|a GIF picture); expected one of \.png, .*\.tiff"):
        decode_image(data, "a")


def test_a_file_is_of_one_format_at_most_and_pillow_agrees() -> None:
    assert len(set(SUFFIXES)) == len(SUFFIXES)
    for suffix in SUFFIXES:
        kind = Image.registered_extensions()[suffix]
        claims = [form for form in FORMATS if form.claims(saved(noisy("RGB"), kind))]
        assert [suffix in form.suffixes for form in claims] == [True]


FILES = {
    "PNG": png(random(*SIZE, 4), colour=6, depth=8, extra=[(b"eXIf", b"MM\0*\0\0\0\x08\0\0")]),
    "JPEG": saved(noisy("RGB"), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0"),
    "WebP": saved(noisy("RGBA"), "WEBP", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0"),
    "BMP": bmp(random(SIZE[0], SIZE[1] * 4).astype(np.uint8), bits=32, size_hw=SIZE),
    "PNM": pnm(6, random(*SIZE, 3), 255),
    "TIFF": tiff(random(*SIZE, 3), photometric=2),
    "packed TIFF": saved(noisy("RGB"), "TIFF", compression="tiff_lzw"),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_cut_off_anywhere_is_one_sentence(kind: str) -> None:
    data = FILES[kind]
    decode_image(data, "a")
    for length in (*range(0, len(data), len(data) // 97), len(data) - 1):
        with pytest.raises(FileError, match=r"^a (is truncated|cannot be decoded|is not a picture|is a )"):
            decode_image(data[:length], "a")


@pytest.mark.parametrize("kind", FILES)
def test_pixels_that_are_missing_are_called_that(kind: str) -> None:
    data = kept = FILES[kind]
    if "TIFF" in kind:  # whose directory may stand at the end: let the strip claim to be longer
        (length,) = first_directory(data)[279]
        claim = [struct.pack("<HHII", 279, 4, 1, size) for size in (length, length + len(data))]
        kept = data.replace(claim[0], claim[1])
        assert kept != data
    else:
        kept = data[:-40]
    with pytest.raises(FileError, match=r"^a is truncated: it ends before its picture does; copy it again$"):
        decode_image(kept, "a")


@pytest.mark.parametrize("kind", FILES)
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_file_is_a_picture_or_one_sentence(kind: str, data: st.DataObject) -> None:
    spoilt = bytearray(FILES[kind])
    for _ in range(data.draw(st.integers(1, 4))):
        spoilt[data.draw(st.integers(0, min(len(spoilt), 400) - 1))] = data.draw(st.integers(0, 255))
    try:
        picture = decode_image(bytes(spoilt), "a")
    except FileError as error:
        assert "\n" not in str(error)  # noqa: PT017  either outcome is right, and both are checked
    else:
        assert picture.dtype == np.uint8
        assert picture.shape[2:] == (3,)


@pytest.mark.parametrize("maximum", [b"255", b"100"])
def test_a_header_that_windows_wrote_moves_no_pixel(maximum: bytes) -> None:
    pixels = np.arange(5 * 4 * 3, dtype=np.uint8)
    plain = b"P6\n4 5\n" + maximum + b"\n" + pixels.tobytes()
    windows = b"P6\r\n4 5\r\n" + maximum + b"\r\n" + pixels.tobytes()
    expected = decode_image(plain, "plain")
    assert (decode_image(windows, "windows") == expected).all()
    # One byte short of that, the line feed is a pixel: the standard has one character there.
    shifted = decode_image(b"P6 4 5 255\r" + b"\n" + pixels[:-1].tobytes(), "a line feed as a pixel")
    assert shifted[0, 0, 0] == 10
