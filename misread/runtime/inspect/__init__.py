"""`misread inspect`: what an ONNX file holds, read without onnx and without running anything."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from misread.cards import find_card
from misread.errors import FileError, ModelError, OptionError
from misread.runtime.inspect.fed import declared
from misread.runtime.inspect.graph import Value
from misread.runtime.inspect.model_file import read_model_file
from misread.runtime.inspect.precision import precision_of
from misread.runtime.pictures import FRONT, PREPARED

if TYPE_CHECKING:
    from misread.card import ModelCard
    from misread.cards.facts import CardFacts
    from misread.runtime.inspect.graph import Contents
    from misread.runtime.inspect.tensor import Tensor

__all__ = ["Inspection", "Stored", "Value", "inspect"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """The weights of one element type.

    Attributes:
        dtype: as in `float32`.
        tensors: how many.
        size_bytes: of their values together.
    """

    dtype: str
    tensors: int
    size_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Inspection:
    """What an ONNX file holds.

    Attributes:
        path: of the file.
        size_bytes: of the file and of the others that hold its weights.
        sha256: of the file; with weights in other files, of all of them, as `ModelFile` says.
        weights_sha256: of its stored tensors in the order of their names, whatever the card and the graph say; the
            same for two files with the same weights, since what prepares pictures is left out. Empty where a part of
            them lies in another file.
        ir_version: of the format.
        producer: the tool that wrote it.
        opsets: (domain, version).
        inputs: of the graph.
        outputs: of the graph.
        operators: (kind, times), the most frequent first.
        functions: how many operators the file defines itself.
        precision: as in `fp32` or `int8 static (QDQ)`.
        stored: the weights by element type, the largest first.
        external: other files that hold weights.
        card: how to feed it, or None.
        card_from: which conventions said so.
        card_missing: why there is no card, with the flags that supply it.

    Examples:
        >>> misread.inspect("signs.onnx").inputs[0].name
        'input'
    """

    path: Path
    size_bytes: int
    sha256: str
    weights_sha256: str
    ir_version: int
    producer: str
    opsets: tuple[tuple[str, int], ...]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    operators: tuple[tuple[str, int], ...]
    functions: int
    precision: str
    stored: tuple[Stored, ...]
    external: tuple[str, ...]
    card: ModelCard | None
    card_from: tuple[str, ...]
    card_missing: str


def inspect(path: Path, *, card: ModelCard | CardFacts | None = None) -> Inspection:
    """Read an ONNX file in bounded memory and time; nothing of it is run.

    Args:
        path: of the file.
        card: by flags; fills what the file leaves open.

    Raises:
        FileError: no such file, no plain one, no sound ONNX model in it, or weights that are not where it says.
    """
    model = read_model_file(path)
    contents = model.contents
    if contents is None:
        raise FileError(f"{path} is a model in onnxruntime's own format; give the ONNX file that it was made from")
    fed, sources, missing = _card(model.path, contents, card)
    weights = [tensor for tensor in contents.weights if not tensor.name.startswith(FRONT) and tensor.name != PREPARED]
    return Inspection(
        path=model.path,
        size_bytes=model.size_bytes,
        sha256=model.sha256,
        weights_sha256=_weights_hash(weights),
        ir_version=contents.ir_version,
        producer=" ".join(part for part in contents.producer if part),
        opsets=tuple(sorted(contents.opsets.items())),
        inputs=tuple(contents.inputs),
        outputs=tuple(contents.outputs),
        operators=tuple(contents.operators.most_common()),
        functions=contents.functions,
        precision=precision_of(contents.operators, weights),
        stored=_stored(weights),
        external=tuple(model.external),
        card=fed,
        card_from=sources,
        card_missing=missing,
    )


def _card(
    path: Path, contents: Contents, given: ModelCard | CardFacts | None
) -> tuple[ModelCard | None, tuple[str, ...], str]:
    try:
        found = find_card(contents.metadata, name=str(path), given=given, declared=declared(contents))
    except (ModelError, OptionError) as error:
        return None, (), str(error)
    if found is None:
        return None, (), "it carries no card, so how to feed it is unknown; give --labels FILE and --size PX"
    return found.card, found.sources, ""


def _weights_hash(weights: list[Tensor]) -> str:
    if any(tensor.external for tensor in weights):
        return ""
    lines = sorted(f"{tensor.name}\0{tensor.sha256}" for tensor in weights)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _stored(weights: list[Tensor]) -> tuple[Stored, ...]:
    tensors, sizes = Counter[str](), Counter[str]()
    for tensor in weights:
        tensors[tensor.dtype] += 1
        sizes[tensor.dtype] += tensor.size_bytes
    return tuple(Stored(dtype=name, tensors=tensors[name], size_bytes=size) for name, size in sizes.most_common())
