"""A user's function that builds the network, wherever it stands."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from torch import nn

from misread.card import ModelCard
from misread.errors import MisreadError, ModelError
from misread.export.origins.base import Loaded, Request, Setting
from misread.export.origins.weights import load_weights
from misread.export.quiet import user_code
from misread.export.twin import first_line
from misread.registry import unknown

_GATHERING: Final = frozenset({inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD})


def build(module: ModuleType, factory: str, request: Request, *, text: str) -> Loaded:
    """Call `factory` of `module` with the arguments asked for, and fill the weights in.

    A `card` attribute of the network, when it is a `ModelCard`, says how pictures are prepared.

    Args:
        module: the user's code, imported.
        factory: name of a function without required arguments, or of a `torch.nn.Module` that is there already.
        request: weights (state dict or safetensors) and arguments.
        text: the origin, for messages.

    Raises:
        ModelError: no such factory, it raised, or what it returned is no module.
    """
    network = _call(_find(module, factory, text), text, request.arguments)
    if not isinstance(network, nn.Module):
        message = f"{text} returned a {type(network).__name__}; a factory returns the torch.nn.Module itself"
        raise ModelError(message)
    digest = load_weights(network, request.weights) if request.weights is not None else None
    card = getattr(network, "card", None)
    return Loaded(module=network, card=card if isinstance(card, ModelCard) else None, weights_sha256=digest)


def run_user_code(doing: str, error: BaseException) -> ModelError:
    """Word an exception of the user's own code: its type, its first line, and where it was raised."""
    trace, line = error.__traceback__, None
    while trace is not None:
        line, trace = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}", trace.tb_next
    if isinstance(error, SyntaxError) and error.filename:
        line = f"{Path(error.filename).name}:{error.lineno}"
    return ModelError(f"{doing} raised {type(error).__name__}: {first_line(error)} (at {line})")


def _find(module: ModuleType, factory: str, text: str) -> Any:
    found = getattr(module, factory, None)
    if found is None:
        known = [name for name, value in vars(module).items() if _builds(value) and not name.startswith("_")]
        message = f"{text}: {unknown('factory', factory, known)}"
        raise ModelError(message)
    return found


def _builds(value: Any) -> bool:
    """Tell whether a name is worth suggesting: a function, a network, or its class, but no helper class like Path."""
    return callable(value) and (not isinstance(value, type) or issubclass(value, nn.Module))


def _call(found: Any, text: str, arguments: Mapping[str, Setting]) -> Any:
    if isinstance(found, nn.Module):
        Request(arguments=arguments).refuse(text, arguments="is a network already and takes no arguments")
        return found
    if not callable(found):
        message = f"{text} is a {type(found).__name__}; name a function without arguments that returns the network"
        raise ModelError(message)
    _check_arguments(found, text, arguments)
    try:
        with user_code():
            return found(**arguments)
    except MisreadError:
        raise
    except (Exception, SystemExit) as error:  # whatever the user's code raises
        raise run_user_code(text, error) from error


def _check_arguments(found: Any, text: str, arguments: Mapping[str, Setting]) -> None:
    """Refuse arguments that a factory does not take, and a factory that needs more, before it runs.

    Raises:
        ModelError: they do not fit; lists what it takes.
    """
    try:
        taken = inspect.signature(found)
    except (TypeError, ValueError):  # written in C: it will say so itself
        return
    try:
        taken.bind(**arguments)
    except TypeError as error:
        names = [entry.name for entry in taken.parameters.values() if entry.kind not in _GATHERING]
        message = f"{text}: {error}; it takes {', '.join(names) or 'nothing'}, each given as --arg NAME=VALUE"
        raise ModelError(message) from error
