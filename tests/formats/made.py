"""Picture files made by hand, of kinds that Pillow does not write."""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Samples = NDArray[np.integer[Any]]
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def saved(image: Image.Image, suffix: str, **options: Any) -> bytes:
    """Let Pillow write a file."""
    out = io.BytesIO()
    image.save(out, suffix, **options)
    return out.getvalue()


def by_pillow(data: bytes) -> NDArray[np.uint8]:
    """Read by Pillow: upright, over white, as RGB."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    if image.mode in {"LA", "PA", "RGBA"} or "transparency" in image.info:
        white = Image.new("RGBA", image.size, "white")
        white.alpha_composite(image.convert("RGBA"))
        image = white
    return np.asarray(image.convert("RGB"))


def nearest(values: NDArray[Any], full: int = 65535) -> NDArray[np.uint8]:
    """0 to `full` brought to the nearest of 256 levels, (h, w, 1 or 3) repeated to three channels."""
    levels = np.floor(values / full * 255 + 0.5).astype(np.uint8)
    return levels if levels.shape[2] == 3 else np.repeat(levels, 3, axis=2)


def over_white(values: NDArray[Any], full: int = 65535) -> NDArray[np.uint8]:
    """Lay (h, w, 2 or 4) with straight alpha over white."""
    wide = values.astype(np.float64)
    return nearest((wide[..., :-1] * wide[..., -1:] + full * (full - wide[..., -1:])) / full, full)


def chunk(kind: bytes, content: bytes) -> bytes:
    """Return one chunk of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(
    samples: Samples, *, colour: int, depth: int, interlaced: bool = False, extra: Sequence[tuple[bytes, bytes]] = ()
) -> bytes:
    """Return the PNG of (h, w, channels) samples of `depth` bits."""
    height, width, _ = samples.shape
    parts = [samples[y0::dy, x0::dx] for x0, y0, dx, dy in ADAM7] if interlaced else [samples]
    raw = b"".join(b"\0" + line for part in parts if part.size for line in _lines(part, depth))
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    more = b"".join(chunk(kind, content) for kind, content in extra)
    return b"".join(
        [b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", head), more, chunk(b"IDAT", zlib.compress(raw)), chunk(b"IEND", b"")]
    )


def _lines(samples: Samples, depth: int) -> Iterator[bytes]:
    for row in samples.reshape(len(samples), -1):
        if depth >= 8:
            yield row.astype(">u2" if depth == 16 else np.uint8).tobytes()
        else:
            bits = (row[:, None] >> np.arange(depth - 1, -1, -1)) & 1
            yield np.packbits(bits.reshape(-1)).tobytes()


def tiff(
    samples: Samples, *, photometric: int, bits: int = 8, order: str = "<", planar: bool = False, **tags: Sequence[int]
) -> bytes:
    """Return the TIFF of (h, w, channels) samples in one strip, or one a channel; `t274=(6,)` sets a tag."""
    height, width, channels = samples.shape
    form = {8: "u1", 16: "u2", 32: "u4"}.get(bits)
    strips = [samples[..., at] for at in range(channels)] if planar else [samples]
    blobs = [strip.astype(f"{order}{form}").tobytes() if form else b"".join(_lines(strip, bits)) for strip in strips]
    entries: dict[int, tuple[str, Sequence[int]]] = {
        256: ("I", [width]), 257: ("I", [height]), 258: ("H", [bits] * channels), 259: ("H", [1]),
        262: ("H", [photometric]), 277: ("H", [channels]), 278: ("I", [height]),
        279: ("I", [len(blob) for blob in blobs]), 284: ("H", [1 + planar]),
    }  # fmt: skip
    entries |= {int(name[1:]): ("H", values) for name, values in tags.items()}
    entries[273] = ("I", [0] * len(blobs))
    place = 8 + 2 + 12 * len(entries) + 4
    entries[273] = ("I", [place + sum(map(len, blobs[:at])) for at in range(len(blobs))])
    body, listed = b"".join(blobs), b""
    for tag in sorted(entries):
        kind, values = entries[tag]
        raw = struct.pack(f"{order}{len(values)}{kind}", *values)
        if len(raw) > 4:
            raw, body = struct.pack(order + "I", place + len(body)), body + raw + b"\0" * (len(raw) % 2)
        listed += struct.pack(order + "HHI", tag, {"H": 3, "I": 4}[kind], len(values)) + raw.ljust(4, b"\0")
    head = {"<": b"II", ">": b"MM"}[order] + struct.pack(order + "HI", 42, 8)
    return head + struct.pack(order + "H", len(entries)) + listed + b"\0\0\0\0" + body


def bmp(
    rows: NDArray[np.uint8] | bytes, *, bits: int, size_hw: tuple[int, int], packing: int = 0, header: int = 40,
    masks: Sequence[int] = (), palette: bytes = b"",
) -> bytes:  # fmt: skip
    """Return the BMP of (h, bytes of a line) bottom-up lines, or of packed bytes."""
    lines = rows if isinstance(rows, bytes) else np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4))).tobytes()
    height, width = size_hw
    head = struct.pack("<IiiHHIIiiII", header, width, height, 1, bits, packing, len(lines), 0, 0, 0, 0)
    mask = struct.pack(f"<{len(masks)}I", *masks)
    head += mask.ljust(header - 40, b"\0") if header > 40 else mask
    start = 14 + len(head) + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(lines), 0, 0, start) + head + palette + lines


def pnm(kind: int, values: Samples, maximum: int) -> bytes:
    """Return the PGM or PPM of (h, w, channels) values, as text or binary, with a comment in its head."""
    head = f"P{kind}\n# made by hand\n{values.shape[1]} {values.shape[0]}\n{maximum}\n".encode()
    if kind in {2, 3}:
        return head + b" ".join(b"%d" % value for value in values.reshape(-1)) + b"\n"
    return head + values.astype(">u2" if maximum > 255 else np.uint8).tobytes()
