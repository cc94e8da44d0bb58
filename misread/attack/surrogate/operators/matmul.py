"""Products of matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch
from torch.nn import functional

from misread.attack.surrogate.node import Operator
from misread.attack.surrogate.operators.plain import plain

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.surrogate.node import Node


def _gemm(node: Node, left: Tensor, right: Tensor, added: Tensor | None = None) -> Tensor:
    """Return alpha A B + beta C, either factor transposed on request; C broadcasts."""
    alpha, beta = node.get("alpha", 1.0), node.get("beta", 1.0)
    left = left.T if node.get("transA", 0) else left
    right = right if node.get("transB", 0) else right.T
    if alpha == beta == 1 and (added is None or added.dim() == 1):
        return functional.linear(left, right, added)
    product = (left @ right.T) * alpha
    return product if added is None else product + added * beta


def _einsum(node: Node, *factors: Tensor) -> Tensor:
    return torch.einsum(node.attributes["equation"], *factors)


MATMUL: Final[tuple[Operator, ...]] = (
    Operator(name="MatMul", function=plain(torch.matmul)),
    Operator(name="Gemm", function=_gemm),
    Operator(name="Einsum", function=_einsum),
    Operator(name="Det", function=plain(torch.linalg.det)),
)
