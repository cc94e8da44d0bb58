"""Weights from a file: numbers only, no code."""

from __future__ import annotations

import io
import mmap
import os
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from misread.archive import is_archive, open_archive
from misread.errors import FileError, ModelError
from misread.export.origins.pickled import follow
from misread.export.quiet import quiet
from misread.export.twin import first_line
from misread.files import cannot_read, open_plain, sha256_file
from misread.sniff import HEAD_BYTES, kind_of_bytes
from misread.text import shorten

MAX_HEADER_BYTES: Final = 16 * 2**20
MAX_PICKLE_BYTES: Final = 64 * 2**20
SPARE_BYTES: Final = 64 * 2**20
SPARE_TIMES: Final = 16
#: Magic number, protocol, system, the object, the names of its storages; raw bytes follow.
_LEGACY_PICKLES: Final = 5
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
    _check_size(path, module)
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


def _check_size(path: Path, module: nn.Module) -> None:
    """Refuse a file far larger than the network: with an optimizer's state and a second copy it has six times that."""
    held = sum(value.nbytes for value in (*module.parameters(), *module.buffers()))
    most = SPARE_BYTES + SPARE_TIMES * held
    try:
        size = path.stat().st_size
    except OSError as error:
        raise FileError(cannot_read(path, error)) from error
    if size > most:
        raise FileError(f"{path} has {size} bytes, for a network of {held}; at most {most} are read")


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
        _check_safetensors(path)
        return load_file(path, device="cpu")
    except (SafetensorError, OSError) as error:
        message = f"{path} is not a whole safetensors file: {first_line(error)}"
        raise FileError(message) from error


def _check_safetensors(path: Path) -> None:
    with open_plain(path, "safetensors file") as stream:
        head = stream.read(HEAD_BYTES)
    length = int.from_bytes(head[:8], "little")
    if head[8:9] != b"{":
        kind = kind_of_bytes(head)
        raise FileError(f"{path} is no safetensors file" + f", but {kind}" * bool(kind) + "; give it its own ending")
    if length > MAX_HEADER_BYTES:
        raise FileError(f"{path} has a header of {length} bytes; at most {MAX_HEADER_BYTES} are read")


def _read_pickle(path: Path) -> Mapping[str, Any]:
    try:
        _check_pickles(path)
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


def _check_pickles(path: Path) -> None:
    """Follow what torch will read: the pickle in an archive, or those that an old file starts with."""
    if not is_archive(path):
        with open_plain(path, "file of weights") as stream:
            kind = kind_of_bytes(stream.read(HEAD_BYTES))
            if kind not in {"a pickle", ""}:
                raise FileError(f"{path} is no file of weights, but {kind}; give it its own ending")
            if os.fstat(stream.fileno()).st_size:
                with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                    for _ in range(_LEGACY_PICKLES):
                        follow(mapped, path)
        return
    with open_archive(path, "file of weights") as archive:
        members = archive.infolist()
        if any(member.compress_type != zipfile.ZIP_STORED for member in members):
            message = (
                f"{path} is a compressed archive, which torch.save does not write; save the weights with torch.save"
            )
            raise FileError(message)
        pickles = [member for member in members if member.filename.endswith("data.pkl")]
        if sum(member.file_size for member in pickles) > MAX_PICKLE_BYTES:
            raise FileError(f"{path} holds a pickle of more than {MAX_PICKLE_BYTES} bytes; save the state_dict() alone")
        for member in pickles:
            follow(io.BytesIO(archive.read(member)), path)


def _unwrapped(state: Mapping[str, Any], path: Path) -> dict[str, Tensor]:
    for wrapper in _WRAPPERS:
        inner = state.get(wrapper)
        if isinstance(inner, Mapping):
            state = inner
            break
    names: list[object] = list(state)
    named = all(isinstance(name, str) for name in names)  # a pickle's keys may be anything
    others = [name for name, value in state.items() if named and not isinstance(value, Tensor)]
    if others or not state or not named:
        found = _few(others) if others else "it is empty" if not state else "its keys are no names"
        message = f"{path} holds no state dict: {found}; {_HOW_TO_CONVERT}"
        raise FileError(message)
    return dict(state)


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
    return ", ".join(shorten(name, 60) for name in names[:3]) + (
        f" and {len(names) - 3} more" if len(names) > 3 else ""
    )
