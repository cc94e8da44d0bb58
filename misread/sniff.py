"""What a file is by its first bytes, for the sentence that says why it is not what its name says."""

from __future__ import annotations

from pathlib import Path
from typing import Final

HEAD_BYTES: Final = 512
#: (first bytes, where they stand, what such a file is).
_MARKS: Final = (
    (b"\x89PNG\r\n\x1a\n", 0, "a PNG picture"),
    (b"\xff\xd8\xff", 0, "a JPEG picture"),
    (b"GIF87a", 0, "a GIF picture"),
    (b"GIF89a", 0, "a GIF picture"),
    (b"WEBP", 8, "a WebP picture"),
    (b"ftypavif", 4, "an AVIF picture"),
    (b"ftypheic", 4, "a HEIC picture"),
    (b"ftypheix", 4, "a HEIC picture"),
    (b"ftypmif1", 4, "a HEIC picture"),
    (b"ftyp", 4, "a video"),
    (b"II*\0", 0, "a TIFF picture"),
    (b"MM\0*", 0, "a TIFF picture"),
    (b"%PDF-", 0, "a PDF document"),
    (b"\x93NUMPY", 0, "a NumPy array"),
    (b"\x89HDF\r\n\x1a\n", 0, "an HDF5 file"),
    (b"ORTM", 4, "a model in onnxruntime's own format"),
    (b"TFL3", 4, "a TensorFlow Lite model"),
    (b"PK\x03\x04", 0, "a zip archive, as torch.save and NumPy write them"),
    (b"PK\x05\x06", 0, "an empty zip archive"),
    (b"\x1f\x8b", 0, "a gzip archive"),
    (b"ustar", 257, "a tar archive"),
    (b"\x7fELF", 0, "a program"),
    (b"MZ", 0, "a program"),
    (b"#!", 0, "a script"),
    (b"version https://git-lfs", 0, "a Git LFS pointer; fetch the file itself with: git lfs pull"),
)
_PICKLES: Final = frozenset(range(2, 6))


def kind_of_bytes(data: bytes) -> str:
    """Return what a file is that starts with these bytes, as in `a zip archive`; empty where that is not known."""
    for mark, at, kind in _MARKS:
        if data[at : at + len(mark)] == mark:
            return kind
    if len(data) >= 2 and data[0] == 0x80 and data[1] in _PICKLES:
        return "a pickle"
    if len(data) >= 10 and data[8:9] == b"{" and int.from_bytes(data[:8], "little") < 2**32:
        return "a safetensors file"
    start = data[:HEAD_BYTES].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith((b"<svg", b"<?xml")) and b"<svg" in start:
        return "an SVG drawing"
    if start.startswith((b"<!doctype html", b"<html")):
        return "an HTML page"
    return "a text" if _is_text(data[:HEAD_BYTES]) else ""


def kind_of_file(path: Path) -> str:
    """Return the same of a plain file; empty where it is none, for a pipe would hang, or cannot be read."""
    try:
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            return kind_of_bytes(file.read(HEAD_BYTES))
    except OSError:
        return ""


def _is_text(head: bytes) -> bool:
    return bool(head) and all(byte >= 0x20 or byte in b"\t\n\r\f" for byte in head) and 0x7F not in head
