"""Attention as onnxruntime's optimisers fuse it: com.microsoft Attention and MultiHeadAttention, without a cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch

from misread.attack.surrogate.node import Operator
from misread.attack.surrogate.operators.attention import join_heads, masked_softmax, split_heads

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.surrogate.node import Node

_DOMAIN: Final = "com.microsoft"


def fused_attention(
    node: Node, tokens: Tensor, weight: Tensor, bias: Tensor | None = None, *rest: Tensor | None
) -> Tensor:
    """Project tokens to queries, keys and values at once, and attend.

    Args:
        node: with `num_heads`, `scale`, `unidirectional`, `qkv_hidden_sizes`.
        tokens: (n, length, width).
        weight: (width, queries' + keys' + values' width), side by side.
        bias: of these.
        rest: mask index and past, which must be absent, then what is added to the scores, (n, heads, length, length).

    Returns:
        (n, length, values' width).
    """
    mask, past, added = (*rest, None, None, None)[:3]
    if mask is not None or past is not None:
        raise node.refuse("a mask index or a past")
    if node.get("do_rotary", 0):
        raise node.refuse("do_rotary")
    projected = tokens @ weight if bias is None else tokens @ weight + bias
    widths = node.get("qkv_hidden_sizes", [projected.shape[-1] // 3] * 3)
    heads = node.get("num_heads", 1)
    query, key, value = (split_heads(part, heads) for part in torch.split(projected, widths, dim=-1))
    return _attend(node, query, key, value, added)


def multi_head_attention(
    node: Node, query: Tensor, key: Tensor | None = None, value: Tensor | None = None, *rest: Tensor | None
) -> Tensor:
    """Attend; the projections are done, but for their biases.

    Args:
        node: with `num_heads`, `scale`, `unidirectional`.
        query: (n, q, width).
        key: (n, k, width) or (n, heads, k, size).
        value: as `key`.
        rest: biases side by side, then a padding mask and a past, which must be absent, with what is added to the
            scores, (n, heads, q, k), between them.

    Returns:
        (n, q, values' width).
    """
    slots: list[Tensor | None] = [*rest, None, None, None]
    bias, padding, added = slots[:3]
    if key is None or value is None or query.ndim != 3:
        raise node.refuse("queries, keys and values in one tensor")
    if padding is not None or any(tensor is not None for tensor in slots[3:]):
        raise node.refuse("a padding mask or a past")
    heads = node.get("num_heads", 1)
    if bias is not None and key.ndim == 3:
        first, second, third = torch.split(bias, [query.shape[-1], key.shape[-1], value.shape[-1]])
        query, key, value = query + first, key + second, value + third
    elif bias is not None:
        query = query + bias[: query.shape[-1]]
    key, value = (tensor if tensor.ndim == 4 else split_heads(tensor, heads) for tensor in (key, value))
    return _attend(node, split_heads(query, heads), key, value, added)


def _attend(node: Node, query: Tensor, key: Tensor, value: Tensor, added: Tensor | None) -> Tensor:
    """Return (n, q, width) of (n, heads, length, size)."""
    scores = (query @ key.mT) * (node.get("scale", 0.0) or query.shape[-1] ** -0.5)
    bias = torch.zeros_like(scores[:1, :1]) if added is None else added
    if node.get("unidirectional", 0):
        queries, keys = scores.shape[-2:]
        later = torch.ones(queries, keys, dtype=torch.bool, device=scores.device).triu(keys - queries + 1)
        bias = bias.masked_fill(later, float("-inf"))
    return join_heads(masked_softmax(scores, bias, scores.dtype) @ value)


CONTRIB_ATTENTION: Final[tuple[Operator, ...]] = (
    Operator(name="Attention", function=fused_attention, domain=_DOMAIN),
    Operator(name="MultiHeadAttention", function=multi_head_attention, domain=_DOMAIN),
)
