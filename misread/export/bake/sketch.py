"""A part of an ONNX graph, written as arithmetic: `(x + 0.5) * scale` becomes two nodes and a constant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from misread.runtime.pictures import FRONT

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

FLOAT: Final = int(TensorProto.FLOAT)
DOUBLE: Final = int(TensorProto.DOUBLE)
INT64: Final = int(TensorProto.INT64)
BOOL: Final = int(TensorProto.BOOL)
UINT8: Final = int(TensorProto.UINT8)
_DTYPES: Final = {FLOAT: np.float32, DOUBLE: np.float64, INT64: np.int64}


@dataclass(kw_only=True, slots=True)
class Sketch:
    """Nodes in running order, and the constants that they share with the branches inside them.

    Attributes:
        nodes: made so far; every name begins with `FRONT`.
        constants: by name.
        known: names of what the nodes make, by what they do.
        count: of names given, branches included.
    """

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, onnx.TensorProto] = field(default_factory=dict)
    known: dict[bytes, str] = field(default_factory=dict)
    count: list[int] = field(default_factory=lambda: [0])

    def node(self, operator: str, *inputs: Value, dtype: int | None = None, **attributes: Any) -> Value:
        """Add a node with one output, or find the one that does the same.

        Its type is that of its first input unless told.
        """
        made = helper.make_node(operator, [value.name for value in inputs], [], **attributes)
        key = made.SerializeToString(deterministic=True)
        if key not in self.known:
            name = self.known[key] = made.name = self._name(operator)
            made.output.append(name)
            self.nodes.append(made)
        return Value(sketch=self, name=self.known[key], dtype=inputs[0].dtype if dtype is None else dtype)

    def constant(self, values: ArrayLike, dtype: int) -> Value:
        """Return a constant of this type; equal ones are stored once."""
        array: NDArray[Any] = np.asarray(values, _DTYPES[dtype])
        tensor = numpy_helper.from_array(array)
        known = next((name for name, other in self.constants.items() if _same(tensor, other)), "")
        if not known:
            known = self._name("constant")
            tensor.name = known
            self.constants[known] = tensor
        return Value(sketch=self, name=known, dtype=dtype)

    def concat(self, parts: Sequence[Value | int]) -> Value:
        """Join whole numbers into one shape."""
        rows = [self.constant([part], INT64) if isinstance(part, int) else part.reshaped(1) for part in parts]
        return self.node("Concat", *rows, axis=0)

    def choose(self, condition: Value, then: Callable[[Sketch], Value], otherwise: Callable[[Sketch], Value]) -> Value:
        """Run one of two branches; only that one is computed."""
        bodies, results = [], []
        for side, build in (("then", then), ("else", otherwise)):
            inner = Sketch(constants=self.constants, count=self.count)
            results.append(build(inner))
            end = helper.make_tensor_value_info(results[-1].name, results[-1].dtype, None)
            bodies.append(helper.make_graph(inner.nodes, f"{FRONT}{side}", [], [end]))
        return self.node("If", condition, dtype=results[0].dtype, then_branch=bodies[0], else_branch=bodies[1])

    def _name(self, what: str) -> str:
        self.count[0] += 1
        return f"{FRONT}{self.count[0]}_{what}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Value:
    """A tensor in a sketch, of any shape.

    Attributes:
        sketch: where what is made of it goes.
        name: in the graph.
        dtype: a number of TensorProto.DataType; constants beside it take the same.
    """

    sketch: Sketch
    name: str
    dtype: int

    def __add__(self, other: Value | float) -> Value:
        """Add, element by element."""
        return self._with("Add", other)

    def __sub__(self, other: Value | float) -> Value:
        """Subtract."""
        return self._with("Sub", other)

    def __rsub__(self, other: float) -> Value:
        """Subtract it from a number."""
        return self._of(other)._with("Sub", self)

    def __mul__(self, other: Value | float) -> Value:
        """Multiply."""
        return self._with("Mul", other)

    def __truediv__(self, other: Value | float) -> Value:
        """Divide."""
        return self._with("Div", other)

    def __floordiv__(self, other: Value | int) -> Value:
        """Divide whole numbers of 0 or more."""
        return self._with("Div", other)

    def __and__(self, other: Value) -> Value:
        """Tell where both hold."""
        return self._with("And", other)

    def below(self, other: Value | float) -> Value:
        """Tell where it is less."""
        return self.sketch.node("Less", self, self._of(other), dtype=BOOL)

    def at_least(self, other: Value | float) -> Value:
        """Return the larger of both."""
        return self._with("Max", other)

    def at_most(self, other: Value | float) -> Value:
        """Return the smaller of both."""
        return self._with("Min", other)

    def clipped(self, low: float, high: float) -> Value:
        """Return it inside these bounds."""
        return self.sketch.node("Clip", self, self._of(low), self._of(high))

    def plain(self, operator: str) -> Value:
        """Apply an operator of one input: Floor, Ceil, Abs, Round (half to even)."""
        return self.sketch.node(operator, self)

    def where(self, condition: Value, otherwise: Value | float) -> Value:
        """Return it where the condition holds."""
        return self.sketch.node("Where", condition, self, self._of(otherwise), dtype=self.dtype)

    def cast(self, dtype: int) -> Value:
        """Return it in another type; towards 0 where that is a whole number."""
        return self.sketch.node("Cast", self, dtype=dtype, to=dtype)

    def reshaped(self, *shape: Value | int) -> Value:
        """Return it in this shape; one side may be -1."""
        sides = [side for side in shape if isinstance(side, int)]
        wanted = self.sketch.concat(shape) if len(sides) < len(shape) else self.sketch.constant(sides, INT64)
        return self.sketch.node("Reshape", self, wanted)

    def transposed(self, *axes: int) -> Value:
        """Return it with its axes in this order."""
        return self.sketch.node("Transpose", self, perm=list(axes))

    def gathered(self, rows: Value, axis: int) -> Value:
        """Return these rows of one axis."""
        return self.sketch.node("Gather", self, rows, axis=axis)

    def side(self, axis: int) -> Value:
        """Return the length of one axis as a whole number without a shape."""
        return self.sketch.node("Shape", self, dtype=INT64, start=axis, end=axis + 1).reshaped()

    def within(self, sketch: Sketch) -> Value:
        """Return it as seen from a branch inside its own sketch."""
        return Value(sketch=sketch, name=self.name, dtype=self.dtype)

    def _with(self, operator: str, other: Value | float) -> Value:
        return self.sketch.node(operator, self, self._of(other))

    def _of(self, other: Value | float) -> Value:
        return other if isinstance(other, Value) else self.sketch.constant(other, self.dtype)


def _same(one: onnx.TensorProto, other: onnx.TensorProto) -> bool:
    return (one.data_type, one.dims, one.raw_data) == (other.data_type, other.dims, other.raw_data)
