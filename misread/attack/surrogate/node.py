"""The seam between a graph and its operators: what an operator function is given, and what it gives back.

What a value is
    Every value is a torch tensor. float16 and bfloat16 of the file run as float32, float64 stays. What is computed from
    shapes alone stays whole (int64, bool) and is never on the image's way. A whole-number tensor that depends on the
    pixels (`Node.on_image`: the output of QuantizeLinear, DynamicQuantizeLinear, ConvInteger, a Cast to int8 ...) is
    carried as a *floating* tensor that holds whole numbers, so that gradients pass; its ONNX type is known from the
    zero point beside it, which is an initialiser and keeps its own type. Initialisers keep theirs too: an int8 weight
    is torch.int8 until an operator asks for `.float()`.

What an operator function does
    `function(node, *inputs)` gets its inputs in the order of the file, None for one that is left out at the end or in
    the middle, and returns one tensor, or a tuple with one entry for each output of the node. It is pure, and its
    forward values are those of onnxruntime as far as float32 goes. Rounding goes through `straight_through`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

import torch
from torch import Tensor

from misread.errors import ModelError

T = TypeVar("T")

OperatorFunction = Callable[..., Tensor | tuple[Tensor, ...]]

# The numbers are those of TensorProto.DataType; half precision runs in single.
DTYPES: Final[Mapping[int, torch.dtype]] = {
    1: torch.float32,
    2: torch.uint8,
    3: torch.int8,
    4: torch.uint16,
    5: torch.int16,
    6: torch.int32,
    7: torch.int64,
    9: torch.bool,
    10: torch.float32,
    11: torch.float64,
    12: torch.uint32,
    13: torch.uint64,
    16: torch.float32,
}


class UnsupportedOperator(ModelError):  # noqa: N818  named for what it says, as all errors here
    """A graph has an operator, or a form of one, that the surrogate does not know; its gradients are out of reach."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Subgraph:
    """The body of an If, Loop or Scan: a graph attribute.

    What the body takes from around it is appended to the node's `inputs`, so that the function gets it as inputs too.
    Initialisers of the body are among them.

    Attributes:
        inputs: formal inputs of the body, none for If.
        outputs: names of its outputs.
        run: given values by name (formal inputs, and `dict(zip(node.inputs, inputs))`), returns the outputs in order.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    run: Callable[[Mapping[str, Tensor | None]], tuple[Tensor, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """One node of the graph, as its operator function sees it.

    Attributes:
        operator: `Conv`, ...
        domain: empty for the standard operators.
        name: never empty: the first output stands in.
        opset: version of the node's domain that the file imports.
        attributes: int, float, str, list of these, Tensor (a TensorProto, half precision as float32), `Subgraph`.
        inputs: names, empty where one is left out; names that a subgraph captures come last.
        outputs: names, empty where one is not wanted.
        on_image: whether its outputs depend on the pixels, not only on shapes and constants.
    """

    operator: str
    domain: str = ""
    name: str
    opset: int
    attributes: Mapping[str, Any]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    on_image: bool = True

    def get(self, name: str, default: T) -> T:
        """Return the attribute `name`, or `default` where the file leaves it out."""
        return cast("T", self.attributes.get(name, default))

    def has(self, name: str) -> bool:
        """Say whether the file gives the attribute."""
        return name in self.attributes

    def dtype(self, name: str, default: torch.dtype) -> torch.dtype:
        """Return the attribute `name`, a number of TensorProto.DataType, as a torch dtype.

        Raises:
            UnsupportedOperator: a type that torch does not compute with.
        """
        if name not in self.attributes:
            return default
        number = int(self.attributes[name])
        if number not in DTYPES:
            raise self.refuse(f"element type {number}")
        return DTYPES[number]

    def refuse(self, what: str) -> UnsupportedOperator:
        """Return the error for a form of the operator that is not covered: `raise node.refuse("mode 'cubic'")`."""
        name = f"{self.domain}.{self.operator}" if self.domain else self.operator
        return UnsupportedOperator(
            f"the surrogate does not cover {name} with {what} (node {self.name!r}, opset {self.opset}); "
            "attacks without gradients (square, ...) need none"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Operator:
    """One line of a family's table.

    Attributes:
        name: as in the file, `Conv`.
        function: computes it, for all versions from opset 7 to 25.
        domain: empty for the standard operators.
    """

    name: str
    function: OperatorFunction
    domain: str = ""


def straight_through(exact: Tensor, smooth: Tensor) -> Tensor:
    """Return `exact`, with the gradient of `smooth`; both of one shape and floating dtype.

    The straight-through estimator (arXiv:1308.3432).
    """
    value: Tensor = _StraightThrough.apply(exact, smooth)  # type: ignore[no-untyped-call]
    return value


def saturated(values: Tensor, shift: Tensor | None, low: float, high: float) -> Tensor:
    """Round to the nearest whole number, halves to even, add `shift`, saturate; one step for speed.

    Args:
        values: any shape, float32.
        shift: whole numbers that broadcast to `values`, None for 0; carries no gradient.
        low: smallest number that the type holds.
        high: largest number.

    Returns:
        Whole numbers in [low, high]; gradient 1 where nothing was cut, 0 where something was.
    """
    value: Tensor = _Saturated.apply(values, shift, low, high)  # type: ignore[no-untyped-call]
    return value


class _StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(_: Any, exact: Tensor, smooth: Tensor) -> Tensor:
        return exact.to(smooth.dtype).clone()

    @staticmethod
    def backward(_: Any, *gradients: Tensor) -> tuple[None, Tensor]:
        return None, gradients[0]


class _Saturated(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, values: Tensor, shift: Tensor | None, low: float, high: float) -> Tensor:
        found = values.round()
        if shift is not None:
            found += shift
        if context.needs_input_grad[0]:
            context.save_for_backward((found >= low) & (found <= high))
        return found.clamp_(low, high)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        (inside,) = context.saved_tensors
        return gradients[0] * inside, None, None, None
