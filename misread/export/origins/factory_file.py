"""A factory in a file: `file.py:factory`."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, final

from misread.errors import FileError
from misread.export.origins.factory import build, run_user_code
from misread.export.quiet import user_code

if TYPE_CHECKING:
    from misread.export.origins.base import Loaded, Request


@final
class FactoryFile:
    """The user's own Python file; it runs with the user's rights, like any program of theirs."""

    form = "file.py:factory"

    def claims(self, text: str) -> bool:
        """Tell whether a Python file stands before the last colon."""
        path, colon, factory = text.rpartition(":")
        return bool(colon) and path.endswith(".py") and factory.isidentifier()

    def load(self, text: str, request: Request) -> Loaded:
        """Run the file, call the factory.

        Raises:
            FileError: there is no such file.
            ModelError: the code raised, or gave no module.
        """
        name, _, factory = text.rpartition(":")
        path = Path(name).expanduser().resolve()
        if not path.is_file():
            message = f"{name} is not a file; an origin of this form is written path/to/file.py:factory"
            raise FileError(message)
        with _importable(path.parent):
            return build(_import_file(path), factory, request, text=text)


class _Uncached(SourceFileLoader):
    """Compiles the file as it is now, and leaves nothing beside it.

    Bytecode is known by size and whole seconds: an edit within one second would run as what was there before.
    """

    def path_stats(self, path: str) -> dict[str, Any]:
        """Say that nothing is known of the file, upon which no bytecode is read or written."""
        raise OSError(path)


def _import_file(path: Path) -> ModuleType:
    name = f"_misread_origin_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, path, loader=_Uncached(name, str(path)))
    if spec is None or spec.loader is None:
        message = f"{path} cannot be imported as Python"
        raise FileError(message)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickling look their module up
    try:
        with user_code():
            spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # whatever the user's file raises
        del sys.modules[name]
        raise run_user_code(f"importing {path.name}", error) from error
    return module


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Let the file import its neighbours, as `python file.py` does."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
