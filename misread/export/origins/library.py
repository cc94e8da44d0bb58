"""Libraries of pretrained networks: imported when they are asked for, and their failures put in one sentence."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from typing import TYPE_CHECKING, Any

import torch

from misread.errors import MisreadError, MissingExtra, ModelError, RuntimeFailure
from misread.export.quiet import drawn_from, quiet
from misread.export.twin import first_line

if TYPE_CHECKING:
    from misread.export.origins.base import Request


def imported(name: str, *, extra: str) -> Any:
    """Import a library.

    Raises:
        MissingExtra: it is not installed, or it is and does not load, as a torchvision made for another torch does;
            says how to get what fits.
    """
    try:
        with quiet():
            return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != name.split(".", maxsplit=1)[0]:
            message = f"{name} misses {error.name}; type: pip install 'misread[{extra}]'"
            raise MissingExtra(message) from error
        raise MissingExtra.of(name.split(".", maxsplit=1)[0], extra=extra) from error
    except Exception as error:  # a wheel that does not fit the torch at hand fails in many ways
        raise MissingExtra(_unfit(name.split(".", maxsplit=1)[0], extra, error)) from error


def _unfit(name: str, extra: str, error: BaseException) -> str:
    """Say which library does not load; timm and transformers pass on what torchvision raises."""
    if name == "torchvision" or _unfit_torchvision(error):
        return _does_not_fit(name, error)
    return (
        f"{name} {_version(name)} does not load: {first_line(error)}; "
        f"type: pip install --force-reinstall 'misread[{extra}]'"
    )


def _does_not_fit(name: str, error: BaseException) -> str:
    needed = "" if name == "torchvision" else f", which {name} needs,"
    return (
        f"torchvision {_version('torchvision')}{needed} does not fit torch {torch.__version__} ({first_line(error)}); "
        "install both together from the place where your torch is from: pip install --force-reinstall torch torchvision"
    )


def _unfit_torchvision(error: BaseException | None) -> BaseException | None:
    """Return what torchvision's compiled part raised, where that is at the bottom of it."""
    while error is not None:
        if isinstance(error, RuntimeError | ImportError | OSError) and "torchvision::" in str(error):
            return error
        error = error.__cause__ or error.__context__
    return None


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "of an unknown version"


@contextmanager
def building(text: str, request: Request) -> Iterator[None]:
    """Run a library's builder: quietly, untrained weights drawn from seed 0, failures in one sentence.

    Raises:
        ModelError: the builder raised.
        MissingExtra: torchvision does not fit the torch at hand, which transformers finds out only here.
        RuntimeFailure: it could not be fetched.
    """
    try:
        with quiet(), drawn_from(0):
            yield
    except MisreadError:
        raise
    except Exception as error:  # whatever the library raises
        if _is_network(error):
            raise unreachable(text, error) from error
        if unfit := _unfit_torchvision(error):
            raise MissingExtra(_does_not_fit(text, unfit)) from error
        said = f" with {', '.join(request.arguments)}" if request.arguments else ""
        message = f"{text}{said} cannot be built: {type(error).__name__}: {first_line(error)}"
        raise ModelError(message) from error


def unreachable(text: str, error: BaseException) -> RuntimeFailure:
    """Word a download that failed."""
    return RuntimeFailure(
        f"the weights of {text} cannot be fetched: {first_line(error)}; check the network, or give --weights FILE, "
        "or --weights none for an untrained network"
    )


def _is_network(error: BaseException | None) -> bool:
    """Tell whether a connection is at the bottom of it; the hubs wrap what the socket raised."""
    while error is not None:
        name = type(error).__name__
        if isinstance(error, ConnectionError | TimeoutError) or any(
            part in name for part in ("URLError", "HTTPError", "ConnectError", "LocalEntryNotFound", "OfflineMode")
        ):
            return True
        error = error.__cause__ or error.__context__
    return False
