"""Pictures in an npz file, read row by row: the array is never in memory as a whole."""

from __future__ import annotations

import math
import threading
import zipfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Final

import numpy as np
from numpy.lib import format as npy

from misread.data.sample import Sample, UInt8, number_of, numbers
from misread.errors import FileError
from misread.files import cannot_read

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

MAX_ROWS: Final = 2**21
MAX_LABEL_BYTES: Final = 64 * 2**20
MAX_ROW_BYTES: Final = 2**27 * 3
MIN_SIDE_PX: Final = 4
_IMAGES: Final = "images.npy"
_LABELS: Final = "labels.npy"


class NpzRows:
    """The pictures of one npz file; rows are cheapest in rising order, since a compressed file has no other.

    Attributes:
        path: the file.
        shape: (n, h, w, 1 or 3) of its pictures.
    """

    def __init__(self, path: Path) -> None:
        """Read the header of the array.

        Raises:
            FileError: no npz, or no uint8 pictures in it.
        """
        self.path, self._lock = path, threading.Lock()
        self._stream: IO[bytes] | None = None
        with _npz_errors(path), zipfile.ZipFile(path) as archive:
            if _IMAGES not in archive.namelist():
                raise FileError(f"{path} holds {', '.join(archive.namelist()[:8])}; expected 'images' and 'labels'")
            with archive.open(_IMAGES) as member:
                shape, dtype = _header(member, path)
                self._start = member.tell()
            declared = archive.getinfo(_IMAGES).file_size - self._start
        if dtype != np.uint8 or len(shape) not in {3, 4} or (len(shape) == 4 and shape[3] not in {1, 3}):
            raise FileError(f"{path} has images {shape} {dtype}; expected (n, h, w) or (n, h, w, 3) uint8")
        self.shape = (*shape, 1) if len(shape) == 3 else shape
        self._row_bytes = math.prod(self.shape[1:])
        if not (min(self.shape[1:3]) >= MIN_SIDE_PX and self._row_bytes <= MAX_ROW_BYTES and shape[0] <= MAX_ROWS):
            raise FileError(
                f"{path} has images {shape}; at most {MAX_ROWS} of {MIN_SIDE_PX}x{MIN_SIDE_PX} to 2^27 pixels are read"
            )
        if declared != math.prod(self.shape):
            raise FileError(f"{path} is damaged: images {shape} need {math.prod(shape)} bytes, it holds {declared}")

    def read(self, row: int) -> UInt8:
        """Return picture number `row`, (h, w, 3) uint8 RGB.

        Raises:
            FileError: the file is truncated or damaged there.
        """
        with self._lock, _npz_errors(self.path):
            if self._stream is None:
                with zipfile.ZipFile(self.path) as archive:
                    self._stream = archive.open(_IMAGES)
            self._stream.seek(self._start + row * self._row_bytes)
            data = self._stream.read(self._row_bytes)
        if len(data) != self._row_bytes:
            raise FileError(f"{self.path} is truncated at picture {row}; copy it again")
        pixels = np.frombuffer(data, np.uint8).reshape(self.shape[1:])
        return np.ascontiguousarray(np.broadcast_to(pixels, (*self.shape[1:3], 3)))

    def labels(self) -> NDArray[np.generic] | None:
        """Return (n,) labels, whole numbers or texts, or None where the file has none.

        Raises:
            FileError: another number of labels, or of another kind.
        """
        with _npz_errors(self.path), zipfile.ZipFile(self.path) as archive:
            if _LABELS not in archive.namelist():
                return None
            with archive.open(_LABELS) as member:
                shape, dtype = _header(member, self.path)
                size = math.prod(shape) * dtype.itemsize
                if shape != self.shape[:1] or dtype.kind not in "iuU" or not size <= MAX_LABEL_BYTES:
                    raise FileError(
                        f"{self.path} has labels {shape} {dtype}; expected {self.shape[:1]} whole numbers or texts"
                    )
                data = member.read(size)
        if len(data) != size:
            raise FileError(f"{self.path} is truncated in its labels; copy it again")
        return np.frombuffer(data, dtype) if size else np.empty(shape, dtype)

    def close(self) -> None:
        """Let go of the file; a later `read` opens it again."""
        with self._lock:
            if self._stream is not None:
                self._stream.close()
                self._stream = None

    def __del__(self) -> None:
        """Let go of the file with the last sample."""
        if getattr(self, "_stream", None) is not None:
            self.close()


def from_npz(place: Path, labels: Sequence[str]) -> Iterator[Sample]:
    """Yield the pictures of an npz file in its order, named by their number.

    Raises:
        FileError: no npz, or its arrays are not as `find_samples` describes.
        InputError: a label that the model does not know.
    """
    rows, known = NpzRows(place), numbers(labels)
    given = rows.labels()
    for row in range(rows.shape[0]):
        label = None if given is None else number_of(str(given[row]), known, labels, f"{place} picture {row}")
        yield Sample(path=place, label=label, name=f"{place.name}[{row}]", rows=rows, row=row)


def _header(member: IO[bytes], path: Path) -> tuple[tuple[int, ...], np.dtype[np.generic]]:
    version = npy.read_magic(member)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = read(member)
    if (fortran and len(shape) > 1) or any(side < 0 for side in shape):
        raise FileError(f"{path} stores its arrays column by column; save them in C order (np.ascontiguousarray)")
    return shape, dtype


@contextmanager
def _npz_errors(path: Path) -> Generator[None]:
    """Turn what zipfile, zlib and numpy say of a damaged file into one sentence."""
    try:
        yield
    except OSError as error:
        raise FileError(cannot_read(path, error)) from error
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        raise FileError(f"{path} is no npz file that can be read: {error}") from error
