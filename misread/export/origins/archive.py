"""What a `.pt` or `.pt2` file is, told from the names inside it and without loading anything."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from misread.archive import is_archive, open_archive
from misread.errors import FileError, OptionError
from misread.files import cannot_read

if TYPE_CHECKING:
    from misread.export.origins.base import Request

Kind = Literal["program", "torchscript", "pickle"]


def kind_of(path: Path) -> Kind:
    """Tell what a file holds.

    Raises:
        FileError: there is no such file.
    """
    if not path.is_file():
        message = f"cannot read {path}: no such file"
        raise FileError(message)
    try:
        if not is_archive(path):
            return "pickle"
        with open_archive(path, "network") as archive:
            names = [name.split("/", 1)[-1] for name in archive.namelist()]
    except OSError as error:
        raise FileError(cannot_read(path, error)) from error
    if "archive_format" in names or "serialized_exported_program.json" in names:
        return "program"
    return "torchscript" if any(name.startswith("code/") for name in names) else "pickle"


def ask_trust(path: Path, request: Request, *, what: str, why: str) -> None:
    """Refuse to load a file that can run code, unless its owner said that it may.

    Raises:
        OptionError: nobody said so.
    """
    if not request.trust:
        message = f"{path} is {what}, and {why}; where you trust whoever made it, add --trust"
        raise OptionError(message)


def wrong_kind(path: Path, found: Kind, expected: str) -> FileError:
    """Word the refusal of a file that is something else, and say how to go on."""
    ways = {
        "program": f"{path} is an exported program; name it with the ending .pt2",
        "torchscript": f"{path} is a TorchScript archive; name it with the ending .ts",
        "pickle": (
            f"{path} holds no {expected} but weights, or a pickle that needs code to be read: give weights with "
            "--weights beside file.py:factory; of a whole pickled network that you trust, save the state_dict() "
            "with torch.save, or the network with torch.export.save"
        ),
    }
    return FileError(ways[found])
