"""What an open graph declares, and whether that is an image classifier that a card describes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from misread.cards.graph import graph_facts
from misread.errors import ModelError
from misread.runtime.session.placement import nodes

if TYPE_CHECKING:
    from pathlib import Path

    import onnxruntime as ort

    from misread.card import ModelCard
    from misread.cards.facts import CardFacts

DTYPES: Final[Mapping[str, type[np.generic]]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(uint8)": np.uint8,
}
_MIXING: Final = frozenset({"DynamicQuantizeLinear", "DynamicQuantizeMatMul"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Graph:
    """What a file declares of itself, in plain values.

    Attributes:
        inputs: (name, type, shape) each; a side is a number, or a name or None where it is free.
        outputs: likewise.
        metadata: of the file.
        mixes: whether an operator quantises by the range of a whole batch; False where onnxruntime cannot tell.
    """

    inputs: tuple[tuple[str, str, tuple[Any, ...]], ...]
    outputs: tuple[tuple[str, str, tuple[Any, ...]], ...]
    metadata: Mapping[str, str]
    mixes: bool

    @classmethod
    def of(cls, session: ort.InferenceSession) -> Self:
        """Read an open session; names that are no UTF-8 raise here, in onnxruntime's words."""
        inputs, outputs = (
            tuple((entry.name, entry.type, tuple(entry.shape)) for entry in entries)
            for entries in (session.get_inputs(), session.get_outputs())
        )
        metadata = session.get_modelmeta().custom_metadata_map
        mixes = any(node.operator in _MIXING for node in nodes(session))
        return cls(inputs=inputs, outputs=outputs, metadata=metadata, mixes=mixes)

    @property
    def fixed_batch(self) -> int | None:
        """Pictures per call, where that is not free."""
        batch = self.inputs[0][2][0]
        return batch if _fixed(batch) else 1 if self.mixes else None

    @property
    def declared(self) -> CardFacts:
        """What the graph itself says of how it is fed, and of how many classes it has."""
        return graph_facts(self.inputs[0][2], self.outputs[0][2])

    def check_classifier(self, path: Path) -> None:
        """Make sure that there is one picture in and one row of numbers out.

        Raises:
            ModelError: there is not.
        """
        if len(self.inputs) != 1 or len(self.inputs[0][2]) != 4 or self.inputs[0][1] not in DTYPES:
            found = ", ".join(f"{name} {kind} {list(shape)}" for name, kind, shape in self.inputs)
            raise ModelError(f"{path} is no image classifier: expected one input (n, c, h, w) of numbers, got {found}")
        if len(self.outputs) != 1:
            got = len(self.outputs)
            raise ModelError(f"{path} is no image classifier: expected one output (n, classes), got {got}")

    def check_card(self, path: Path, card: ModelCard) -> None:
        """Make sure that the card feeds what the input takes.

        Raises:
            ModelError: it does not.
        """
        _, kind, shape = self.inputs[0]
        if card.baked_preprocessing:
            if kind != "tensor(uint8)" or shape[3] != 3:
                raise ModelError(
                    f"{path} takes {kind} {list(shape)} and its card says that it takes pictures (n, h, w, 3) uint8"
                )
            return
        wanted = (card.channels, *card.size_hw)
        for side, given in zip(shape[1:], wanted, strict=True):
            if _fixed(side) and side != given:
                takes = list(shape[1:])
                raise ModelError(f"{path} takes {takes} (channels, height, width) and its card says {list(wanted)}")


def _fixed(side: Any) -> bool:
    return isinstance(side, int) and side > 0
