"""Casts: exact in the forward pass, with gradients where the value comes from the pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch

from misread.attack.surrogate.node import Operator, straight_through

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from misread.attack.surrogate.node import Node

_HALVES: Final[Mapping[int, torch.dtype]] = {10: torch.float16, 16: torch.bfloat16}
_WHOLE: Final = frozenset({torch.uint8, torch.int8, torch.int16, torch.uint16, torch.int32, torch.int64})


def cast(node: Node, values: Tensor) -> Tensor:
    """Return `values` as the type of `to`; half precision is rounded and stays float32."""
    number = node.get("to", 0)
    if number in _HALVES:
        values = values.float()
        return straight_through(values.to(_HALVES[number]).float(), values)
    return _as_dtype(node, values, node.dtype("to", torch.float32))


def cast_like(node: Node, values: Tensor, like: Tensor) -> Tensor:
    """Return `values` as the type of `like`; half precision is float32 here, so nothing is rounded."""
    return _as_dtype(node, values, like.dtype)


def _as_dtype(node: Node, values: Tensor, dtype: torch.dtype) -> Tensor:
    if node.on_image and dtype in _WHOLE and values.is_floating_point():
        limit = torch.iinfo(dtype)
        return straight_through(values.trunc(), values).clamp(limit.min, limit.max)
    return values.to(dtype)


CAST: Final[tuple[Operator, ...]] = (
    Operator(name="Cast", function=cast),
    Operator(name="CastLike", function=cast_like),
)
