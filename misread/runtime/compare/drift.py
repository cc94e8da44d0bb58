"""Drift by layer, as `misread.export.drift` measures it: the result needs no onnx."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

#: A fall below everything before it by so many decibels is a jump: the noise has become more than three times as large.
JUMP_DB: Final = 10.0
#: Noise further below the signal than this moves no label; what happens there is no fall.
CLEAN_DB: Final = 40.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """One tensor inside both builds.

    Attributes:
        name: of the tensor in A.
        other: of the tensor in B.
        operator: what computes it in A.
        weight: the nearest weight before it in A, or empty.
        snr_db: A's values over the difference, in decibels; None where there is no difference.
        matched: how the two were found to be the same.
    """

    name: str
    other: str
    operator: str
    weight: str
    snr_db: float | None
    matched: Literal["name", "structure"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Drift:
    """How the two depart from each other on the way from the input to the logits.

    Attributes:
        layers: in the order in which A computes them.
        pictures: over how many pictures.
        unmatched: layers with weights in A for which nothing was found in B.
    """

    layers: tuple[Layer, ...]
    pictures: int
    unmatched: int

    @property
    def worst(self) -> tuple[Layer, ...]:
        """The layers, the smallest ratio first; ties in the order of computation."""
        return tuple(sorted(self.layers, key=lambda layer: float("inf") if layer.snr_db is None else layer.snr_db))

    @property
    def jump(self) -> Layer | None:
        """The layer with the largest fall below everything before it, or None where there is no jump."""
        lowest, best, found = CLEAN_DB, JUMP_DB, None
        for layer in self.layers:
            if layer.snr_db is None:
                continue
            fall = lowest - layer.snr_db
            if fall > best or (found is None and fall >= JUMP_DB):
                best, found = fall, layer
            lowest = min(lowest, layer.snr_db)
        return found

    @property
    def sentence(self) -> str:
        """The drift in one sentence."""
        if not self.layers:
            return "no layer of A was found in B"
        found = self.jump
        if found is None:
            return "the drift grows without a jump"
        weight = f", weight {found.weight}" if found.weight else ""
        return f"the drift jumps at {found.operator} {found.name}{weight}: {found.snr_db:.1f} dB"
