"""What quantising costs: the float file and the build on the same labelled pictures, in onnxruntime, as shipped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from misread.runtime.session import Deployed, SessionOptions
from misread.runtime.trial import trusted
from misread.stats import Rate, mcnemar, paired_interval, wilson

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from misread.card import ModelCard
    from misread.export.pictures import Labelled


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """The accuracy of a float model and of a build made of it, on the same pictures.

    Attributes:
        float32: pictures that the float model reads right.
        build: pictures that the build reads right.
        lost: read right by the float model alone.
        gained: read right by the build alone.
        drop: accuracy that the build has less than the float model, in points (percent of the pictures).
        low: lower end of its 95 % interval.
        high: upper end.
        p_value: of McNemar's test: how often so uneven flips happen when neither is better.
        pictures: where the pictures are from.
    """

    float32: Rate
    build: Rate
    lost: int
    gained: int
    drop: float
    low: float
    high: float
    p_value: float
    pictures: str


def cost(before: NDArray[np.bool_], after: NDArray[np.bool_], pictures: str) -> Cost:
    """Compare which pictures (n,) the float model and the build read right."""
    lost, gained = int((before & ~after).sum()), int((~before & after).sum())
    low, high = paired_interval(lost, gained, len(before))
    return Cost(
        float32=wilson(int(before.sum()), len(before)),
        build=wilson(int(after.sum()), len(before)),
        lost=lost,
        gained=gained,
        drop=100 * (lost - gained) / len(before),
        low=100 * low,
        high=100 * high,
        p_value=mcnemar(lost, gained),
        pictures=pictures,
    )


def right(path: Path, labelled: Labelled, card: ModelCard, session: SessionOptions) -> NDArray[np.bool_]:
    """Return for each picture (n,) whether the build at `path` reads it right."""
    with trusted():  # it was made a moment ago, of a file that passed its trial
        deployed = Deployed.open(path, card=card, options=session)
    answer: NDArray[np.bool_] = deployed.read_prepared(labelled.pictures.prepared).classes == labelled.truth
    return answer
