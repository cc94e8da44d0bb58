"""What a reader is, what it says, and a reader made of a function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from misread.pixels import fit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from misread.card import ModelCard

UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]

TINY: Final = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What a reader said of n pictures.

    Attributes:
        logits: (n, k) float32; the logarithm where the model returns probabilities.
        card: of the reader, for the labels.

    Examples:
        >>> bundle = misread.load_bundle("bundle")
        >>> reading = misread.load_build("signs.onnx").read([bundle.read(one.clean) for one in bundle.witnesses])
        >>> reading.logits.shape, bool((reading.confidence > 0.5).all())
        ((2, 43), True)
    """

    logits: Float32
    card: ModelCard

    @property
    def classes(self) -> NDArray[np.int64]:
        """(n,) int64, the output number with the largest logit."""
        top: NDArray[np.int64] = self.logits.argmax(axis=1)
        return top

    @property
    def labels(self) -> tuple[str, ...]:
        """The label read off each picture."""
        return tuple(self.card.labels[index] for index in self.classes)

    @property
    def confidence(self) -> Float32:
        """(n,) float32 in [0, 1]: softmax of the label that was read."""
        shifted = np.exp(self.logits - self.logits.max(axis=1, keepdims=True))
        top: Float32 = (1 / shifted.sum(axis=1)).astype(np.float32)
        return top

    def margin(self, truth: Sequence[int] | NDArray[np.integer]) -> Float32:
        """(n,) float32: logit of the label `truth` less the largest of the others; negative means misread."""
        rows = np.arange(len(self.logits))
        others = self.logits.copy()
        others[rows, np.asarray(truth)] = -np.inf
        margin: Float32 = self.logits[rows, np.asarray(truth)] - others.max(axis=1)
        return margin


class Reader(Protocol):
    """Whatever reads pictures: a build, a twin, a function."""

    @property
    def name(self) -> str:
        """How results call it."""

    @property
    def card(self) -> ModelCard:
        """How it must be fed."""

    def read(self, images: Sequence[UInt8]) -> Reading:
        """Read uint8 RGB pictures of any size through the whole path."""

    def read_prepared(self, prepared: UInt8) -> Reading:
        """Read (n, h, w, 3) uint8 RGB pictures that already have the input's size."""


class FunctionReader:
    """A reader made of a function: the test double that ships, and the way to join another runtime.

    Examples:
        >>> import numpy as np
        >>> card = misread.ModelCard(labels=("dark", "bright"), size_hw=(8, 8))
        >>> double = misread.FunctionReader(card, lambda pictures: np.tile([0.2, 0.7], (len(pictures), 1)))
        >>> double.read([np.zeros((32, 32, 3), np.uint8)]).labels
        ('bright',)
    """

    def __init__(self, card: ModelCard, function: Callable[[UInt8], NDArray[Any]], *, name: str = "function") -> None:
        self.card, self.name, self._function = card, name, function

    def read(self, images: Sequence[UInt8]) -> Reading:
        """Read pictures of any size: resize and crop by the card, then call the function."""
        if not len(images):
            return Reading(logits=np.empty((0, len(self.card.labels)), np.float32), card=self.card)
        return self.read_prepared(np.stack([fit(image, self.card) for image in images]))

    def read_prepared(self, prepared: UInt8) -> Reading:
        """Call the function with (n, h, w, 3) uint8; it returns (n, k) logits or probabilities, as the card says."""
        outputs = np.asarray(self._function(prepared), np.float32)
        return Reading(logits=as_logits(outputs, self.card), card=self.card)


def as_logits(outputs: Float32, card: ModelCard, *, least: float = TINY) -> Float32:
    """Take the logarithm of probabilities; 0 counts as the least number that the output's type can hold."""
    if card.output == "logits":
        return outputs
    logits: Float32 = np.log(np.maximum(outputs, np.float32(least)))
    return logits
