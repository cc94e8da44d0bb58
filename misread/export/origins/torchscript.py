"""TorchScript archives: what `torch.jit.save` writes, `.pt`, `.pth`, `.ts` or `.torchscript`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, final

import torch
from torch import Tensor, nn

from misread.errors import FileError
from misread.export.origins.archive import ask_trust, kind_of, wrong_kind
from misread.export.origins.base import Loaded, Request
from misread.export.quiet import quiet
from misread.export.twin import first_line
from misread.files import sha256_file

_SUFFIXES: Final = (".pt", ".pth", ".ts", ".torchscript")


@final
class Held(nn.Module):
    """A script module, kept away from torch's list of submodules: its parameters are none that torch.export accepts."""

    def __init__(self, script: Any) -> None:
        super().__init__()
        script = script.eval().float()
        for parameter in script.parameters():  # a script module refuses requires_grad_ as a whole
            parameter.requires_grad_(requires_grad=False)
        self._held = (script,)

    def forward(self, images: Tensor) -> Tensor:
        """Return what the archive's own code returns."""
        output: Tensor = self._held[0](images)
        return output


@final
class TorchScriptFile:
    """A network with its code. The code runs in torch's own interpreter, not in Python, but it is the archive's."""

    form = "network.pt (TorchScript)"

    def claims(self, text: str) -> bool:
        """Tell whether `text` ends as such archives do."""
        return text.endswith(_SUFFIXES)

    def load(self, text: str, request: Request) -> Loaded:
        """Load the archive.

        Raises:
            FileError: missing, damaged, or weights or a pickle instead.
            OptionError: it is not trusted, or weights or arguments were given.
        """
        request.refuse(text, weights="brings its own weights", arguments="takes no arguments")
        path = Path(text).expanduser()
        found = kind_of(path)
        if found != "torchscript":
            raise wrong_kind(path, found, "TorchScript")
        why = "torch's interpreter runs the code inside it"
        ask_trust(path, request, what="a TorchScript archive", why=why)
        try:
            with quiet():
                module = torch.jit.load(str(path), map_location="cpu")  # type: ignore[no-untyped-call]
        except (RuntimeError, ValueError, OSError) as error:
            message = f"{path} cannot be loaded as TorchScript: {first_line(error)}"
            raise FileError(message) from error
        return Loaded(module=Held(module), weights_sha256=sha256_file(path))
