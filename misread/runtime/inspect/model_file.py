"""A model on disk: the file, the other files that hold its weights, one hash over all of them."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from misread.errors import FileError
from misread.files import cannot_read, open_plain, sha256_file
from misread.runtime.inspect.external import external_files
from misread.runtime.inspect.graph import read_model
from misread.runtime.inspect.wire import Wire
from misread.sniff import HEAD_BYTES, kind_of_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from misread.runtime.inspect.graph import Contents

MAX_MODEL_BYTES: Final = 2**31 - 1
"""Protobuf's own limit; larger models keep their weights in files beside them."""
_ORT_MARK: Final = b"ORTM"


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelFile:
    """A model on disk, read in bounded memory; nothing of it was run.

    Attributes:
        path: of the file.
        sha256: of the file; where weights lie in other files, of its hash and theirs with their names, so that no byte
            of the model can change and the hash stay.
        size_bytes: of all its files together.
        contents: what the file says; None for onnxruntime's own format, of which nothing is read here.
        external: the other files, by the names that the model gives them.
    """

    path: Path
    sha256: str
    size_bytes: int
    contents: Contents | None
    external: Mapping[str, Path]


def read_model_file(path: Path) -> ModelFile:
    """Read a model file, and hold the files that it names against what it says of them.

    Raises:
        FileError: no such file, no plain one, no sound model in it, or other files that are not as it says.
    """
    path = Path(path)
    try:
        with open_plain(path, "ONNX model") as file:
            size = os.fstat(file.fileno()).st_size
            if size > MAX_MODEL_BYTES:
                raise FileError(f"{path} has {size} bytes; an ONNX file has at most {MAX_MODEL_BYTES}")
            head = file.read(HEAD_BYTES)
            ready = head[4:8] == _ORT_MARK
            contents = None if ready else read_model(Wire(file, size, str(path), kind_of_bytes(head)))
        external = external_files(path, contents.elsewhere) if contents else {}
        size += sum(place.stat().st_size for place in external.values())
    except FileNotFoundError as error:
        message = f"cannot read {path}: no such file; expected an ONNX model, make one with: misread export"
        raise FileError(message) from error
    except OSError as error:
        raise FileError(cannot_read(path, error)) from error
    return ModelFile(path=path, sha256=_hash(path, external), size_bytes=size, contents=contents, external=external)


def model_sha256(path: Path) -> str:
    """Return the hash of a model and of the files that hold its weights, 64 hexadecimal digits.

    Raises:
        FileError: as for `read_model_file`.
    """
    return read_model_file(path).sha256


def _hash(path: Path, external: Mapping[str, Path]) -> str:
    own = sha256_file(path)
    if not external:
        return own
    lines = [own, *(f"{sha256_file(place)} {name}" for name, place in external.items())]
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()
