"""Which tensor of B is which tensor of A: by name, then by what the layers compute."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from misread.export.drift.graph import Steps

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

#: What onnxruntime's quantiser appends to the name of a tensor it has dequantised again, the best match first.
SUFFIXES: Final = ("_DequantizeLinear_Output", "_DequantizeLinear", "_dequantized", "")
_SAMPLED: Final = 4096
_PLACE: Final = 0.2
_ENOUGH: Final = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """A tensor in A and its counterpart in B."""

    name: str
    other: str
    how: Literal["name", "structure"]


def matches(a: Steps, b: Steps, values_a: Mapping[str, Float32], values_b: Mapping[str, Float32]) -> tuple[Match, ...]:
    """Match the tensors of two graphs.

    Names count where they cover half of the layers with weights; chance gives some names to several exporters. What
    they leave open is matched in order: layers of equal size, those that correlate best.

    Args:
        a: the graph of A.
        b: the graph of B.
        values_a: one picture's tensors of A.
        values_b: likewise of B.
    """
    named = _by_name(values_a, values_b)
    covered = sum(any(name in named for name in layer) for layer in a.layers)
    if covered < _ENOUGH * len(a.layers):
        named = {}
    found = {name: Match(name=name, other=other, how="name") for name, other in named.items()}
    used = set(named.values())
    open_a = [layer for layer in a.layers if not any(name in named for name in layer)]
    open_b = [layer for layer in b.layers if not any(name in used for name in layer)]
    for name, other in _in_order(open_a, open_b, values_a, values_b):
        found.setdefault(name, Match(name=name, other=other, how="structure"))
    order = [step.output for step in a.steps]
    return tuple(found[name] for name in dict.fromkeys(order) if name in found)


def _by_name(values_a: Mapping[str, Float32], values_b: Mapping[str, Float32]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in values_a.items():
        for suffix in SUFFIXES:
            other = values_b.get(name + suffix)
            if other is not None and other.size == value.size:
                found[name] = name + suffix
                break
    return found


def _in_order(
    layers_a: Sequence[Sequence[str]],
    layers_b: Sequence[Sequence[str]],
    values_a: Mapping[str, Float32],
    values_b: Mapping[str, Float32],
) -> list[tuple[str, str]]:
    """Align two lists of layers without crossing, so that the correlations add up to the most."""
    scores = np.zeros((len(layers_a), len(layers_b)))
    pairs: dict[tuple[int, int], tuple[str, str]] = {}
    drawn_a, drawn_b = _drawn(layers_a, values_a), _drawn(layers_b, values_b)
    for i, layer in enumerate(layers_a):
        for j, other in enumerate(layers_b):
            best = _best(layer, other, drawn_a, drawn_b)
            if best is not None:
                scores[i, j], pairs[i, j] = best[0] + _PLACE, best[1]
    total = np.zeros((len(layers_a) + 1, len(layers_b) + 1))
    for i in range(len(layers_a)):
        for j in range(len(layers_b)):
            total[i + 1, j + 1] = max(total[i, j + 1], total[i + 1, j], total[i, j] + scores[i, j])
    aligned: list[tuple[str, str]] = []
    i, j = len(layers_a), len(layers_b)
    while i and j:
        if total[i, j] == total[i - 1, j]:
            i -= 1
        elif total[i, j] == total[i, j - 1]:
            j -= 1
        else:
            i, j = i - 1, j - 1
            aligned.append(pairs[i, j])
    return aligned[::-1]


def _drawn(layers: Sequence[Sequence[str]], values: Mapping[str, Float32]) -> dict[str, tuple[int, Float64]]:
    """Return of each tensor its size and some of its values, evenly spread, without mean and of length 1."""
    found = {}
    for name in (name for layer in layers for name in layer if name in values):
        flat = values[name].reshape(-1)
        step = max(1, flat.size // _SAMPLED)
        drawn = flat[::step].astype(np.float64)
        drawn = drawn - drawn.mean()
        length = float(np.linalg.norm(drawn))
        found[name] = (flat.size, drawn / length if length > 0 else drawn)
    return found


def _best(
    layer: Sequence[str],
    other: Sequence[str],
    drawn_a: Mapping[str, tuple[int, Float64]],
    drawn_b: Mapping[str, tuple[int, Float64]],
) -> tuple[float, tuple[str, str]] | None:
    best: tuple[float, tuple[str, str]] | None = None
    for name in (name for name in layer if name in drawn_a):
        for counterpart in (name for name in other if name in drawn_b):
            (size, one), (size_b, two) = drawn_a[name], drawn_b[counterpart]
            if size != size_b:
                continue
            score = max(float(one @ two), 0.0)
            if best is None or score > best[0] + 1e-9:
                best = (score, (name, counterpart))
    return best
