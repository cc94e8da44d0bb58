"""Pictures in an npz file, read row by row: the array is never in memory as a whole."""

from __future__ import annotations

import io
import math
import threading
import tokenize
import zipfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Final

import numpy as np
from numpy.lib import format as npy

from misread.archive import open_archive
from misread.data.sample import Sample, UInt8, number_of
from misread.errors import FileError
from misread.files import cannot_read
from misread.text import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

MAX_ROWS: Final = 2**21
MAX_HEADER_BYTES: Final = 10_000
MAX_LABEL_BYTES: Final = 64 * 2**20
MAX_ROW_BYTES: Final = 2**27 * 3
MIN_SIDE_PX: Final = 4
#: How files call their pictures and labels; of the data sets that hold a test part, that part.
PAIRS: Final = (
    ("images", "labels"), ("x_test", "y_test"), ("test_images", "test_labels"), ("X_test", "y_test"), ("X", "y"),
    ("x", "y"), ("data", "labels"),
)  # fmt: skip


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
        with _npz_errors(path), open_archive(path, "npz file") as archive:
            pair = next((pair for pair in PAIRS if f"{pair[0]}.npy" in archive.namelist()), None)
            if pair is None:
                known = ", ".join(" and ".join(repr(name) for name in pair) for pair in PAIRS[:3])
                raise FileError(f"{path} holds {_names(archive)}; expected {known} or the like")
            self._images, self._labels = (f"{name}.npy" for name in pair)
            with archive.open(self._images) as member:
                shape, dtype = _header(member, path)
                self._start = member.tell()
            declared = archive.getinfo(self._images).file_size - self._start
        if dtype != np.uint8 or len(shape) not in {3, 4} or (len(shape) == 4 and shape[3] not in {1, 3}):
            first = len(shape) == 4 and shape[1] in {1, 3}
            hint = "; move the channels to the end with transpose(0, 2, 3, 1)" if first else ""
            raise FileError(f"{path} has images {shape} {dtype}; expected (n, h, w) or (n, h, w, 3) uint8{hint}")
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
                    self._stream = archive.open(self._images)
            self._stream.seek(self._start + row * self._row_bytes)
            data = self._stream.read(self._row_bytes)
        if len(data) != self._row_bytes:
            raise FileError(f"{self.path} is truncated at picture {row}; copy it again")
        pixels = np.frombuffer(data, np.uint8).reshape(self.shape[1:])
        return np.ascontiguousarray(np.broadcast_to(pixels, (*self.shape[1:3], 3)))

    def labels(self) -> NDArray[np.generic] | None:
        """Return (n,) labels, whole numbers or texts, or None where the file has none; (n, 1) counts as (n,).

        Raises:
            FileError: another number of labels, or of another kind.
        """
        with _npz_errors(self.path), open_archive(self.path, "npz file") as archive:
            if self._labels not in archive.namelist():
                return None
            with archive.open(self._labels) as member:
                shape, dtype = _header(member, self.path)
                size = math.prod(shape) * dtype.itemsize
                if (
                    shape not in {self.shape[:1], (*self.shape[:1], 1)}
                    or dtype.kind not in "iuU"
                    or not size <= MAX_LABEL_BYTES
                ):
                    raise FileError(
                        f"{self.path} has labels {shape} {dtype}; expected {self.shape[:1]} whole numbers or texts"
                    )
                data = member.read(size)
        if len(data) != size:
            raise FileError(f"{self.path} is truncated in its labels; copy it again")
        return np.frombuffer(data, dtype) if size else np.empty(self.shape[:1], dtype)

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


def from_npz(place: Path, labels: Sequence[str], known: Mapping[str, int]) -> Iterator[Sample]:
    """Yield the pictures of an npz file in its order, named by their number.

    Args:
        place: the file.
        labels: of the model, in order.
        known: the output number of each way to write one.

    Raises:
        FileError: no npz, or its arrays are not as `find_samples` describes.
        InputError: a label that the model does not know.
    """
    rows = NpzRows(place)
    given = rows.labels()
    for row in range(rows.shape[0]):
        label = None if given is None else number_of(str(given[row]), known, labels, f"{place} picture {row}")
        yield Sample(path=place, label=label, name=f"{place.name}[{row}]", rows=rows, row=row)


def _names(archive: zipfile.ZipFile) -> str:
    return ", ".join(shorten(name.removesuffix(".npy"), 60) for name in archive.namelist()[:8]) or "nothing"


def _header(member: IO[bytes], path: Path) -> tuple[tuple[int, ...], np.dtype[np.generic]]:
    version = npy.read_magic(member)
    told = member.read(2 if version == (1, 0) else 4)
    length = int.from_bytes(told, "little")
    if length > MAX_HEADER_BYTES:  # numpy would read it whole before it asked
        raise FileError(f"{path} has an array with a header of {length} bytes; at most {MAX_HEADER_BYTES} are read")
    header = io.BytesIO(told + member.read(length))
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = read(header)
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
    except (
        *(zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError),
        *(SyntaxError, TypeError, tokenize.TokenError),  # a header is a Python literal
    ) as error:
        raise FileError(f"{path} is no npz file that can be read: {str(error)[:200]}") from error
