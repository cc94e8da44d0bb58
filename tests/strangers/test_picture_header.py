"""Pictures that say more than they are: refused by their header, before a decoder makes room for them."""

from __future__ import annotations

import io
import os
import struct
import zlib
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from misread import pixels
from misread.errors import FileError
from misread.picture_header import MAX_JPEG_SCANS, MAX_PNG_TEXTS, read_header
from misread.pixels import decode_image, encode_jpeg, encode_png, read_image

if TYPE_CHECKING:
    from pathlib import Path

Image = pytest.importorskip("PIL.Image")
PICTURE = np.random.default_rng(0).integers(0, 256, (24, 40, 3), dtype=np.uint8)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, *more: bytes) -> bytes:
    """A PNG of any size; its pixels are those of one line."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    end = chunk(b"IDAT", zlib.compress(bytes(1 + 3 * 16))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + end


def saved(form: str, **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(PICTURE).save(out, form, **options)
    return out.getvalue()


KINDS = [
    ("PNG", {}),
    ("JPEG", {}),
    ("JPEG", {"progressive": True}),
    ("WebP", {}),
    ("WebP", {"lossless": True}),
    ("WebP", {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0"}),
    ("BMP", {}),
    ("PPM", {}),
    ("TIFF", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
    ("TIFF", {"big_tiff": True}),
]


@pytest.mark.parametrize(("form", "options"), KINDS, ids=str)
def test_the_header_says_what_pillow_says(form: str, options: dict[str, object]) -> None:
    data = saved(form, **options)
    header = read_header(data)
    assert header is not None
    assert (header.kind.replace("PNM", "PPM").casefold(), header.size_hw) == (form.casefold(), PICTURE.shape[:2])
    assert header.fault == ""
    assert decode_image(data, "a").shape == PICTURE.shape


def test_a_big_endian_tiff_and_a_plain_pnm_with_comments() -> None:
    entries = struct.pack(">HHIHHHHIHH", 256, 3, 1, 40, 0, 257, 3, 1, 24, 0)
    assert read_header(b"MM\0*\0\0\0\x08\0\x02" + entries).size_hw == (24, 40)  # type: ignore[union-attr]
    assert read_header(b"P1 # a comment\n# and 7 more\n40\n24\n").size_hw == (24, 40)  # type: ignore[union-attr]
    header = b"BM" + bytes(12) + struct.pack("<IHH", 12, 40, 24)
    assert read_header(header).size_hw == (24, 40)  # type: ignore[union-attr]


HUGE = [
    ("PNG", png(20_000, 20_000)),
    ("JPEG", encode_jpeg(PICTURE, 90).replace(struct.pack(">HH", 24, 40), struct.pack(">HH", 65_500, 65_500))),
    ("WebP", b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xff\x3f\0" * 2 + bytes(8)),
    ("BMP", b"BM" + bytes(12) + struct.pack("<Iii", 40, 2**30, -(2**30)) + bytes(28)),
    ("PNM", b"P6 100000 100000 255\n" + bytes(99)),
    (
        "TIFF",
        b"II*\0\x08\0\0\0" + struct.pack("<HHHIIHHII", 2, 256, 4, 1, 2**31, 257, 4, 1, 2**31) + bytes(4),
    ),
    (
        "TIFF",
        b"II*\0\x08\0\0\0\x04\0"
        + b"".join(
            struct.pack("<HHII", tag, 4, 1, side) for tag, side in ((256, 8), (257, 8), (322, 2**20), (323, 2**20))
        ),
    ),
]


@pytest.mark.parametrize(("kind", "data"), HUGE, ids=[kind for kind, _ in HUGE])
def test_a_side_too_long_never_reaches_a_decoder(kind: str, data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("it was decoded"))
    header = read_header(data)
    assert header is not None
    assert header.kind == kind
    with pytest.raises(FileError, match=r"says that it is \d+x\d+ pixels; at most 134217728 are read"):
        decode_image(data, "a.png")


def test_compressed_texts_are_not_unpacked_by_the_dozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes 7 kB of file and 8 MB of libpng's time; 900 of them took a minute."""
    text = chunk(b"iTXt", b"a\0\1\0\0\0" + zlib.compress(bytes(2**20)))
    plain = encode_png(PICTURE)
    np.testing.assert_array_equal(decode_image(plain[:33] + text * MAX_PNG_TEXTS + plain[33:], "a.png"), PICTURE)
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("it was decoded"))
    with pytest.raises(FileError, match=r"a\.png is not decoded: it holds 17 compressed texts, of which at most 16"):
        decode_image(png(16, 4, *[text] * (MAX_PNG_TEXTS + 1)), "a.png")


def test_a_jpeg_of_many_passes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = saved("JPEG", progressive=True)
    last = data.rfind(b"\xff\xda")
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("it was decoded"))
    with pytest.raises(FileError, match=r"it is drawn in \d+ passes, of which at most 64 are read"):
        decode_image(data[:last] + data[last:-2] * MAX_JPEG_SCANS + data[-2:], "a.jpg")


def test_marks_inside_a_thumbnail_are_no_passes() -> None:
    inner = b"\xff\xe1" + struct.pack(">H", 2 + 3 * 200) + b"\xff\xda\x00" * 200
    data = encode_jpeg(PICTURE, 90)
    header = read_header(data[:2] + inner + data[2:])
    assert header is not None
    assert (header.size_hw, header.fault) == (PICTURE.shape[:2], "")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"GIF89a" + bytes(20), "is a GIF picture; expected one of .png"),
        (b"\0\0\0\x18ftypheic" + bytes(20), "is a HEIC picture; expected"),
        (b"\0\0\0\x18ftypavif" + bytes(20), "is an AVIF picture"),
        (b"<?xml version='1.0'?><svg xmlns='x'></svg>", "not a picture; expected .*, got an SVG drawing"),
        (b"<!DOCTYPE html><html>", "got an HTML page"),
        (b"PK\x03\x04" + bytes(30), "got a zip archive"),
        (b"\x80\x02}q\0.", "got a pickle"),
        (b"\x7fELF" + bytes(30), "got a program"),
        (b"\x10\0\0\0\0\0\0\0{}", "got a safetensors file"),
        (b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(40), "is not a picture; expected one of .png"),
        (b"#?RADIANCE\n" + bytes(40), "is not a picture"),
        (b"v/1\x01" + bytes(40), "is not a picture"),
        (b"RIFF\0\0\0\0WEBPJUNK" + bytes(30), "cannot be decoded|is truncated"),
        (b"\xff\xd8\xff\xe0\0\x10" + bytes(20) + b"\xff\xd9", "cannot be decoded|is truncated"),
        (b"II*\0\xff\xff\xff\xff", "cannot be decoded|is truncated"),
        (b"P6 # no end of this", "is truncated"),
        (b"\x89PNG\r\n\x1a\n" + chunk(b"IDAT", b"") + chunk(b"IEND", b""), "cannot be decoded|is truncated"),
    ],
)
def test_another_kind_of_file_named_png_says_what_it_is(data: bytes, words: str) -> None:
    with pytest.raises(FileError, match=words) as caught:
        decode_image(data, "a.png")
    assert "\n" not in str(caught.value)


def test_no_pipe_folder_or_device_is_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    for name, words in (("pipe", "is no plain file"), ("folder", "is a directory"), ("zero", "is no plain file")):
        with pytest.raises(FileError, match=words):
            read_image(tmp_path / f"{name}.png")


def test_a_picture_that_grows_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The size that was asked for is of the file that was opened, and no more than the bound is read of it."""
    from misread import files

    (tmp_path / "a.png").write_bytes(encode_png(PICTURE) + bytes(4096))
    real = os.fstat

    def smaller(handle: int) -> os.stat_result:
        found = list(real(handle))
        found[6] = 10
        return os.stat_result(found)

    monkeypatch.setattr(os, "fstat", smaller)
    with pytest.raises(FileError, match="has 1025 bytes; a picture has at most 1024"):
        files.read_bounded(tmp_path / "a.png", 1024, "picture")


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_picture_converted_in_bands_is_the_same(channels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    levels = np.random.default_rng(1).integers(0, 65536, (25, 16, channels), dtype=np.uint16)
    for picture in (levels, (levels >> 8).astype(np.uint8)):
        data = cv2.imencode(".png", picture)[1].tobytes()
        whole = decode_image(data, "a")
        monkeypatch.setattr(pixels, "_BAND_PIXELS", 32)
        np.testing.assert_array_equal(decode_image(data, "a"), whole)
        monkeypatch.undo()
