"""Weights that a model keeps in other files: where those may lie, and that they hold what the model says."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from misread.errors import FileError
from misread.text import shorten

if TYPE_CHECKING:
    from collections.abc import Iterable

    from misread.runtime.inspect.tensor import Outside, Tensor

MAX_EXTERNAL_BYTES: Final = 2**33
MAX_EXTERNAL_FILES: Final = 4096
_FORBIDDEN: Final = ("\\", ":", "\0")


def external_files(model: Path, tensors: Iterable[Tensor]) -> dict[str, Path]:
    """Return the other files of a model by the name that it gives them, sorted; each was held against what is said.

    A file must lie in the folder of the model or below, where the model itself lies once links are followed: a model
    must not make its reader read what its maker could not.

    Raises:
        FileError: outside the folder, a link out of it, a second name of another file, no plain file, missing, shorter
            than the model says, or more than 8 GiB in all.
    """
    found: dict[str, Path] = {}
    sizes: dict[str, int] = {}
    for tensor in tensors:
        outside = tensor.external
        if outside is None:
            continue
        if outside.location not in found:
            found[outside.location], sizes[outside.location] = _located(model, tensor.name, outside.location)
            if len(found) > MAX_EXTERNAL_FILES:
                raise FileError(f"{model} keeps its weights in more than {MAX_EXTERNAL_FILES} files; export it again")
        _check_span(model, tensor, outside, sizes[outside.location])
    total = sum(sizes.values())
    if total > MAX_EXTERNAL_BYTES:
        raise FileError(f"{model} keeps {total} bytes of weights in other files; at most {MAX_EXTERNAL_BYTES} are read")
    return dict(sorted(found.items()))


def _located(model: Path, name: str, location: str) -> tuple[Path, int]:
    """Return the file and its size; it is looked at and not opened, for a pipe would hang."""
    said = f"{model} wants the weight {shorten(name, 60)!r} from {shorten(location, 120)!r}"
    where = Path(location)
    if not location or where.is_absolute() or ".." in where.parts or any(mark in location for mark in _FORBIDDEN):
        raise FileError(f"{said}, which is no file in the model's folder; export it again with its weights beside it")
    try:
        place = (model.parent / where).resolve(strict=True)
        homes = (model.parent.resolve(), model.resolve().parent)  # a cache keeps links side by side, and files too
        if not any(place.is_relative_to(home) for home in homes):
            raise FileError(f"{said}, a link that leaves the model's folder; copy the file itself beside the model")
        about = place.stat()
    except FileNotFoundError as error:
        raise FileError(f"{said}, and there is no such file; copy it beside the model") from error
    except (OSError, ValueError, RuntimeError) as error:  # a name that is none, links that go in circles
        raise FileError(f"{said}, which cannot be read: {error}") from error
    if not stat.S_ISREG(about.st_mode):
        raise FileError(f"{said}, which is no plain file; export it again with its weights beside it")
    if about.st_nlink > 1:
        raise FileError(f"{said}, a file with {about.st_nlink} names (hard links); copy the file itself, with cp")
    return place, about.st_size


def _check_span(model: Path, tensor: Tensor, outside: Outside, size: int) -> None:
    length = tensor.size_bytes if outside.length is None else outside.length
    if tensor.size_bytes and length != tensor.size_bytes:
        raise FileError(
            f"{model} says that the weight {shorten(tensor.name, 60)!r} takes {length} bytes, and its shape needs "
            f"{tensor.size_bytes}; export it again"
        )
    if outside.offset + length > size:
        raise FileError(
            f"{model} wants bytes {outside.offset} to {outside.offset + length} of {shorten(outside.location, 120)!r}, "
            f"which has {size}; copy both files again"
        )
