"""Keywords of a call as a frozen options object: texts become paths, one value becomes the only one of several."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from misread.errors import MissingExtra
from misread.registry import by_name

if TYPE_CHECKING:
    from collections.abc import Generator

Place = str | Path
Places = Place | Sequence[Place]
Options = TypeVar("Options")


def options_of(kind: type[Options], **said: Any) -> Options:
    """Make options from keywords.

    Args:
        kind: a dataclass whose annotations are texts.
        said: its fields; paths as texts, and one for several, are taken too.

    Raises:
        UnknownName: it has no such field.
        OptionError: a value that it refuses.
    """
    known = {field.name: str(field.type) for field in fields(kind)}  # type: ignore[arg-type]
    named = {by_name("keyword", tuple(known), name, key=str): value for name, value in said.items()}
    return kind(**{name: _fitted(value, known[name]) for name, value in named.items()})


def _fitted(value: Any, kind: str) -> Any:
    if "tuple[" in kind and ", ...]" in kind and value is not None:
        several = (value,) if isinstance(value, str | Path | int) else tuple(value)
        return tuple(Path(one) for one in several) if "Path" in kind else several
    return Path(value) if "Path" in kind and isinstance(value, str) else value


@contextmanager
def with_torch(extra: str) -> Generator[None]:
    """Say which extra is missing where a package of the host floor is.

    Raises:
        MissingExtra: torch, onnx or what else the extra brings is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in {"", "misread"}:
            raise
        raise MissingExtra.of(package, extra=extra) from error
