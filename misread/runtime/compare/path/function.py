"""A rig hands over its own preprocessing as a function, and is told where it departs from the card."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from misread.data import find_samples, spread
from misread.runtime.compare.path.recorded import Recorded
from misread.runtime.compare.path.search import explain

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from misread.card import ModelCard
    from misread.runtime.compare.path.result import PathFinding

PICTURES: Final = 16


def explain_function(
    function: Callable[[Path], NDArray[np.generic]], data: Path, card: ModelCard, *, pictures: int = PICTURES
) -> PathFinding:
    """Feed picture files to somebody's preprocessing and explain its results by the card that it should follow.

    Args:
        function: path of a picture file to the model's input, (c, h, w), (h, w, c), or with a 1 in front.
        data: picture files, as `misread.data.find_samples` takes them.
        card: how the model must be fed.
        pictures: at most so many, evenly spread.

    Raises:
        FileError: no pictures, or a result that is no input.
    """
    samples = spread(find_samples(data, card.labels), pictures)
    fed = {sample.name: np.asarray(function(sample.path)) for sample in samples}
    return explain(Recorded.of(fed, source="the function"), samples, card, what="the function and the card")
