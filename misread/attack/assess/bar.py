"""How far a build must be on the wrong side to count as broken: beyond what its own numbers wander by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import torch

from misread.attack.case import Lens, rgb
from misread.attack.guard import untouched

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.judges import Judges
    from misread.attack.problem import Confirm, Model


class Bar:
    """The bar of one build.

    Attributes:
        slack: The margin that a misreading must have; see `Judges.listen`.
    """

    def __init__(self, model: Model, *, slack: float) -> None:
        """Take a bar that is known.

        Args:
            model: The build as attacks call it, in the order of `labels` that `margin` is asked with.
            slack: See the class.
        """
        self._model, self.slack = model, slack

    @classmethod
    def measured(cls, model: Model, judges: Judges, images: Tensor) -> Self:
        """Measure the build's noise on some clean images, (n, c, h, w)."""
        lens = Lens(prepared=True, channels=images.shape[1], device=str(images.device))
        judges.listen([rgb(pixels) for pixels in lens.pixels(images)], prepared=True)
        return cls(model, slack=judges.slack[0])

    def margin(self, images: Tensor, labels: Tensor) -> Tensor:
        """Logit of the label less the largest other one, (n,)."""
        with torch.no_grad(), untouched(self._model):
            logits = self._model(images)
        own = logits.gather(1, labels[:, None])
        return (own - logits.scatter(1, labels[:, None], float("-inf"))).amin(1)

    def broken(self, images: Tensor, labels: Tensor) -> Tensor:
        """Which images are misread by more than the noise, (n,) bool."""
        return self.margin(images, labels) < -self.slack

    def confirm(self, labels: Tensor) -> Confirm:
        """The bar as the last word in `execute` on images with these labels."""
        return lambda found, rows: self.broken(found, labels[rows])
