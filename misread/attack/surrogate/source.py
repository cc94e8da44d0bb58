"""A stranger's ONNX file, read with bounds: external data only from its own folder, functions written out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import onnx
from onnx.external_data_helper import uses_external_data
from onnx.inliner import inline_local_functions

from misread.errors import FileError, ModelError
from misread.export.onnx_file import graphs_of
from misread.files import cannot_read, read_bounded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

MAX_FILE_BYTES: Final = 2**31 - 1
"""Protobuf's own limit; larger models keep their weights in files beside them."""
MAX_EXTERNAL_BYTES: Final = 2**33
MAX_NODES: Final = 100_000


def read_source(path: Path) -> onnx.ModelProto:
    """Read an ONNX file whole: weights inside, calls of its own functions replaced by their bodies.

    Raises:
        FileError: missing, no ONNX, too large, or weights that are not where the file says.
        ModelError: more nodes than a classifier has, or functions that call themselves.
    """
    try:
        model = onnx.load_model_from_string(read_bounded(path, MAX_FILE_BYTES, "ONNX model"))
    except OSError as error:
        raise FileError(cannot_read(path, error)) from error
    except FileError:
        raise
    except Exception as error:  # protobuf's own, which is no dependency of ours
        message = f"{path} is not a whole ONNX file"
        raise FileError(message) from error
    if not model.graph.node:
        message = f"{path} is not an ONNX model: it has no operators"
        raise FileError(message)
    model = _inlined(model)
    _load_external(model, path)
    return model


def _inlined(model: onnx.ModelProto) -> onnx.ModelProto:
    """Write out the model's own functions, after counting how many nodes that makes."""
    bodies = {(entry.domain, entry.name): _calls(entry.node) for entry in model.functions}
    sizes: dict[tuple[str, str], int] = {}

    def size(key: tuple[str, str], above: tuple[tuple[str, str], ...]) -> int:
        if key not in bodies:
            return 1
        if key in above:
            message = f"the function {key[1]!r} calls itself, which ONNX forbids; export the model again"
            raise ModelError(message)
        if key not in sizes:
            sizes[key] = sum(size(inner, (*above, key)) for inner in bodies[key])
        return sizes[key]

    total = sum(size(key, ()) for graph in graphs_of(model) for key in _keys(graph.node))
    if total > MAX_NODES:
        message = f"it has {total} operators; a classifier has at most {MAX_NODES}"
        raise ModelError(message)
    if not bodies:
        return model
    inlined: onnx.ModelProto = inline_local_functions(model)
    return inlined


def _calls(nodes: Iterable[onnx.NodeProto]) -> list[tuple[str, str]]:
    """Return what a function's nodes call, those in the bodies of its branches included."""
    found = list(_keys(nodes))
    for node in nodes:
        for attribute in node.attribute:
            for graph in [*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs]:
                found += _calls(graph.node)
    return found


def _keys(nodes: Iterable[onnx.NodeProto]) -> Iterator[tuple[str, str]]:
    return ((node.domain, node.op_type) for node in nodes)


def _load_external(model: onnx.ModelProto, path: Path) -> None:
    """Read the weights that lie in files beside the model, in place."""
    left = MAX_EXTERNAL_BYTES
    for tensor in _tensors(model):
        if uses_external_data(tensor):
            data = _external(tensor, path, left)
            left -= len(data)
            tensor.raw_data = data
            tensor.ClearField("external_data")
            tensor.data_location = onnx.TensorProto.DEFAULT


def _tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    for graph in graphs_of(model):
        yield from graph.initializer
        for attribute in (attribute for node in graph.node for attribute in node.attribute):
            yield from [attribute.t] if attribute.HasField("t") else []
            yield from attribute.tensors


def _external(tensor: onnx.TensorProto, path: Path, most: int) -> bytes:
    """Read one tensor's bytes from a file in the model's folder or below, links followed before that is asked."""
    told: dict[str, str] = {entry.key: entry.value for entry in tensor.external_data}
    folder = path.parent.resolve()
    try:
        place = (folder / told.get("location", "")).resolve()
        offset = int(told.get("offset", "0"))
        length = int(told["length"]) if "length" in told else place.stat().st_size - offset
        outside = not place.is_relative_to(folder) or not place.is_file()
        if outside or not 0 <= length <= min(most, place.stat().st_size - offset):
            message = (
                f"{path}: the weight {tensor.name!r} should be {told.get('length', 'all')} bytes of "
                f"{told.get('location')!r} in the model's folder, and is not; copy that file beside the model"
            )
            raise FileError(message)
        with place.open("rb") as file:
            file.seek(offset)
            return file.read(length)
    except (OSError, ValueError) as error:  # no such file, a name that is none, a number that is none
        message = f"{path}: the weight {tensor.name!r} cannot be read from {told.get('location')!r}: {error}"
        raise FileError(message) from error
