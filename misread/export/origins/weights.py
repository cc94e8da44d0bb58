"""Weights from a file: numbers only, no code."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from misread.errors import FileError, ModelError
from misread.export.quiet import quiet
from misread.export.twin import first_line
from misread.files import cannot_read, sha256_file

_WRAPPERS: Final = ("state_dict", "model_state_dict", "model")
_HOW_TO_CONVERT: Final = (
    "where you trust it, load it with weights_only=False, save its state_dict() with torch.save, and give that file"
)


def load_weights(module: nn.Module, path: Path) -> str:
    """Fill `module` from a state dict (`.pt`, `.pth` ...) or a `.safetensors` file, and return the file's SHA-256.

    Checkpoints that keep the state dict under `state_dict`, `model_state_dict` or `model` are understood, and so is a
    prefix before every name that the network does not have, such as `module.` of data-parallel training, `_orig_mod.`
    of torch.compile, or `model.` of a trainer.

    Raises:
        FileError: missing or damaged, or a pickle that needs code.
        ModelError: the weights belong to another network.
    """
    digest = sha256_file(path)
    state = _read_safetensors(path) if path.suffix == ".safetensors" else _read_pickle(path)
    state = _without_prefix(_unwrapped(state, path), module)
    try:
        report = module.load_state_dict(state, strict=False)
    except RuntimeError as error:  # torch lists the shapes that differ
        reason = str(error).strip().splitlines()[-1].strip()
        message = f"{path} does not fit the network: {reason}"
        raise ModelError(message) from error
    if report.missing_keys or report.unexpected_keys:
        message = (
            f"{path} does not fit the network: {_few(report.missing_keys)} missing, "
            f"{_few(report.unexpected_keys)} not known to it"
        )
        raise ModelError(message)
    return digest


def check_weights_only(path: Path) -> None:
    """Refuse a file that holds more than weights, before a library reads it without that care.

    Raises:
        FileError: missing or damaged, or a pickle that needs code.
    """
    state = _read_safetensors(path) if path.suffix == ".safetensors" else _read_pickle(path)
    _unwrapped(state, path)


def _read_safetensors(path: Path) -> Mapping[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path, device="cpu")
    except (SafetensorError, OSError) as error:
        message = f"{path} is not a whole safetensors file: {first_line(error)}"
        raise FileError(message) from error


def _read_pickle(path: Path) -> Mapping[str, Any]:
    _refuse_compressed(path)
    try:
        with quiet():
            state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        message = f"{path} is no file of weights alone, it needs code to be read; {_HOW_TO_CONVERT}"
        raise FileError(message) from error
    except OSError as error:
        raise FileError(cannot_read(path, error)) from error
    except (RuntimeError, EOFError, ValueError, KeyError, AttributeError, TypeError) as error:  # a damaged archive
        message = f"{path} is not a whole file of weights: {first_line(error)}"
        raise FileError(message) from error
    if not isinstance(state, Mapping):
        message = f"{path} holds a {type(state).__name__}; a state dict is expected; {_HOW_TO_CONVERT}"
        raise FileError(message)
    return state


def _refuse_compressed(path: Path) -> None:
    """Refuse what torch.save never writes: a compressed archive may unpack into all of memory."""
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            packed = [entry for entry in archive.infolist() if entry.compress_type != zipfile.ZIP_STORED]
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        message = f"{path} is not a whole file of weights: {first_line(error)}"
        raise FileError(message) from error
    if packed:
        message = f"{path} is a compressed archive, which torch.save does not write; save the weights with torch.save"
        raise FileError(message)


def _unwrapped(state: Mapping[str, Any], path: Path) -> dict[str, Tensor]:
    for wrapper in _WRAPPERS:
        inner = state.get(wrapper)
        if isinstance(inner, Mapping):
            state = inner
            break
    others = [str(name) for name, value in state.items() if not isinstance(value, Tensor)]
    if others or not state:
        message = f"{path} holds no state dict: {_few(others) if others else 'it is empty'}; {_HOW_TO_CONVERT}"
        raise FileError(message)
    return {str(name): value for name, value in state.items()}


def _without_prefix(state: dict[str, Tensor], module: nn.Module) -> dict[str, Tensor]:
    """Leave out what stands before every name, as long as no name of the network begins so."""
    known = module.state_dict().keys()
    while True:
        first = next(iter(state)).partition(".")[0] + "."
        if not all(name.startswith(first) for name in state) or any(name.startswith(first) for name in known):
            return state
        state = {name.removeprefix(first): value for name, value in state.items()}


def _few(names: list[str]) -> str:
    if not names:
        return "nothing"
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
