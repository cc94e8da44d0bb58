"""A factory in an installed package, or one in the current folder: `package.module:factory`."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final, final

from misread.errors import ModelError
from misread.export.origins.factory import build, run_user_code
from misread.export.quiet import user_code

if TYPE_CHECKING:
    from misread.export.origins.base import Loaded, Request

RESERVED: Final = ("torchvision", "timm", "hf")


@final
class FactoryModule:
    """A module on Python's path, or below the current folder."""

    form = "package.module:factory"

    def claims(self, text: str) -> bool:
        """Tell whether a dotted name stands before the last colon."""
        module, colon, factory = text.rpartition(":")
        names = (*module.split("."), factory)
        return bool(colon) and module not in RESERVED and all(name.isidentifier() for name in names)

    def load(self, text: str, request: Request) -> Loaded:
        """Import the module, call the factory.

        Raises:
            ModelError: no such module, the code raised, or gave no network.
        """
        name, _, factory = text.rpartition(":")
        return build(_import(name), factory, request, text=text)


def _import(name: str) -> ModuleType:
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        with user_code():
            return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            message = f"there is no module {error.name}; give a file as path/to/file.py:factory, or install the package"
            raise ModelError(message) from error
        raise run_user_code(f"importing {name}", error) from error
    except (Exception, SystemExit) as error:  # whatever the user's module raises
        raise run_user_code(f"importing {name}", error) from error
    finally:
        sys.path.remove(here)
