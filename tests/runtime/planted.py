"""Bundles and readers whose verdicts are known in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from misread.bundle import Bundle, BundleWriter
from misread.card import ModelCard
from misread.errors import ModelRunError
from misread.runtime.session import FunctionReader
from misread.wish import UNTARGETED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from misread.wish import Wish

UInt8 = NDArray[np.uint8]

CARD: Final = ModelCard(labels=("dark", "bright", "odd"), size_hw=(8, 8))
COLOURS: Final = ModelCard(labels=("red", "green", "blue"), size_hw=(8, 8))
#: ONNX, opset 13, input [n, 3, 8, 8]: GlobalAveragePool and Flatten, so the logits are the means of the three planes.
MEANS: Final = bytes.fromhex(
    "08073a630a190a01781201702211476c6f62616c41766572616765506f6f6c0a0f0a01701201792207466c617474656e1201675a1c0a"
    "017812170a15080112110a0312016e0a0208030a0208080a02080862140a0179120f0a0d080112090a0312016e0a02080342040a00100d"
)


@dataclass(frozen=True, slots=True)
class Lighter:
    """A rung that adds so many levels to every value."""

    levels: int

    @property
    def name(self) -> str:
        return f"lighter{self.levels:+d}"

    @property
    def title(self) -> str:
        return self.name

    def apply(self, image: UInt8) -> UInt8:
        return np.clip(image.astype(np.int32) + self.levels, 0, 255).astype(np.uint8)


def flat(level: int, size: tuple[int, int] = (8, 8)) -> UInt8:
    return np.full((*size, 3), level, np.uint8)


def bundle_of(
    folder: Path,
    pairs: Sequence[tuple[UInt8, UInt8]],
    *,
    card: ModelCard = CARD,
    label: str = "dark",
    goals: Sequence[Wish] = (),
    torch: Sequence[tuple[bool, bool]] = (),
    prepared: bool = True,
    placebo: UInt8 | None = None,
) -> Bundle:
    """Write a bundle of clean and changed pictures, all of one label."""
    writer = BundleWriter(folder)
    for place, (clean, changed) in enumerate(pairs):
        float_, bits = torch[place] if torch else (True, True)
        writer.add(
            clean=clean,
            changed=changed,
            label=label,
            label_given=True,
            goal=goals[place] if goals else UNTARGETED,
            prepared=prepared,
            torch_float=float_,
            torch_8bit=bits,
            source=f"{place}.png",
            placebo=placebo,
        )
    return writer.finish(card=card, origin="planted", threat={"norm": "linf"}, attack={"name": "none"}, counts={})


def brightness(
    name: str = "brightness", *, card: ModelCard = CARD, alone: float = 0.0, fails_above: float = 256
) -> FunctionReader:
    """Read `bright` above a mean level of 127.5, by a margin of twice the excess; `odd` never.

    Args:
        name: of the reader.
        card: its labels.
        alone: what the logit of `bright` gains when a picture is read in a batch of one: planted jitter.
        fails_above: the reader breaks on a picture whose mean is above this.
    """

    def logits(prepared: UInt8) -> NDArray[np.float32]:
        means = prepared.astype(np.float64).mean(axis=(1, 2, 3))
        if (means > fails_above).any():
            raise ModelRunError("the planted fault")
        excess = means - 127.5
        gain = alone if len(prepared) == 1 else 0.0
        return np.stack([-excess, excess + gain, np.full_like(excess, -1000.0)], axis=1).astype(np.float32)

    return FunctionReader(card, logits, name=name)


def verdicts(verification: Any, build: int = 0) -> list[str]:
    return [str(judgement.verdict) for judgement in verification.builds[build].judgements]
