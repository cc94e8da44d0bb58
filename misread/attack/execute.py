"""The one place that reports success."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from misread.attack.goal import Goal, Untargeted, achieved
from misread.attack.guard import untouched
from misread.attack.problem import Attack, Confirm, Model, Problem
from misread.attack.project import ball_of
from misread.attack.threat import FULL_SCALE, Threat
from misread.errors import InputError, ModelError, OptionError

if TYPE_CHECKING:
    from misread.attack.budget import Budget


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What came of an attack, measured on settled images by passes made after the attack had ended.

    Attributes:
        images: (n, c, h, w) the smallest success of each image, its clean image where there is none.
        success: (n,) bool.
        skipped: (n,) bool: the clean image is misread already, or already reads as the goal, or its own label is all
            that the goal could want. Never a success.
        size: (n,) float64, the threat's norm of the change; inf where there is no success.
        logits: (n, k) of ``images``.
        forwards: (n,) passes spent per image, gradient passes included, the two measuring passes not.
        backwards: (n,) gradient passes per image.
        zero_gradients: (n,) gradient passes that gave 0 everywhere: a masked or saturated model.
        refused: (n,) proposals with a value that was not finite.
        proposed: (n,) bool: a candidate reached the goal in torch, before rounding or after; what rounding took away is
            ``proposed & ~success``.
        seconds: Wall-clock time.
    """

    images: Tensor
    success: Tensor
    skipped: Tensor
    size: Tensor
    logits: Tensor
    forwards: Tensor
    backwards: Tensor
    zero_gradients: Tensor
    refused: Tensor
    proposed: Tensor
    seconds: float

    @property
    def attempted(self) -> int:
        """Images that the clean model reads right: the denominator of every rate."""
        return int((~self.skipped).sum())

    @property
    def found(self) -> int:
        """Images with a measured success."""
        return int(self.success.sum())


def execute(
    attack: Attack,
    model: Model,
    images: Tensor,
    labels: Tensor,
    *,
    threat: Threat,
    generator: torch.Generator,
    goal: Goal | None = None,
    mask: Tensor | None = None,
    budget: Budget | None = None,
    confirm: Confirm | None = None,
) -> Outcome:
    """Run an attack and measure what it found.

    The model is frozen in eval mode meanwhile; its modes, gradients and flags and torch's random state are as before
    afterwards, exceptions included. Each image's result depends on the image, the generator's state and the options,
    not on the other images.

    Args:
        attack: What proposes.
        model: (n, c, h, w) RGB in [0, 1] -> logits (n, k).
        images: (n, c, h, w) float, on the 256-level grid unless ``threat.levels`` is None.
        labels: (n,) int64, right classes.
        threat: What may be done.
        generator: Source of all randomness; one number is drawn from it.
        goal: What counts as success; by default any wrong class.
        mask: Bool, True where pixels may change; broadcasts to ``images``.
        budget: Passes and seconds that may be spent; no limit by default.
        confirm: Has the last word on each candidate that the model misreads, so that the search goes on until the
            deployed build misreads one too: (images (r, c, h, w), indices into ``images`` (r,)) -> (r,) bool.

    Raises:
        OptionError: attack, threat and goal do not fit together.
        InputError: images or labels are not what they should be.
        ModelError: the model does not return logits.
    """
    started = time.perf_counter()
    goal = goal or Untargeted()
    fits_threat(attack, threat)
    _valid(images, labels, threat)
    allowed = None if mask is None else mask.to(device=images.device, dtype=torch.bool).expand_as(images)
    seed = int(torch.randint(2**62, (1,), generator=generator, device=generator.device))
    with untouched(model):
        clean = _logits(model, images, labels)
        wanted = goal.wanted(labels, clean.shape[1])
        skipped = (clean.argmax(1) != labels) | achieved(clean, wanted) | ~torch.isfinite(clean).all(1)
        skipped |= ~wanted.any(1)
        rows = (~skipped).nonzero().flatten()
        problem = Problem(
            model,
            images[rows],
            labels[rows],
            threat=threat,
            goal=goal,
            kind=attack.kind,
            classes=clean.shape[1],
            mask=None if allowed is None else allowed[rows],
            seed=seed,
            budget=budget,
            confirm=None if confirm is None else lambda found, places: confirm(found, rows[places]),
        )
        if len(problem.open()):
            last = attack.propose(problem)
            still = problem.open()
            problem.offer(last[still], still)
        final = images.clone()
        final[rows] = problem.best
        logits = _logits(model, final, labels)
    return _outcome(problem, rows, final, logits, wanted, skipped, images, threat, time.perf_counter() - started)


def _outcome(  # noqa: PLR0917 - one private caller
    problem: Problem,
    rows: Tensor,
    final: Tensor,
    logits: Tensor,
    wanted: Tensor,
    skipped: Tensor,
    images: Tensor,
    threat: Threat,
    seconds: float,
) -> Outcome:
    """Judge the final images once more: their size and the goal, from the images alone."""
    change = (final.double() - images.double()).flatten(1)
    if threat.levels is not None:
        change = (change * FULL_SCALE).round() / FULL_SCALE
    size = ball_of(threat.norm, images.shape[1]).size(change)
    inside = size <= threat.radius * (1 + 1e-6) + 1e-7
    success = achieved(logits, wanted) & ~skipped & inside

    def spread(counts: Tensor) -> Tensor:
        full = torch.zeros(len(images), dtype=counts.dtype, device=counts.device)
        full[rows] = counts
        return full

    return Outcome(
        images=torch.where(success.view(-1, 1, 1, 1), final, images),
        success=success,
        skipped=skipped,
        size=torch.where(success, size, torch.full_like(size, float("inf"))),
        logits=logits,
        forwards=spread(problem.forwards),
        backwards=spread(problem.backwards),
        zero_gradients=spread(problem.zero_gradients),
        refused=spread(problem.refused),
        proposed=spread(problem.proposed),
        seconds=seconds,
    )


def fits_threat(attack: Attack, threat: Threat) -> None:
    """Refuse an attack that cannot work under this threat.

    Raises:
        OptionError: it knows other norms, or needs a size.
    """
    if threat.norm not in attack.norms:
        message = f"attack {attack.name} knows {' and '.join(attack.norms)}, got {threat.norm}; choose one of them"
        raise OptionError(message)
    if attack.kind == "fixed" and threat.eps is None:
        message = f"attack {attack.name} works inside a budget and got none; add for instance --eps 8/255"
        raise OptionError(message)


def _valid(images: Tensor, labels: Tensor, threat: Threat) -> None:
    if images.ndim != 4 or not images.is_floating_point() or labels.shape != images.shape[:1]:
        shapes = f"{tuple(images.shape)} {images.dtype} and {tuple(labels.shape)}"
        message = f"expected float images (n, c, h, w) and labels (n,), got {shapes}"
        raise InputError(message)
    if not ((images >= 0) & (images <= 1)).all():
        message = "images must be finite and lie in [0, 1]; divide 8-bit values by 255"
        raise InputError(message)
    if threat.levels is not None:
        levels = images * FULL_SCALE
        if not ((levels - levels.round()).abs() < 1e-3).all():
            message = "images must lie on the 256 levels of an 8-bit file; round them first, or pass levels=None"
            raise InputError(message)


def _logits(model: Model, images: Tensor, labels: Tensor) -> Tensor:
    with torch.no_grad():
        logits: object = model(images)
    if not isinstance(logits, Tensor) or logits.ndim != 2 or len(logits) != len(images) or logits.shape[1] < 2:
        got = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        message = f"expected logits (n, classes) with at least 2 classes from the model, got {got}"
        raise ModelError(message)
    if len(labels) and not (int(labels.min()) >= 0 and int(labels.max()) < logits.shape[1]):
        message = f"labels run from {int(labels.min())} to {int(labels.max())}, the model has {logits.shape[1]} classes"
        raise InputError(message)
    return logits.detach()
