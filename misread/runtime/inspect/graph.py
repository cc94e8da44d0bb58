"""What an ONNX file says of itself: versions, metadata, inputs, outputs, operators, stored tensors."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from misread.card import MAX_CARD_CHARS
from misread.runtime.inspect.tensor import Tensor, dtype_name, read_tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from misread.runtime.inspect.wire import Field, Wire

STANDARD: Final = frozenset({"", "ai.onnx"})
MAX_DEPTH: Final = 16
MAX_ENTRIES: Final = 4096
MAX_METADATA_BYTES: Final = 4 * MAX_CARD_CHARS
MAX_NAMES_BYTES: Final = 64 * 2**20


@dataclass(frozen=True, kw_only=True, slots=True)
class Value:
    """An input or output of a graph.

    Attributes:
        name: in the graph.
        dtype: as in `float32`; empty where it is no tensor.
        shape: a number where a side is fixed, a name where it is free, `?` where nothing is said; None without a shape.
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...] | None


@dataclass(kw_only=True, slots=True)
class Contents:
    """What a file holds, gathered while it is read.

    Attributes:
        ir_version: of the format.
        producer: name and version of the tool that wrote it.
        opsets: version by domain; the standard one is called `ai.onnx`.
        metadata: of the file, its card among them.
        inputs: of the main graph, weights left out.
        outputs: of the main graph.
        operators: how many nodes of each kind, those of nested graphs and of functions included.
        weights: stored tensors of the main graph and of nested ones.
        graphs: how many main graphs there are; one, in a sound file.
        functions: how many the file defines itself.
        elsewhere: tensors whose values lie in other files, those in attributes included.
        foreign: (domain, kind) of the nodes outside the standard domain.
        defined: (domain, kind) of the file's own functions.
    """

    ir_version: int = 0
    producer: tuple[str, str] = ("", "")
    opsets: dict[str, int] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    inputs: list[Value] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)
    operators: Counter[str] = field(default_factory=Counter)
    weights: list[Tensor] = field(default_factory=list)
    graphs: int = 0
    functions: int = 0
    elsewhere: list[Tensor] = field(default_factory=list)
    foreign: set[tuple[str, str]] = field(default_factory=set)
    defined: set[tuple[str, str]] = field(default_factory=set)


def read_model(wire: Wire) -> Contents:
    """Read a ModelProto.

    Raises:
        FileError: it is none, or not a sound one.
    """
    found = Contents()
    for part in wire.fields(wire.whole()):
        if part.number == 1:
            found.ir_version = wire.number(part)
        elif part.number == 2:
            found.producer = (wire.text(part), found.producer[1])
        elif part.number == 3:
            found.producer = (found.producer[0], wire.text(part))
        elif part.number == 7:
            found.graphs += 1
            _graph(wire, part, found, depth=0)
        elif part.number == 8:
            _opset(wire, part, found)
        elif part.number == 14:
            _entry(wire, part, found)
        elif part.number == 25:
            found.functions += 1
            _function(wire, part, found)
    if found.graphs != 1 or not found.opsets or found.ir_version < 1:
        raise wire.broken(
            f"expected one graph, its opset and a version, got {found.graphs}, {len(found.opsets)} and "
            f"{found.ir_version}"
        )
    stored = {tensor.name for tensor in found.weights}
    found.inputs = [value for value in found.inputs if value.name not in stored]
    return found


def _graph(wire: Wire, message: Field, found: Contents, *, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise wire.broken(f"its graphs are nested more than {MAX_DEPTH} deep")
    for part in wire.fields(message):
        if part.number == 1:
            _node(wire, part, found, depth=depth)
        elif part.number == 5:
            found.weights.append(read_tensor(wire, part))
            _elsewhere(found.weights[-1], found)
        elif part.number == 15:
            _sparse(wire, part, found, found.weights)
        elif part.number in {11, 12} and depth == 0:
            side = found.inputs if part.number == 11 else found.outputs
            side.append(_value(wire, part))
            _bound(wire, "inputs or outputs", len(side))


def _function(wire: Wire, message: Field, found: Contents) -> None:
    name, domain = "", ""
    for part in wire.fields(message):
        if part.number == 1:
            name = wire.text(part, 256)
        elif part.number == 7:
            _node(wire, part, found, depth=0)
        elif part.number == 10:
            domain = wire.text(part, 256)
    found.defined.add((domain, name))
    _bound(wire, "functions", len(found.defined))


def _node(wire: Wire, message: Field, found: Contents, *, depth: int) -> None:
    kind, domain = "", ""
    for part in wire.fields(message):
        if part.number == 4:
            kind = wire.text(part, 256)
        elif part.number == 7:
            domain = wire.text(part, 256)
        elif part.number == 5:
            _attribute(wire, part, found, depth=depth)
    if domain in STANDARD:
        found.operators[kind] += 1
    else:
        found.operators[f"{domain}.{kind}"] += 1
        found.foreign.add((domain, kind))
    _bound(wire, "kinds of operators", len(found.operators))


def _attribute(wire: Wire, message: Field, found: Contents, *, depth: int) -> None:
    """Go into graphs, and into tensors for what they say of other files."""
    for part in wire.fields(message):
        if part.number in {6, 11}:
            _graph(wire, part, found, depth=depth + 1)
        elif part.number in {5, 10}:
            _elsewhere(read_tensor(wire, part), found)
        elif part.number in {22, 23}:
            _sparse(wire, part, found, [])


def _sparse(wire: Wire, message: Field, found: Contents, values: list[Tensor]) -> None:
    """Read a SparseTensorProto; add its values to `values`."""
    for part in wire.fields(message):
        if part.number in {1, 2}:
            tensor = read_tensor(wire, part)
            if part.number == 1:
                values.append(tensor)
            _elsewhere(tensor, found)


def _elsewhere(tensor: Tensor, found: Contents) -> None:
    found.elsewhere += [tensor] if tensor.external else []


def _opset(wire: Wire, message: Field, found: Contents) -> None:
    domain, version = "", 0
    for part in wire.fields(message):
        if part.number == 1:
            domain = wire.text(part, 256)
        elif part.number == 2:
            version = wire.number(part)
    found.opsets[domain or "ai.onnx"] = version
    _bound(wire, "opsets", len(found.opsets))


def _entry(wire: Wire, message: Field, found: Contents) -> None:
    key, value = "", ""
    for part in wire.fields(message):
        if part.number == 1:
            key = wire.text(part)
        elif part.number == 2:
            value = wire.text(part, MAX_METADATA_BYTES)
    found.metadata[key] = value
    _bound(wire, "metadata", len(found.metadata))
    if sum(map(len, found.metadata.values())) > MAX_METADATA_BYTES:
        raise wire.broken(f"its metadata have more than {MAX_METADATA_BYTES} characters")


def _value(wire: Wire, message: Field) -> Value:
    name, dtype, shape = "", "", None
    for part in wire.fields(message):
        if part.number == 1:
            name = wire.text(part)
        elif part.number == 2:
            for kind in _inside(wire, part, 1):
                for inner in wire.fields(kind):
                    if inner.number == 1:
                        dtype = dtype_name(wire.number(inner))
                    elif inner.number == 2:
                        shape = tuple(_side(wire, side) for side in _inside(wire, inner, 1))
                        _bound(wire, "sides of one input", len(shape))
    return Value(name=name, dtype=dtype, shape=shape)


def _side(wire: Wire, message: Field) -> int | str:
    side: int | str = "?"
    for part in wire.fields(message):
        if part.number in {1, 2}:
            read: Callable[[Field], int | str] = wire.number if part.number == 1 else wire.text
            side = read(part)
    return side


def _inside(wire: Wire, message: Field, number: int) -> list[Field]:
    return [part for part in wire.fields(message) if part.number == number]


def _bound(wire: Wire, what: str, count: int) -> None:
    if count > MAX_ENTRIES:
        raise wire.broken(f"it has more than {MAX_ENTRIES} {what}")
