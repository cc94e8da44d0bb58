"""Running nodes one after the other, and letting go of what nobody needs any more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from torch import OutOfMemoryError, Tensor

from misread.attack.surrogate.node import UnsupportedOperator
from misread.attack.surrogate.operators import BY_NAME
from misread.errors import MisreadError, ModelError

if TYPE_CHECKING:
    from misread.attack.surrogate.node import Node, OperatorFunction

MAX_VALUES: Final = 2**30
"""Numbers in one tensor: 4 GiB; a graph that asks for more is no classifier."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A node, what computes it, and the values that are not needed after it."""

    node: Node
    function: OperatorFunction
    dead: tuple[str, ...]


def plan(nodes: Sequence[Node], *, keep: Iterable[str]) -> tuple[Step, ...]:
    """Find each node's function and each value's last use; `keep` is never let go of.

    Raises:
        UnsupportedOperator: names the node and lists what is known.
    """
    last: dict[str, int] = {}
    for at, node in enumerate(nodes):
        last.update(dict.fromkeys(node.outputs, at))
        last.update(dict.fromkeys(node.inputs, at))
    for name in ("", *keep):
        last.pop(name, None)
    ends: dict[int, list[str]] = {}
    for name, at in last.items():
        ends.setdefault(at, []).append(name)
    return tuple(
        Step(node=node, function=_function(node), dead=tuple(ends.get(at, ()))) for at, node in enumerate(nodes)
    )


def interpret(steps: Iterable[Step], values: dict[str, Tensor | None], *, free: bool = True) -> None:
    """Run the steps on `values`, name by name, in place.

    Raises:
        ModelError: an operator cannot take what it is given; says which and where.
    """
    values[""] = None
    for step in steps:
        values.update(zip(step.node.outputs, outputs_of(step, values), strict=False))
        values[""] = None  # the name of an output that nobody wants is the name of an input that is left out
        if free:
            for name in step.dead:
                values.pop(name, None)


def outputs_of(step: Step, values: dict[str, Tensor | None]) -> tuple[Tensor, ...]:
    """Compute one node's outputs."""
    node = step.node
    try:
        found = step.function(node, *(values[name] for name in node.inputs))
    except (MisreadError, OutOfMemoryError):
        raise
    except Exception as error:  # torch's operators and ours raise whatever a broken graph makes them
        shapes = ", ".join(str(tuple(value.shape)) for value in map(values.get, node.inputs) if value is not None)
        lines = str(error).strip().splitlines()
        said = lines[0] if lines else type(error).__name__
        message = f"{node.operator} (node {node.name!r}) cannot take inputs of shape {shapes or 'none'}: {said}"
        raise ModelError(message) from error
    outputs = found if isinstance(found, tuple) else (found,)
    largest = max((output.numel() for output in outputs), default=0)
    if largest > MAX_VALUES:
        message = f"{node.operator} (node {node.name!r}) makes {largest} values; at most {MAX_VALUES} are allowed"
        raise ModelError(message)
    return outputs


def _function(node: Node) -> OperatorFunction:
    operator = BY_NAME.get((node.domain, node.operator))
    if operator is None:
        known = ", ".join(sorted(f"{domain}.{name}" if domain else name for domain, name in BY_NAME))
        name = f"{node.domain}.{node.operator}" if node.domain else node.operator
        message = (
            f"the surrogate does not know the operator {name} (node {node.name!r}); attacks without gradients need "
            f"none: --attack square; known are {known}"
        )
        raise UnsupportedOperator(message)
    return operator.function
