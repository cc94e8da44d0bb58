"""How a search turns gradients into steps. A new rule is one class and one entry in `RULES`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Final, Protocol

import torch
from torch import Tensor

from misread.registry import by_name


class Stepper(Protocol):
    """The memory of one search."""

    def direction(self, gradient: Tensor) -> Tensor:
        """Give what to move against, each value in [-1, 1], of a gradient of the same shape."""
        ...


class Rule(Protocol):
    """Begins searches."""

    name: ClassVar[str]

    def start(self, momentum: float) -> Stepper:
        """Begin one; `momentum` is the share of the running direction that is kept, where the rule has one."""
        ...


class Pgd:
    """The sign of each gradient, as in PGD (arXiv 1706.06083); with one step, FGSM (arXiv 1412.6572)."""

    name: ClassVar[str] = "pgd"

    def start(self, momentum: float) -> Stepper:
        """Begin a search."""
        del momentum
        return _Running(momentum=0.0)


class MiFgsm:
    """The sign of a running mean of gradients of equal weight, as in MI-FGSM (arXiv 1710.06081)."""

    name: ClassVar[str] = "mi-fgsm"

    def start(self, momentum: float) -> Stepper:
        """Begin a search."""
        return _Running(momentum=momentum)


class Adam:
    """Steps of Adam (arXiv 1412.6980, decay rates 0.9 and 0.99): a place moves as far as its gradient is steady."""

    name: ClassVar[str] = "adam"

    def start(self, momentum: float) -> Stepper:
        """Begin a search."""
        del momentum
        return _Moments()


@dataclass(slots=True)
class _Running:
    momentum: float
    velocity: Tensor | None = None

    def direction(self, gradient: Tensor) -> Tensor:
        before = torch.zeros_like(gradient) if self.velocity is None else self.velocity
        self.velocity = self.momentum * before + gradient / gradient.abs().mean().clamp_min(1e-30)
        return self.velocity.sign()


@dataclass(slots=True)
class _Moments:
    first: float = 0.9
    second: float = 0.99
    steps: int = 0
    mean: Tensor | None = None
    square: Tensor | None = field(default=None)

    def direction(self, gradient: Tensor) -> Tensor:
        # In the gradient's own unit, so that the constant below means the same for every model.
        gradient = gradient / gradient.abs().mean().clamp_min(1e-30)
        self.steps += 1
        self.mean = (1 - self.first) * gradient + (0 if self.mean is None else self.first * self.mean)
        self.square = (1 - self.second) * gradient**2 + (0 if self.square is None else self.second * self.square)
        mean = self.mean / (1 - self.first**self.steps)
        return (mean / ((self.square / (1 - self.second**self.steps)).sqrt() + 1e-8)).clamp(-1, 1)


RULES: Final[tuple[Rule, ...]] = (MiFgsm(), Pgd(), Adam())


def named_rule(name: str) -> Rule:
    """Look up a rule.

    Raises:
        UnknownName: There is none of that name.
    """
    return by_name("step rule", RULES, name)
