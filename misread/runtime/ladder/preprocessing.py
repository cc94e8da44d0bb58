"""The file met as any other picture: a device does not know that it has the input's size already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from misread.pixels import fit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from misread.card import ModelCard
    from misread.runtime.ladder.base import UInt8Image

AS_IT_IS: Final = "the witnesses have their own size, so the build prepares them from the first rung on"
SAME: Final = "the build's resize and crop leave a picture of the input's size as it is"


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """Resize and crop of the build's card, once more, for a picture that was stored at the input's size.

    What happens depends on the build, so `apply` leaves the picture and `again` does the work.
    """

    @property
    def name(self) -> str:
        """The word for it in options and JSON."""
        return "preprocessing"

    @property
    def title(self) -> str:
        """The words for it in a table."""
        return "device preprocessing"

    def apply(self, image: UInt8Image) -> UInt8Image:
        """Return the picture as it is."""
        return image

    def again(
        self, images: Mapping[str, UInt8Image], card: ModelCard, *, prepared: bool
    ) -> Mapping[str, UInt8Image] | str:
        """Return the pictures of a witness as the build prepares them, or why that is the first rung again."""
        if not prepared:
            return AS_IT_IS
        fitted = {kind: fit(image, card) for kind, image in images.items()}
        return SAME if all(np.array_equal(fitted[kind], images[kind]) for kind in images) else fitted
