"""Input tensors that somebody's own code fed to a model, recorded by the name of the picture."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from misread.errors import FileError, InputError
from misread.files import cannot_read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from misread.data import Sample

Float32 = NDArray[np.float32]

MAX_VALUES: Final = 3 * 4096 * 4096
MAX_NAMES: Final = 2**20
_KINDS: Final = "fu"


class Recorded:
    """Recorded inputs, read one at a time.

    Attributes:
        source: how messages call them.
        names: of the pictures.
    """

    def __init__(self, source: str, loaders: Mapping[str, Callable[[], NDArray[np.generic]]]) -> None:
        self.source, self._loaders = source, dict(loaders)

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[np.generic]], *, source: str = "the recorded inputs") -> Recorded:
        """Wrap arrays that are in memory already."""
        return cls(source, {name: lambda array=array: array for name, array in arrays.items()})  # type: ignore[misc]

    @classmethod
    def open(cls, place: Path) -> Recorded:
        """Open an npz file whose arrays are named like the pictures, or a folder of npy files likewise.

        Raises:
            FileError: neither, or nothing in it.
        """
        if place.is_dir():
            files = sorted(path for path in place.rglob("*.npy") if path.is_file())
            loaders = {path.relative_to(place).with_suffix("").as_posix(): _file_loader(path) for path in files}
        elif place.is_file():
            with _npy_errors(place), zipfile.ZipFile(place) as archive:
                members = [name for name in archive.namelist() if name.endswith(".npy")]
            loaders = {name.removesuffix(".npy"): _member_loader(place, name) for name in members[:MAX_NAMES]}
        else:
            raise FileError(f"cannot read {place}: no such file; expected an npz, or a folder of npy files")
        if not loaders:
            raise FileError(f"{place} holds no array; expected one per picture, named like it")
        return cls(str(place), loaders)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the pictures."""
        return tuple(self._loaders)

    def planes(self, name: str) -> Float32:
        """Return what was fed for a picture, (c, h, w) float32; NHWC is turned round.

        Raises:
            FileError: it is no input of one picture.
        """
        array = self._loaders[name]()
        if array.ndim == 4 and len(array) == 1:
            array = array[0]
        if array.ndim == 2:
            array = array[None]
        if array.ndim != 3 or array.dtype.kind not in _KINDS or not 0 < array.size <= MAX_VALUES:
            raise FileError(
                f"{self.source} has {array.shape} {array.dtype} for {name}; expected one picture's input, "
                "(c, h, w) or (h, w, c), of floats or uint8"
            )
        if array.shape[0] not in {1, 3} and array.shape[2] in {1, 3}:
            array = array.transpose(2, 0, 1)
        if array.shape[0] not in {1, 3}:
            raise FileError(f"{self.source} has {array.shape} for {name}; expected 1 or 3 channels, first or last")
        values: Float32 = np.ascontiguousarray(array, np.float32)
        if not np.isfinite(values).all():
            raise FileError(f"{self.source} has values for {name} that are not finite; no model can be fed these")
        return values

    def matched(self, samples: Sequence[Sample]) -> tuple[tuple[Sample, str], ...]:
        """Return the pictures that were recorded, each with its name in the record.

        A name is a picture's path below the data folder, its file name, or either without the suffix; whichever is
        the first that fits, and fits one picture only.

        Raises:
            InputError: none was.
        """
        ways = (
            str,
            lambda name: str(PurePosixPath(name).with_suffix("")),
            _last,
            lambda name: PurePosixPath(name).stem,
        )
        pairs: dict[str, tuple[Sample, str]] = {}
        for way in ways:
            ours = Counter(way(sample.name) for sample in samples)
            theirs = {way(name): name for name in self._loaders} | {name: name for name in self._loaders}
            for sample in samples:
                name = theirs.get(way(sample.name))
                if name is not None and ours[way(sample.name)] == 1:
                    pairs.setdefault(sample.name, (sample, name))
        if not pairs:
            seen = ", ".join(self.names[:3])
            raise InputError(
                f"{self.source} names none of the pictures: it has {seen} …, the pictures are called "
                f"{samples[0].name} …; record each input under its picture's name"
            )
        return tuple(pairs[sample.name] for sample in samples if sample.name in pairs)


def _last(name: str) -> str:
    return PurePosixPath(name).name


def _file_loader(path: Path) -> Callable[[], NDArray[np.generic]]:
    def load() -> NDArray[np.generic]:
        with _npy_errors(path), path.open("rb") as stream:
            return _array(stream, path, path.name)

    return load


def _member_loader(place: Path, member: str) -> Callable[[], NDArray[np.generic]]:
    def load() -> NDArray[np.generic]:
        with _npy_errors(place), zipfile.ZipFile(place) as archive, archive.open(member) as stream:
            return _array(stream, place, member)

    return load


def _array(stream: IO[bytes], path: Path, name: str) -> NDArray[np.generic]:
    """Read an array whose header is believed only as far as its size is bearable."""
    read = npy.read_array_header_1_0 if npy.read_magic(stream) == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = read(stream)
    count = math.prod(shape)
    if dtype.kind not in _KINDS or not 0 < count <= MAX_VALUES:
        raise FileError(f"{path} has {shape} {dtype} for {name}; expected one picture's input of floats or uint8")
    data = stream.read(count * dtype.itemsize)
    if len(data) != count * dtype.itemsize:
        raise FileError(f"{path} is truncated at {name}; copy it again")
    array: NDArray[np.generic] = np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")
    return array


@contextmanager
def _npy_errors(path: Path) -> Iterator[None]:
    """Turn what zipfile, zlib and numpy say of a damaged file into one sentence."""
    try:
        yield
    except OSError as error:
        raise FileError(cannot_read(path, error)) from error
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        raise FileError(f"{path} holds no arrays that can be read: {error}") from error
