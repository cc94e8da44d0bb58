"""A front is put before a finished build of any precision, and taken off again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import onnx
from onnx import TensorProto, helper

from misread.card import ModelCard
from misread.cards import rewritten
from misread.errors import ModelError
from misread.export.bake.front import front
from misread.export.bake.sketch import INT64
from misread.export.onnx_file import check_model, graphs_of, opset_of, read_metadata, read_model, write_metadata
from misread.files import atomic_write
from misread.runtime.pictures import FRONT, PREPARED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PICTURE: Final = "picture"
MIN_OPSET: Final = 15  # Shape with start and end


def bake(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the build that takes (n, h, w, 3) uint8 RGB pictures of any one size, by the card that it carries.

    Args:
        model: a build with a card, whose one input is (n, c, h, w) float32; it stays as it is.

    Raises:
        ModelError: it is baked already, carries no card, or takes something else.
    """
    card = ModelCard.from_metadata(read_metadata(model))
    entry = _only_input(model)
    if card is None or card.baked_preprocessing or entry is None:
        message = "preprocessing is baked into a build with a card and one float32 input (n, c, h, w), once"
        raise ModelError(message)
    if opset_of(model) < MIN_OPSET:
        message = f"baking needs opset {MIN_OPSET} or later, the model has {opset_of(model)}; export it again"
        raise ModelError(message)
    baked = onnx.ModelProto()
    baked.CopyFrom(model)
    names = set(_names(baked))
    clashes = sorted(name for name in names if name in {PICTURE, PREPARED} or name.startswith(FRONT))
    if clashes:
        message = f"the graph uses the name {clashes[0]!r} already, which baking needs; rename it and export again"
        raise ModelError(message)
    _put_before(baked, entry, card)
    _tell(baked, card, baked_preprocessing=True)
    check_model(baked)
    return baked


def bake_file(path: Path) -> None:
    """Bake a build where it lies.

    Raises:
        ModelError: as `bake`.
        StorageError: the file cannot be written.
    """
    baked = bake(read_model(path))
    with atomic_write(path) as out:
        out.write(baked.SerializeToString())


def strip(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a baked build without its front: what `bake` was given, number for number.

    Raises:
        ModelError: its front is not one of ours, whatever its card says.
    """
    card = ModelCard.from_metadata(read_metadata(model))
    made = {name for node in model.graph.node if node.name.startswith(FRONT) for name in node.output}
    bridge = sorted(name for name in made if not name.startswith(FRONT))
    if card is None or len(bridge) != 1 or not model.graph.input:
        message = "its card says that preprocessing is baked in, but the graph has no such part; export it again"
        raise ModelError(message)
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    graph = bare.graph
    nodes = [node for node in graph.node if not node.name.startswith(FRONT)]
    constants = [entry for entry in graph.initializer if not entry.name.startswith(FRONT) and entry.name != PREPARED]
    values = [entry for entry in graph.value_info if not entry.name.startswith(FRONT) and entry.name != bridge[0]]
    for part, kept in (("node", nodes), ("initializer", constants), ("value_info", values)):
        copies = [type(entry).FromString(entry.SerializeToString()) for entry in kept]
        graph.ClearField(part)
        getattr(graph, part).extend(copies)
    graph.ClearField("input")
    typed = [entry for entry in model.graph.value_info if entry.name == bridge[0]]
    graph.input.append(typed[0] if typed else _entry(bridge[0], model, card))
    _tell(bare, card, baked_preprocessing=False)
    return bare


def is_baked(model: onnx.ModelProto) -> bool:
    """Tell whether the card says that the build takes the picture itself."""
    card = ModelCard.from_metadata(read_metadata(model))
    return card is not None and card.baked_preprocessing


def _put_before(model: onnx.ModelProto, entry: onnx.ValueInfoProto, card: ModelCard) -> None:
    """Make the picture the graph's input, in place; what the network takes keeps its name."""
    graph, crops = model.graph, card.resize == "crop"
    batch = entry.type.tensor_type.shape.dim[0]
    count = batch.dim_param or int(batch.dim_value)
    made = front(card, PICTURE, PREPARED if crops else None)
    shape = made.sketch.constant([-1 if isinstance(count, str) else count, card.channels, *card.size_hw], INT64)
    last = helper.make_node("Reshape", [made.output.name, shape.name], [entry.name], f"{FRONT}input")
    nodes = [*made.sketch.nodes, last, *graph.node]
    picture = helper.make_tensor_value_info(PICTURE, TensorProto.UINT8, (count, "height", "width", 3))
    flag = helper.make_tensor_value_info(PREPARED, TensorProto.BOOL, ())
    value = onnx.ValueInfoProto.FromString(entry.SerializeToString())
    graph.ClearField("node")
    graph.node.extend(nodes)
    graph.initializer.extend(made.sketch.constants.values())
    graph.ClearField("input")
    graph.input.append(picture)
    graph.value_info.append(value)
    if crops:
        graph.input.append(flag)
        graph.initializer.append(helper.make_tensor(PREPARED, TensorProto.BOOL, (), [False]))


def _entry(name: str, model: onnx.ModelProto, card: ModelCard) -> onnx.ValueInfoProto:
    """Return what the network takes, for a file from which another tool has removed that."""
    batch = model.graph.input[0].type.tensor_type.shape.dim[0]
    shape = (batch.dim_param or int(batch.dim_value), card.channels, *card.size_hw)
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _tell(model: onnx.ModelProto, card: ModelCard, *, baked_preprocessing: bool) -> None:
    """Write the card anew, in place; metadata that are not of the card stay."""
    write_metadata(model, rewritten(read_metadata(model), replace(card, baked_preprocessing=baked_preprocessing)))


def _only_input(model: onnx.ModelProto) -> onnx.ValueInfoProto | None:
    stored = {tensor.name for tensor in model.graph.initializer}
    entries = [entry for entry in model.graph.input if entry.name not in stored]
    if len(entries) != 1:
        return None
    kind = entries[0].type.tensor_type
    entry: onnx.ValueInfoProto = entries[0]
    return entry if kind.elem_type == TensorProto.FLOAT and len(kind.shape.dim) == 4 else None


def _names(model: onnx.ModelProto) -> Iterator[str]:
    for graph in graphs_of(model):
        for node in graph.node:
            yield from (node.name, *node.input, *node.output)
        yield from (entry.name for entry in (*graph.input, *graph.output, *graph.initializer))
