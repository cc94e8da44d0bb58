"""The published JSON Schemas of the documents that `--json` prints, as files beside this one."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from misread.errors import UnknownName
from misread.registry import unknown

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
FOLDER: Final = Path(__file__).parent / "schemas"


def kinds() -> tuple[str, ...]:
    """Return the kinds of documents that have a schema, as in `verification`."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.json")))


def schema_text(kind: str) -> str:
    """Return the schema of a kind of document, with or without `misread-` in front of its name, as JSON.

    Raises:
        UnknownName: there is no such document.
    """
    name = kind.removeprefix("misread-")
    if name not in kinds():
        raise UnknownName(unknown("document", name, kinds()))
    return (FOLDER / f"{name}.json").read_text(encoding="utf-8")
