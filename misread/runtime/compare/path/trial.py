"""Whose difference is it? One model is fed as the other one is: what brings them together was a mistake.

Two cards may differ because one of them is wrong, or because the models want different things: one has its mean and
std inside, the other has not. The pixels cannot tell; the logits can.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from misread.data import spread
from misread.errors import ModelRunError
from misread.pixels import fit
from misread.runtime.compare.path.cards import taking
from misread.runtime.session import Deployed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from misread.card import ModelCard
    from misread.data import Sample
    from misread.runtime.compare.path.result import Effect, PathFinding, Stage
    from misread.runtime.compare.shared import Shared
    from misread.runtime.session import Reader, Reading

Float32 = NDArray[np.float32]

#: Pictures over which the trial is held.
PICTURES: Final = 16
#: Distances this close are the same.
_CLOSE: Final = 1.1
_ARITHMETIC: Final = frozenset({"scale", "mean", "std"})
_FITTED: Final = frozenset({"resize", "crop", "kernel", "antialias"})
_OWN: Final = "each model needs its own: fed alike they agree less"


def tried_out(
    finding: PathFinding, readers: tuple[Reader, Reader], samples: Sequence[Sample], shared: Shared
) -> PathFinding:
    """Return the finding with those departures marked that the models themselves need.

    Args:
        finding: of `compare_cards`.
        readers: A and B.
        samples: pictures.
        shared: their labels.
    """
    stages = [effect.change.stage for effect in finding.effects if effect.named]
    if not stages:
        return finding
    turned = not _can(readers[1], stages)
    fixed, moved = readers if not turned else readers[::-1]
    if not _can(moved, stages):
        return finding
    ways = {taken: _fed(moved, taking(moved.card, fixed.card, sorted(taken))) for taken in _subsets(_units(stages))}
    distances = dict.fromkeys(ways, 0.0)
    for sample in spread(samples, PICTURES):
        image = sample.read()
        wanted = shared.of(fixed.read([image]).logits, other=turned)
        for taken, reader in ways.items():
            distances[taken] += _distance(reader, image, wanted, shared, other=not turned)
    least = min(distances.values())
    mended = max((taken for taken, far in distances.items() if far <= _CLOSE * least + 1e-6), key=len)
    return replace(finding, effects=tuple(_marked(effect, mended) for effect in finding.effects))


def _subsets(units: Sequence[tuple[Stage, ...]]) -> Iterator[frozenset[Stage]]:
    for count in range(len(units) + 1):
        for chosen in combinations(units, count):
            yield frozenset(stage for unit in chosen for stage in unit)


def _distance(reader: Reader, image: NDArray[np.uint8], wanted: Float32, shared: Shared, *, other: bool) -> float:
    """Return how far the logits of one picture are from those wanted; infinitely where there are none."""
    try:
        got = shared.of(reader.read([image]).logits, other=other)
    except ModelRunError:  # fed so, the model gives no finite number
        return float("inf")
    return float(np.sqrt(((got - wanted) ** 2).mean()))


def _marked(effect: Effect, mended: frozenset[Stage]) -> Effect:
    if not effect.named or effect.change.stage in mended:
        return effect
    return replace(effect, named=False, why=_OWN)


def _units(stages: Sequence[Stage]) -> list[tuple[Stage, ...]]:
    """Return the stages one by one, those of the arithmetic together: half of a normalisation is none."""
    arithmetic = tuple(stage for stage in stages if stage in _ARITHMETIC)
    return [*((stage,) for stage in stages if stage not in _ARITHMETIC), *([arithmetic] if arithmetic else [])]


def _can(reader: Reader, stages: Sequence[Stage]) -> bool:
    """Tell whether a reader can be fed otherwise at these stages: a build everywhere, others before their input."""
    return isinstance(reader, Deployed) or set(stages) <= _FITTED


def _fed(reader: Reader, card: ModelCard) -> Reader:
    if isinstance(reader, Deployed):
        return reader.fed_by(card)
    return _Refitted(reader, card)


class _Refitted:
    """A reader whose pictures are brought to its input by another card."""

    def __init__(self, reader: Reader, card: ModelCard) -> None:
        self._reader, self.card, self.name = reader, card, reader.name

    def read(self, images: Sequence[NDArray[np.uint8]]) -> Reading:
        """Read pictures of any size."""
        return self._reader.read_prepared(np.stack([fit(image, self.card) for image in images]))

    def read_prepared(self, prepared: NDArray[np.uint8]) -> Reading:
        """Read pictures that already have the input's size."""
        return self._reader.read_prepared(prepared)
