"""Exported programs: what `torch.export.save` writes, `.pt2`."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any, Final, final

import torch
from torch import nn

from misread.errors import FileError, ModelError
from misread.export.origins.archive import ask_trust, kind_of, wrong_kind
from misread.export.origins.base import Loaded, Request
from misread.export.quiet import quiet
from misread.export.twin import first_line
from misread.files import sha256_file

_TRAINS: Final = ("batch_norm", "dropout")


@final
class ExportedProgramFile:
    """A `.pt2` file. torch reads its constants as pickles and its shapes as expressions, so it can run code."""

    form = "network.pt2"

    def claims(self, text: str) -> bool:
        """Tell whether `text` ends in .pt2."""
        return text.endswith(".pt2")

    def load(self, text: str, request: Request) -> Loaded:
        """Load the program.

        Raises:
            FileError: missing, damaged, or no exported program.
            OptionError: it is not trusted, or weights or arguments were given.
            ModelError: it was captured in training mode, or for a batch of one size.
        """
        request.refuse(text, weights="brings its own weights", arguments="takes no arguments")
        path = Path(text).expanduser()
        found = kind_of(path)
        if found != "program":
            raise wrong_kind(path, found, "exported program")
        why = "torch runs what its pickled constants and its shape expressions say while it loads one"
        ask_trust(path, request, what="an exported program", why=why)
        try:
            with quiet():
                program = torch.export.load(path)
                module = program.module(check_guards=False)
        except Exception as error:  # a damaged archive, or one of another torch, fails in many ways
            message = f"{path} cannot be loaded as an exported program: {type(error).__name__}: {first_line(error)}"
            raise FileError(message) from error
        _check(program, text)
        return Loaded(module=_switchable(module), weights_sha256=sha256_file(path))


def _check(program: Any, text: str) -> None:
    inputs = [node for node in program.graph.nodes if node.name in program.graph_signature.user_inputs]
    shape = tuple(inputs[0].meta["val"].shape) if len(inputs) == 1 else ()
    if len(shape) != 4:
        message = (
            f"{text} takes {len(inputs)} inputs of shape {shape}; a classifier takes one picture batch (n, c, h, w)"
        )
        raise ModelError(message)
    if isinstance(shape[0], int):
        message = (
            f"{text} was captured for a batch of {shape[0]} alone; export it again with "
            "dynamic_shapes=({0: torch.export.Dim('batch')},) and an example of two pictures"
        )
        raise ModelError(message)
    training = [node.name for node in program.graph.nodes if node.op == "call_function" and _in_training(node)]
    if training:
        message = f"{text} was captured in training mode ({training[0]}); call .eval() before torch.export.export"
        raise ModelError(message)


def _in_training(node: Any) -> bool:
    """Tell whether a batch norm or a dropout of the graph has its training flag set."""
    schema = getattr(node.target, "_schema", None)
    if schema is None or not any(part in schema.name for part in _TRAINS):
        return False
    names = [argument.name for argument in schema.arguments]
    values = dict(zip(names, node.args, strict=False)) | dict(node.kwargs)
    return values.get("training", values.get("train")) is True


def _switchable(module: nn.Module) -> nn.Module:
    """Let eval() pass: torch forbids it on a program, whose mode was settled when it was captured."""
    module.train = types.MethodType(nn.Module.train, module)  # type: ignore[method-assign]
    module.eval = types.MethodType(nn.Module.eval, module)  # type: ignore[method-assign]
    return module
