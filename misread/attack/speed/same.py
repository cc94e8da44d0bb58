"""Whether a rewritten module answers as the original does: logits, and gradients by the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

LOGITS: Final = 1e-4
"""Largest difference of a logit, as a fraction of the largest logit."""
GRADIENTS: Final = 2e-2
"""Length of the difference of the gradients, as a fraction of their length: by float noise a ReLU at 0 may turn."""
_SEED: Final = 20031990


class Answer(NamedTuple):
    """Logits (n, k), and the gradient of a fixed random sum of them by the pictures, (n, c, h, w)."""

    logits: Tensor
    gradient: Tensor


class Reference:
    """Pictures with the original's answers to them.

    The pictures are moved off the 256 levels by noise: where flat areas tie, a max pool may choose anyone's gradient.
    """

    def __init__(self, module: nn.Module, sample: Tensor) -> None:
        """Take the first pictures of a sample; the original is asked when it is first needed.

        Args:
            module: The original, in eval mode.
            sample: (n, c, h, w) float in [0, 1], n of 1 or more.
        """
        self.module = module
        noise = torch.rand(sample[:2].shape, generator=torch.Generator().manual_seed(_SEED)).to(sample)
        self.pictures = 0.75 * sample[:2].detach() + 0.25 * noise
        self._answer: Answer | None = None

    @property
    def answer(self) -> Answer:
        """The original's."""
        self._answer = self._answer or answer_of(self.module, self.pictures)
        return self._answer

    def difference(self, module: Callable[[Tensor], Tensor]) -> str | None:
        """What differs, in words; None where the answers are the same."""
        expected = self.answer
        try:
            got = answer_of(module, self.pictures)
        except Exception as error:  # noqa: BLE001 - traced code of a user may raise anything
            return f"it fails with {type(error).__name__}"
        if got.logits.shape != expected.logits.shape:
            return "the logits have another shape"
        off = _ratio((got.logits - expected.logits).abs().amax(), expected.logits.abs().amax())
        turned = _ratio((got.gradient - expected.gradient).norm(), expected.gradient.norm())
        if off <= LOGITS and turned <= GRADIENTS:  # false for NaN
            return None
        return f"the logits differ by {off:.1g} and the gradients by {turned:.1g} of their size"

    def likeness(self, module: Callable[[Tensor], Tensor]) -> float:
        """Cosine of the angle between the two gradients."""
        ours, theirs = answer_of(module, self.pictures).gradient.flatten(), self.answer.gradient.flatten()
        return float(torch.nn.functional.cosine_similarity(ours.double(), theirs.double(), dim=0))


def answer_of(module: Callable[[Tensor], Tensor], pictures: Tensor) -> Answer:
    """Ask a module."""
    point = pictures.detach().requires_grad_()
    with torch.enable_grad():
        logits = module(point)
        weights = torch.randn(logits.shape, generator=torch.Generator().manual_seed(_SEED)).to(logits)
        (gradient,) = torch.autograd.grad((logits * weights).sum(), point)
    return Answer(logits.detach(), gradient)


def _ratio(difference: Tensor, size: Tensor) -> float:
    return float(difference / size.clamp_min(torch.finfo(size.dtype).tiny))
