"""In which numbers a graph computes and stores, by its operators and its weights."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from misread.runtime.inspect.tensor import Tensor

_FLOATS: Final = ("float32", "float16", "bfloat16", "float64")
_NAMES: Final = {"float32": "fp32", "float16": "fp16", "bfloat16": "bf16", "float64": "fp64"}


def precision_of(operators: Mapping[str, int], weights: Sequence[Tensor]) -> str:
    """Return `fp32`, `fp16`, `int8 dynamic`, `int8 static (QDQ)`, `int8 static (QLinear)`, or what else it is.

    A graph with scales made while it runs is dynamic; one with scales in the file is static. Without either the type
    that takes most of the weights' bytes decides; `none` without weights.
    """
    kinds = Counter(name.rpartition(".")[2] for name in operators)
    if any(kind.startswith("DynamicQuantize") for kind in kinds):
        return "int8 dynamic"
    if any(kind.startswith("QLinear") for kind in kinds):
        return "int8 static (QLinear)"
    if "QuantizeLinear" in kinds and "DequantizeLinear" in kinds:
        return "int8 static (QDQ)"
    if "DequantizeLinear" in kinds:
        return "int8 weights, float arithmetic"
    taken: Counter[str] = Counter()
    for tensor in weights:
        if tensor.dtype in _FLOATS:
            taken[tensor.dtype] += tensor.size_bytes
    return _NAMES[taken.most_common(1)[0][0]] if taken else "none"
