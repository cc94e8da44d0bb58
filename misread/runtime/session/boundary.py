"""The one boundary that foreign errors cross: onnxruntime's exceptions share no public base."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from misread.errors import MisreadError, ModelRunError

if TYPE_CHECKING:
    from collections.abc import Generator

_STATUS: Final = re.compile(r"(?:Error in execution: )?\[ONNXRuntimeError\] : \d+ : \w+ : |^Error in execution: ")
_SOURCE: Final = re.compile(r"/\S+\.(?:cc|h|hpp):\d+ [^()]*\([^()]*\)(?: const)? ")
_MEMORY: Final = re.compile(r"bad_alloc|failed to allocate memory|out of memory|array_new_length", re.IGNORECASE)
_CHARACTERS: Final = 300


@contextmanager
def ort_errors(said: str, kind: type[MisreadError], *, name: str) -> Generator[None]:
    """Turn what onnxruntime raises into one of misread's errors.

    Args:
        said: what failed, as the beginning of a sentence.
        kind: the error to raise.
        name: the model, for a failure that is the memory's whatever was being done.

    Raises:
        MisreadError: `kind`, or ModelRunError where memory ran out.
    """
    try:
        yield
    except Exception as error:
        if not is_foreign(error):
            raise
        raise translated(error, said, kind, name=name) from error


def is_foreign(error: Exception) -> bool:
    """Tell whether onnxruntime or its bindings may have raised it."""
    if isinstance(error, MisreadError):
        return False
    ours = isinstance(error, RuntimeError | ValueError | MemoryError)
    return ours or type(error).__module__.startswith("onnxruntime")


def translated(error: Exception, said: str, kind: type[MisreadError], *, name: str) -> MisreadError:
    """Return the error of ours that says what a foreign one said; arguments as of `ort_errors`."""
    line = first_line(error)
    if isinstance(error, MemoryError) or _MEMORY.search(line):
        return ModelRunError(f"{name} asks for more memory than there is: {line}")
    return kind(f"{said}: {line}")


def first_line(error: Exception) -> str:
    """Return what an error says, without onnxruntime's codes, its own source files and all further lines."""
    lines = _SOURCE.sub("", _STATUS.sub("", str(error).strip())).splitlines()
    return lines[0][:_CHARACTERS] if lines else type(error).__name__
