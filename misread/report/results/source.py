"""A document that another command wrote, and the files that it speaks of."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from misread.bundle import MANIFEST, Bundle, read_bundle
from misread.errors import FileError, InputError
from misread.files import MAX_JSON_BYTES, cannot_read, read_bounded
from misread.stats import Rate
from misread.text import shorten

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

SCHEMA: Final = 1
SUMMARY: Final = "summary.json"
Value = TypeVar("Value")


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """One result to report on.

    Attributes:
        path: the document.
        document: what stands in it.
        bundle: folder of the witnesses, where the caller named one.
        pictured: how many witnesses are shown large.
    """

    path: Path
    document: Mapping[str, Any]
    bundle: Path | None = None
    pictured: int = 12

    @property
    def kind(self) -> str:
        """What wrote it, as in `misread-verification`."""
        return str(self.document["kind"])

    def find_bundle(self, named: str, sha256: str = "") -> tuple[Bundle | None, str]:
        """Find the pictures of a result: where the caller says, where the document says, or beside the document.

        Args:
            named: the folder as the document has it.
            sha256: of the bundle; empty where the document does not say.

        Returns:
            The bundle and an empty text, or None and why there are no pictures.

        Raises:
            FileError: the folder that the caller named is no bundle.
            InputError: it is another bundle than the one that was verified.
        """
        if self.bundle is not None:
            found = read_bundle(self.bundle)
            if sha256 and found.sha256 != sha256:
                raise InputError(
                    f"{self.bundle} is not the bundle that {self.path} was taken on; name that with --bundle"
                )
            return found, ""
        beside = self.path.parent
        for folder in (Path(named), beside / named, beside / Path(named).name):
            if named and (folder / MANIFEST).is_file():
                found = read_bundle(folder)
                if sha256 and found.sha256 != sha256:
                    return None, f"{folder} was changed since the result was taken, so its pictures are not shown."
                return found, ""
        return (
            None,
            f"The bundle {named or 'of this result'} was not found, so there are no pictures; name it with --bundle.",
        )


def read_source(path: Path, kinds: Collection[str], *, bundle: Path | None, pictured: int) -> Source:
    """Read a result, or the summary of a camera run's folder.

    Raises:
        FileError: missing, too large, no JSON, of a newer schema, or of a kind that no report shows.
    """
    path = path / SUMMARY if path.is_dir() else path
    try:
        document = json.loads(read_bounded(path, MAX_JSON_BYTES, "misread document").decode())
    except OSError as error:
        raise FileError(cannot_read(path, error)) from error
    except (ValueError, RecursionError) as error:
        raise FileError(f"{path} is no JSON document: {error}; write one with --json") from error
    kind = document.get("kind") if isinstance(document, dict) else None
    if kind not in kinds:
        known = ", ".join(kinds)
        raise FileError(f"{path} is of kind {shorten(str(kind), 60)!r}; a report shows {known}; write one with --json")
    if document.get("schema") != SCHEMA:
        raise FileError(f"{path} has schema {document.get('schema')!r}, this misread reads {SCHEMA}; update misread")
    return Source(path=path, document=document, bundle=bundle, pictured=pictured)


def remade(kind: type[Value], entry: Mapping[str, Any], **converted: Any) -> Value:
    """Make a dataclass anew from its JSON form; entries that it does not know are of a later misread and left out.

    Args:
        kind: the dataclass.
        entry: one value per field.
        **converted: fields whose JSON form is not their value.
    """
    names = [field.name for field in dataclasses.fields(kind) if field.init]  # type: ignore[arg-type]
    known = {name: _tupled(entry[name]) for name in names if name in entry}
    return kind(**known | converted)


def rate(entry: Mapping[str, Any]) -> Rate:
    """Make a rate anew."""
    return Rate(hits=int(entry["hits"]), total=int(entry["total"]), low=entry["low"], high=entry["high"])


def number(value: float | None) -> float:
    """Return a number that was not finite as NaN: JSON has null for it."""
    return math.nan if value is None else float(value)


def _tupled(value: Any) -> Any:
    return tuple(_tupled(entry) for entry in value) if isinstance(value, list) else value
