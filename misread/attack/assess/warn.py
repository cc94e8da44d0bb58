"""What makes a robust accuracy doubtful, said beside the number and never only logged.

The first five are AutoAttack's checks (arXiv 2003.01690 and its later releases); the rest are ours.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import Tensor

from misread.attack.assess.suite import AGAIN, NOISE, QUERIES
from misread.attack.goal import Untargeted, margin
from misread.attack.guard import untouched

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from misread.attack.assess.suite import StageTally
    from misread.attack.problem import Model

REPEATS: Final = 5
SPREAD: Final = 1e-4
POINTS: Final = 0.002
LEAST_CLEAN: Final = 2.0
"""Times the accuracy of guessing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One warning.

    Attributes:
        name: Short, stable, for machines.
        text: What was seen and what it means for the figure.
    """

    name: str
    text: str


def look_before(model: Model, images: Tensor, labels: Tensor, *, gradients: bool = True) -> list[Finding]:
    """Warnings that a few clean images give.

    Args:
        model: (n, c, h, w) in [0, 1] -> logits.
        images: A sample, (n, c, h, w).
        labels: (n,) int64.
        gradients: Whether the model gives any.
    """
    with untouched(model):
        with torch.no_grad(), _listening() as asked:
            first, *others = [model(images) for _ in range(REPEATS)]
        found = [_random(first, others), _probabilities(first), _asks(asked), _clean(first, labels), _few(first)]
        if gradients:
            found += [_vanishing(model, images, labels), _saturated(first, labels)]
    return [finding for finding in found if finding is not None]


def no_gradients(why: str) -> list[Finding]:
    """The warning that goes with a file whose graph gives no gradients; none where `why` is empty."""
    text = f"only queries were tried, for the file gives no gradients ({why}); with gradients more may break"
    return [Finding(name="no-gradients", text=text)] if why else []


def look_after(tallies: Sequence[StageTally], images: int) -> list[Finding]:
    """Warnings that the course of the suite gives.

    Args:
        tallies: Of the stages, in order.
        images: All images, misread ones included.
    """
    found = {tally.name: tally.found for tally in tallies}
    total = sum(found.values())
    findings = [
        Finding(
            name="query-beats-gradients",
            text=f"{name}, which asks for answers only, broke {found[name]} images that the gradients had left: the "
            "model hides its gradients, and more than the figure says may be broken",
        )
        for name in QUERIES
        if found.get(name, 0) > POINTS * images
    ]
    if found.get(AGAIN, 0) > POINTS * images:
        findings.append(
            Finding(
                name="few-restarts",
                text=f"one more restart broke {found[AGAIN]} more images: with many more, more would break",
            )
        )
    if total and 2 * found.get(NOISE, 0) > total:
        findings.append(
            Finding(
                name="noise",
                text=f"random noise of this size breaks {found[NOISE]} of the {total} images that broke at all: "
                "no attack is needed, or the attacks do not bite",
            )
        )
    return findings


def _random(first: Tensor, others: Sequence[Tensor]) -> Finding | None:
    scale = first.abs().max().clamp_min(1e-12)
    spread = max(float((other - first).abs().max() / scale) for other in others)
    flips = sum(int((other.argmax(1) != first.argmax(1)).sum()) for other in others)
    if flips == 0 and not spread > SPREAD:
        return None
    text = (
        f"the same images gave other logits when asked again (by {spread:.1e} of the largest, {flips} other labels): "
        "the model draws at random, and its figure is an upper bound"
    )
    return Finding(name="random-model", text=text)


def _probabilities(logits: Tensor) -> Finding | None:
    inside = bool((logits >= 0).all() and (logits <= 1).all())
    if not inside or not torch.allclose(
        logits.sum(1), torch.ones(len(logits), device=logits.device).to(logits), atol=1e-3
    ):
        return None
    text = "the outputs lie in [0, 1] and sum to 1: these are probabilities, whose gradients vanish; give the logits"
    return Finding(name="probabilities", text=text)


def _asks(asked: list[str]) -> Finding | None:
    if not asked:
        return None
    text = f"the model takes gradients inside its own forward pass ({asked[0]}): it adapts to its input while it reads"
    return Finding(name="gradient-in-forward", text=text)


def _clean(logits: Tensor, labels: Tensor) -> Finding | None:
    right, classes = float((logits.argmax(1) == labels).float().mean()), logits.shape[1]
    if right > min(LEAST_CLEAN / classes, 0.5 + 0.5 / classes):
        return None
    text = (
        f"of the clean images looked at first {right:.0%} are read right, hardly more than guessing among {classes} "
        "classes; check labels and preprocessing before believing anything else"
    )
    return Finding(name="clean-accuracy", text=text)


def _few(logits: Tensor) -> Finding | None:
    if logits.shape[1] >= 4:
        return None
    count = logits.shape[1]
    text = f"with {count} classes the difference-of-logits ratio is not defined; the plain margin stood in for it"
    return Finding(name="few-classes", text=text)


def _vanishing(model: Model, images: Tensor, labels: Tensor) -> Finding | None:
    point = images.detach().clone().requires_grad_()
    with torch.enable_grad():
        logits = model(point)
        value = margin(logits, Untargeted().wanted(labels, logits.shape[1])).sum()
    gradient = torch.autograd.grad(value, point)[0] if value.requires_grad else torch.zeros_like(images)
    count = int((gradient.flatten(1).abs().amax(1) == 0).sum())
    if count == 0:
        return None
    text = (
        f"the gradient is zero everywhere on {count} of {len(images)} clean images: a part of the model blocks it, and "
        "what gradients do not find may still exist"
    )
    return Finding(name="zero-gradients", text=text)


def _saturated(logits: Tensor, labels: Tensor) -> Finding | None:
    others = 1 - logits.float().softmax(1).gather(1, labels[:, None])[:, 0]
    count = int((others == 0).sum())
    if count == 0:
        return None
    text = (
        f"{count} of {len(labels)} clean images are read with a probability that is exactly 1 in float32: a plain "
        "cross-entropy attack would see no gradient there (the losses used here do)"
    )
    return Finding(name="saturation", text=text)


@contextmanager
def _listening() -> Iterator[list[str]]:
    """Note who asks autograd for a gradient inside the block; torch's functions are put back after it."""
    asked: list[str] = []
    kept = {name: getattr(torch.autograd, name) for name in ("grad", "backward")}

    def noting(name: str) -> Any:
        def ask(*args: Any, **kwargs: Any) -> Any:
            asked.append(f"torch.autograd.{name}")
            return kept[name](*args, **kwargs)

        return ask

    try:
        for name in kept:
            setattr(torch.autograd, name, noting(name))
        yield asked
    finally:
        for name, function in kept.items():
            setattr(torch.autograd, name, function)
