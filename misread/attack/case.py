"""One picture on its way to being a witness: who misreads what, and the smallest change that they still misread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from misread.attack.finish import Finisher, stretch
from misread.attack.goal import margin
from misread.attack.judges import LEAST_SLACK
from misread.pixels import from_unit, to_unit

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from misread.attack.goal import Goal
    from misread.attack.problem import Kind, Model
    from misread.attack.subject import Subject
    from misread.attack.threat import Threat
    from misread.wish import Wish

    UInt8 = NDArray[np.uint8]

RGB = 3


class Lens:
    """How pictures become images and back, in the space that is attacked.

    Attributes:
        prepared: The pictures have the input's size already.
        channels: That are changed: 1 for a prepared grey input, 3 otherwise.
        device: Where images live.
    """

    def __init__(self, *, prepared: bool, channels: int, device: str) -> None:
        """See the class."""
        self.prepared, self.channels, self.device = prepared, channels, device

    def images(self, pixels: UInt8) -> Tensor:
        """(n, h, w, c) uint8 -> (n, c, h, w) float32 in [0, 1]."""
        return torch.from_numpy(to_unit(rgb(pixels), channels=self.channels)).to(self.device)

    def pixels(self, images: Tensor) -> UInt8:
        """(n, c, h, w) in [0, 1] -> (n, h, w, c) uint8."""
        return np.ascontiguousarray(from_unit(images.cpu().numpy())[..., : self.channels])


class Case:
    """One picture: (h, w, c) uint8, c being 1 for a grey input.

    Attributes:
        clean: The picture.
        label: What it shows.
        asked: Per build, whether it reads the clean picture right.
        refused: The first changed copy that the model misreads and a build does not, None where there was none.
    """

    def __init__(
        self,
        subject: Subject,
        model: Model,
        lens: Lens,
        *,
        clean: UInt8,
        label: int,
        goal: Goal,
        wish: Wish,
    ) -> None:
        """Ask the builds about the clean picture.

        Args:
            subject: What is attacked, with the judges.
            model: The subject as it takes this picture's images.
            lens: For them.
            clean: The picture.
            label: What it shows.
            goal: In classes.
            wish: In labels.
        """
        self.subject, self.model, self.lens, self.clean, self.label = subject, model, lens, clean, label
        self.goal, self.wish = goal, wish
        self.asked = subject.judges.right(rgb(clean), label, prepared=lens.prepared)
        self.refused: UInt8 | None = None

    def confirm(self, changed: UInt8) -> bool:
        """Whether the builds misread a copy that the model misreads; the first that they do not is remembered."""
        confirmed = bool(self.is_misread(changed[None])[0])
        if not confirmed and self.refused is None:
            self.refused = changed
        return confirmed

    def finish(self, changed: UInt8, kind: Kind, threat: Threat) -> UInt8:
        """The smallest change that model and builds still misread; what came in where the builds never do."""
        if kind != "minimal":
            return changed
        if not self.is_misread(changed[None])[0] and (threat.norm == "linf" or threat.eps is None):
            stretched = stretch(self.clean, changed, self.is_misread, cap=threat.cap)
            changed = changed if stretched is None else stretched
        slope = self._slope if self.subject.gradients else None
        return Finisher().finish(self.clean, changed, self.is_misread, slope=slope).image

    def is_misread(self, batch: UInt8) -> NDArray[np.bool_]:
        """By every build that reads the clean picture right, and by the twin; a file is its own first build."""
        verdict = np.ones(len(batch), dtype=bool)
        if any(self.asked):
            verdict = self._judged(batch, self.asked)
        if self.subject.is_file:
            return verdict & self.asked[0]
        if verdict.any():
            verdict[verdict] = self.model_misreads(batch[verdict], LEAST_SLACK)
        return verdict

    def said(self, changed: UInt8) -> tuple[tuple[bool, bool], ...]:
        """One pair a build: it misreads this copy, and it reads the clean picture right."""
        verdicts = []
        for build, right in enumerate(self.asked):
            alone = [at == build for at in range(len(self.asked))]
            verdicts.append((bool(self._judged(changed[None], alone)[0]), right))
        return tuple(verdicts)

    def model_misreads(self, batch: UInt8, slack: float) -> NDArray[np.bool_]:
        """By the model alone, with that much margin."""
        with torch.no_grad():
            said: NDArray[np.bool_] = (self._margin(self.lens.images(batch)) < -slack).cpu().numpy()
        return said

    def _judged(self, batch: UInt8, asked: list[bool]) -> NDArray[np.bool_]:
        judges, pictures = self.subject.judges, list(rgb(batch))
        return judges.misread(pictures, self.label, self.wish, asked, prepared=self.lens.prepared)

    def _slope(self, image: UInt8) -> NDArray[np.float32]:
        point = self.lens.images(image[None]).requires_grad_()
        (gradient,) = torch.autograd.grad(self._margin(point).sum(), point)
        slope: NDArray[np.float32] = gradient[0].permute(1, 2, 0).cpu().numpy()
        return slope

    def _margin(self, images: Tensor) -> Tensor:
        logits = self.model(images)
        labels = torch.full((len(images),), self.label, device=images.device)
        return margin(logits, self.goal.wanted(labels, logits.shape[1]))


def rgb(pixels: UInt8) -> UInt8:
    """(..., 1 or 3) -> (..., 3)."""
    return pixels if pixels.shape[-1] == RGB else np.repeat(pixels, RGB, axis=-1)
