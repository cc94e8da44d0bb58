"""Recurrent layers, step by step: LSTM, GRU, RNN, in either direction or both, without lengths and clipping."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch

from misread.attack.surrogate.node import Operator

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor

    from misread.attack.surrogate.node import Node

    State = tuple[Tensor, ...]
    Step = Callable[[Tensor, State], State]
    Activation = Callable[[Tensor], Tensor]

ACTIVATIONS: Final[Mapping[str, Activation]] = {"relu": torch.relu, "sigmoid": torch.sigmoid, "tanh": torch.tanh}
DIRECTIONS: Final[Mapping[str, tuple[bool, ...]]] = {
    "forward": (False,),
    "reverse": (True,),
    "bidirectional": (False, True),
}
"""Of each direction, whether it goes from the end to the beginning."""


def lstm(  # noqa: PLR0917  a node gives its inputs by position
    node: Node,
    inputs: Tensor,
    weight: Tensor,
    recurrence: Tensor,
    bias: Tensor | None = None,
    lengths: Tensor | None = None,
    hidden: Tensor | None = None,
    cell: Tensor | None = None,
    peepholes: Tensor | None = None,
) -> tuple[Tensor, ...]:
    """Long short-term memory; gates lie input, output, forget, cell.

    Args:
        node: with `direction`, `layout`, `activations`.
        inputs: (steps, n, width).
        weight: (directions, 4 * size, width).
        recurrence: (directions, 4 * size, size).
        bias: (directions, 8 * size), of both.
        lengths: (n,), which must all be steps.
        hidden: (directions, n, size), before the first step.
        cell: as `hidden`.
        peepholes: (directions, 3 * size), input, output, forget.

    Returns:
        All hidden states (steps, directions, n, size), the last ones (directions, n, size), the last cells.
    """
    _refuse(node, lengths, inputs.shape[node.get("layout", 0)])

    def step_of(at: int) -> Step:
        gate, squash, out = _activations(node, at, ("Sigmoid", "Tanh", "Tanh"))
        factor, offset = recurrence[at].T, _joined_bias(bias, at)
        see_in, see_out, see_forget = (0.0, 0.0, 0.0) if peepholes is None else peepholes[at].chunk(3)

        def step(projected: Tensor, state: State) -> State:
            before, memory = state
            into, outward, forget, new = (projected + before @ factor + offset).chunk(4, dim=-1)
            kept = gate(forget + see_forget * memory) * memory + gate(into + see_in * memory) * squash(new)
            return gate(outward + see_out * kept) * out(kept), kept

        return step

    return _run(node, inputs, weight, step_of, (hidden, cell), recurrence.shape[-1])


def gru(  # noqa: PLR0917  a node gives its inputs by position
    node: Node,
    inputs: Tensor,
    weight: Tensor,
    recurrence: Tensor,
    bias: Tensor | None = None,
    lengths: Tensor | None = None,
    hidden: Tensor | None = None,
) -> tuple[Tensor, ...]:
    """Gated recurrent unit (arXiv:1406.1078); gates lie update, reset, hidden; arguments as of `lstm`."""
    _refuse(node, lengths, inputs.shape[node.get("layout", 0)])
    size = recurrence.shape[-1]

    def step_of(at: int) -> Step:
        gate, squash = _activations(node, at, ("Sigmoid", "Tanh"))
        factor = recurrence[at].T
        own, back = (0.0, recurrence.new_zeros(3 * size)) if bias is None else bias[at].chunk(2)

        def step(projected: Tensor, state: State) -> State:
            (before,) = state
            update, reset, new = (projected + own).chunk(3, dim=-1)
            recalled = before @ factor[:, : 2 * size] + back[: 2 * size]
            update, reset = gate(update + recalled[..., :size]), gate(reset + recalled[..., size:])
            if node.get("linear_before_reset", 0):
                again = reset * (before @ factor[:, 2 * size :] + back[2 * size :])
            else:
                again = (reset * before) @ factor[:, 2 * size :] + back[2 * size :]
            return ((1 - update) * squash(new + again) + update * before,)

        return step

    return _run(node, inputs, weight, step_of, (hidden,), size)


def rnn(  # noqa: PLR0917  a node gives its inputs by position
    node: Node,
    inputs: Tensor,
    weight: Tensor,
    recurrence: Tensor,
    bias: Tensor | None = None,
    lengths: Tensor | None = None,
    hidden: Tensor | None = None,
) -> tuple[Tensor, ...]:
    """Return the plain recurrence's states; arguments as of `lstm`."""
    _refuse(node, lengths, inputs.shape[node.get("layout", 0)])

    def step_of(at: int) -> Step:
        (squash,) = _activations(node, at, ("Tanh",))
        factor, offset = recurrence[at].T, _joined_bias(bias, at)
        return lambda projected, state: (squash(projected + state[0] @ factor + offset),)

    return _run(node, inputs, weight, step_of, (hidden,), recurrence.shape[-1])


def _run(  # noqa: PLR0917  all of them are the layer's own
    node: Node,
    inputs: Tensor,
    weight: Tensor,
    step_of: Callable[[int], Step],
    starts: tuple[Tensor | None, ...],
    size: int,
) -> tuple[Tensor, ...]:
    """Walk over the steps in each direction; `layout` 1 has the samples first everywhere."""
    samples_first = bool(node.get("layout", 0))
    if samples_first:
        inputs, starts = inputs.transpose(0, 1), tuple(s if s is None else s.transpose(0, 1) for s in starts)
    rows, lasts = [], []
    for at, backwards in enumerate(DIRECTIONS[node.get("direction", "forward")]):
        projected = inputs @ weight[at].T
        blank = inputs.new_zeros(inputs.shape[1], size)
        state: State = tuple(blank if start is None else start[at] for start in starts)
        step, hidden = step_of(at), []
        for values in projected.flip(0) if backwards else projected:
            state = step(values, state)
            hidden.append(state[0])
        rows.append(torch.stack(hidden[::-1] if backwards else hidden))
        lasts.append(state)
    every = torch.stack(rows, dim=1)
    last = [torch.stack(values) for values in zip(*lasts, strict=True)]
    if samples_first:
        return every.permute(2, 0, 1, 3), *(values.transpose(0, 1) for values in last)
    return every, *last


def _activations(node: Node, at: int, default: tuple[str, ...]) -> list[Activation]:
    """Return the functions of one direction."""
    count = len(default)
    names: Sequence[str] = node.get("activations", [])[at * count : (at + 1) * count] or default
    unknown = [name for name in names if name.lower() not in ACTIVATIONS]
    if unknown:
        raise node.refuse(f"activation {unknown[0]!r}")
    return [ACTIVATIONS[name.lower()] for name in names]


def _joined_bias(bias: Tensor | None, at: int) -> Tensor | float:
    """Return the biases of input and recurrence, added."""
    if bias is None:
        return 0.0
    first, second = bias[at].chunk(2)
    return first + second


def _refuse(node: Node, lengths: Tensor | None, steps: int) -> None:
    """Refuse what no classifier of images has."""
    given = [name for name in ("clip", "input_forget") if node.get(name, 0)]
    if given:
        raise node.refuse(f"attribute {given[0]}")
    if lengths is not None and bool((lengths != steps).any()):
        raise node.refuse(f"lengths {lengths.tolist()} in {steps} steps")


RECURRENT: Final[tuple[Operator, ...]] = (
    Operator(name="GRU", function=gru),
    Operator(name="LSTM", function=lstm),
    Operator(name="RNN", function=rnn),
)
