"""Attention and RotaryEmbedding of opset 23 and later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor
from torch.nn import functional

from misread.attack.surrogate.node import DTYPES, Operator

if TYPE_CHECKING:
    from misread.attack.surrogate.node import Node


def attention(  # noqa: PLR0917  a node gives its inputs by position
    node: Node,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None = None,
    past_key: Tensor | None = None,
    past_value: Tensor | None = None,
    lengths: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Scaled dot-product attention (arXiv:1706.03762), heads of keys shared where there are fewer.

    Args:
        node: with `scale`, `softcap`, `is_causal`, the sizes of the window, the numbers of heads.
        query: (n, heads, q, size) or (n, q, heads * size).
        key: (n, heads of keys, k, size) or (n, k, heads * size).
        value: as `key`.
        mask: bool, true where attended, or added to the scores; broadcast to (n, heads, q, k), short ones end in no.
        past_key: (n, heads of keys, past, size), goes before `key`.
        past_value: as `past_key`.
        lengths: (n,), how many keys of each sample count.

    Returns:
        The result in the query's layout, all keys and values, and the scores that `qk_matmul_output_mode` names.
    """
    flat = query.ndim == 3
    if flat:
        query = split_heads(query, node.get("q_num_heads", 1))
        key, value = (split_heads(tensor, node.get("kv_num_heads", 1)) for tensor in (key, value))
    past = 0 if past_key is None else past_key.shape[2]
    key = key if past_key is None else torch.cat([past_key, key], dim=2)
    value = value if past_value is None else torch.cat([past_value, value], dim=2)
    sharing = query.shape[1] // key.shape[1]
    scale = node.get("scale", query.shape[-1] ** -0.5) ** 0.5
    scores = (query * scale) @ (key.repeat_interleave(sharing, dim=1) * scale).mT
    capped = _capped(scores, node.get("softcap", 0.0))
    bias = _bias(node, capped, mask, past, lengths)
    weights = masked_softmax(capped, bias, DTYPES.get(node.get("softmax_precision", 0), scores.dtype))
    found = weights @ value.repeat_interleave(sharing, dim=1)
    mode = node.get("qk_matmul_output_mode", 0)
    seen = weights if mode == 3 else capped if mode == 1 else capped + bias if mode == 2 else scores
    return join_heads(found) if flat else found, key, value, seen


def split_heads(values: Tensor, heads: int) -> Tensor:
    """Turn (n, length, heads * size) into (n, heads, length, size)."""
    count, length, _ = values.shape
    return values.reshape(count, length, heads, -1).transpose(1, 2)


def join_heads(values: Tensor) -> Tensor:
    """Turn (n, heads, length, size) into (n, length, heads * size)."""
    return values.transpose(1, 2).flatten(2)


def masked_softmax(scores: Tensor, bias: Tensor, dtype: torch.dtype) -> Tensor:
    """Return the softmax of scores + bias, computed in `dtype`; a row without any key is zero, its gradient too."""
    empty = (bias == float("-inf")).all(dim=-1, keepdim=True)
    weights = (scores + bias.masked_fill(empty, 0.0)).softmax(dim=-1, dtype=dtype).to(scores.dtype)
    return weights.masked_fill(empty, 0.0)


def _capped(scores: Tensor, cap: float) -> Tensor:
    """Keep scores between -cap and cap, smoothly; 0 is no cap."""
    return torch.tanh(scores / cap) * cap if cap else scores


def _bias(node: Node, scores: Tensor, mask: Tensor | None, past: int, lengths: Tensor | None) -> Tensor:
    """Return what is added to the scores: -inf for keys that a query must not see."""
    queries, keys = scores.shape[-2:]
    rows, columns = (torch.arange(count, device=scores.device) for count in (queries, keys))
    offset: Tensor | int = past
    if lengths is not None and not past:
        offset = lengths.reshape(-1, 1, 1, 1) - queries
    behind = rows.unsqueeze(1) + offset - columns
    allowed = torch.ones_like(behind, dtype=torch.bool)
    if node.get("is_causal", 0):
        allowed = allowed & (behind >= 0)
    left, right = node.get("left_window_size", -1), node.get("right_window_size", -1)
    if left >= 0:
        allowed = allowed & (behind <= left)
    if right >= 0:
        allowed = allowed & (-behind <= right)
    if lengths is not None:
        allowed = allowed & (columns < lengths.reshape(-1, 1, 1, 1))
    never = float("-inf")
    bias = torch.zeros_like(allowed, dtype=scores.dtype).masked_fill(~allowed, never)
    if mask is None:
        return bias
    short = keys - mask.shape[-1]
    if mask.dtype == torch.bool:
        mask = torch.zeros_like(mask, dtype=scores.dtype).masked_fill(~mask, never)
    return bias + functional.pad(mask, [0, short], value=never)


def rotary_embedding(
    node: Node, values: Tensor, cosine: Tensor, sine: Tensor, positions: Tensor | None = None
) -> Tensor:
    """Turn pairs of features by the angle of their position (arXiv:2104.09864).

    Args:
        node: with `interleaved`, `rotary_embedding_dim`, `num_heads`.
        values: (n, heads, length, size) or (n, length, heads * size).
        cosine: (positions, half the turned size), or (n, length, half) without `positions`.
        sine: as `cosine`.
        positions: (n, length).

    Returns:
        As `values`.
    """
    flat = values.ndim == 3
    heads = split_heads(values, node.get("num_heads", 1)) if flat else values
    if positions is not None:
        cosine, sine = cosine[positions], sine[positions]
    turned = node.get("rotary_embedding_dim", 0) or heads.shape[-1]
    cosine, sine = cosine.unsqueeze(1), sine.unsqueeze(1)
    moving, still = heads[..., :turned], heads[..., turned:]
    interleaved = bool(node.get("interleaved", 0))
    first, second = (moving[..., 0::2], moving[..., 1::2]) if interleaved else moving.chunk(2, dim=-1)
    parts = [first * cosine - second * sine, first * sine + second * cosine]
    joined = torch.stack(parts, dim=-1).flatten(-2) if interleaved else torch.cat(parts, dim=-1)
    found = torch.cat([joined, still], dim=-1)
    return join_heads(found) if flat else found


ATTENTION: Final[tuple[Operator, ...]] = (
    Operator(name="Attention", function=attention),
    Operator(name="RotaryEmbedding", function=rotary_embedding),
)
