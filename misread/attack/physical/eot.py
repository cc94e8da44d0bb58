"""Gradient attacks over random captures: expectation over transformation (arXiv 1707.07397)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch.nn.functional import softplus

from misread.attack.goal import margin
from misread.attack.physical.measure import spread
from misread.attack.physical.steps import RULES, named_rule
from misread.attack.physical.terms import Terms
from misread.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from misread.attack.physical.channel import Clip
    from misread.attack.physical.measure import Measured
    from misread.attack.physical.problem import PhysicalProblem

Progress = Callable[[str, int, int], None]
"""(what, done, total)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What a search brought.

    Attributes:
        image: (3, h, w), settled: the best seen on the selection clips, not the last.
        step: The step it was seen after; 0 is the clean picture.
        selection: How it did there. It was chosen by this, so it is no result.
        zero_gradients: Steps whose gradient was 0 everywhere.
        broken_gradients: Steps with gradient values that were not finite; those values counted as 0.
        log: Every draw of every step, as JSON types.
        selection_log: Every draw of the selection clips.
    """

    image: Tensor
    step: int
    selection: Measured
    zero_gradients: int
    broken_gradients: int
    log: tuple[dict[str, Any], ...]
    selection_log: tuple[dict[str, Any], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class EotPgd:
    """Steps of a gradient attack on the mean loss over fresh clips, the severity rising over the first part.

    Attributes:
        rule: How gradients become steps: `mi-fgsm`, `pgd` or `adam`.
        terms: What the change costs beside that loss.
        steps: Number of steps.
        draws: Simulated frames per step.
        clips: Clips that these frames come from; each has its own print, camera and size.
        step_size: First step as a fraction of eps; it falls linearly to a tenth of that. Small first steps end in a
            worse place: the sign's own class is far away at first, and gradients there point nowhere in particular.
        momentum: Share of the running direction that `mi-fgsm` keeps.
        ramp: Share of the steps over which the severity rises to 1.
        select_every: Steps between looks at the selection clips; the last step is always looked at.
        select_clips: Selection clips, of ``draws // clips`` frames each.
        perfect: Only the perfect capture is seen, in every step and choice: the digital attack, for comparison.

    Raises:
        OptionError: A number that makes no search.
        UnknownName: No such rule.
    """

    name: ClassVar[str] = "eot-pgd"
    rule: str = RULES[0].name
    terms: Terms = field(default_factory=Terms)
    steps: int = 120
    draws: int = 24
    clips: int = 2
    step_size: float = 0.5
    momentum: float = 0.5
    ramp: float = 1 / 3
    select_every: int = 8
    select_clips: int = 6
    perfect: bool = False

    def __post_init__(self) -> None:
        """Refuse what makes no search; every comparison is written so that NaN fails."""
        if not (self.steps >= 1 and self.select_every >= 1 and self.select_clips >= 1):
            counts = f"{self.steps} steps, a look every {self.select_every}, {self.select_clips} clips"
            message = f"a search has steps and selection clips, at least 1 each, got {counts}"
            raise OptionError(message)
        if not 1 <= self.clips <= self.draws:
            message = f"each step draws at least one frame per clip, got {self.draws} frames in {self.clips} clips"
            raise OptionError(message)
        if not (0 < self.step_size <= 2 and 0 <= self.momentum < 1 and 0 <= self.ramp <= 1):
            numbers = f"{self.step_size}, {self.momentum} and {self.ramp}"
            message = f"step_size lies in (0, 2], momentum in [0, 1), ramp in [0, 1], got {numbers}"
            raise OptionError(message)
        named_rule(self.rule)

    def severity(self, step: int) -> float:
        """Severity of the draws of a step, counted from 0: up to 1 over the first ``ramp`` of the steps."""
        if self.perfect:
            return 0.0
        rising = self.ramp * self.steps
        return 1.0 if step + 1 >= rising else (step + 1) / rising

    def draw(self, problem: PhysicalProblem, step: int, generator: torch.Generator) -> tuple[Clip, ...]:
        """Draw the clips of a step; the perfect capture is always the same, so one frame of it is enough."""
        if self.perfect:
            return problem.draw(1, 1, 0.0, generator)
        return problem.draw(self.clips, self.draws // self.clips, self.severity(step), generator)

    def _selection(self, problem: PhysicalProblem, generator: torch.Generator) -> tuple[Clip, ...]:
        if self.perfect:
            return problem.draw(1, 1, 0.0, generator)
        return problem.draw(self.select_clips, self.draws // self.clips, 1.0, generator)

    def search(
        self, problem: PhysicalProblem, generator: torch.Generator, *, progress: Progress | None = None
    ) -> Found:
        """Look for one change that is misread in as many captures as possible.

        Args:
            problem: What is attacked.
            generator: Source of all randomness.
            progress: Told (what, done, total) after each step.
        """
        best = _Best(problem, self._selection(problem, generator))
        x, stepper = problem.picture.clone(), named_rule(self.rule).start(self.momentum)
        zero = broken = 0
        log: list[dict[str, Any]] = []
        for step in range(self.steps):
            clips = self.draw(problem, step, generator)
            log += [{"step": step, **clip.log()} for clip in clips]
            raw = gradient_over(problem, x, clips)
            if not self.terms.none:
                raw = raw / sum(clip.frames for clip in clips) + self.terms.gradient(problem, x)
            gradient = torch.nan_to_num(raw, nan=0.0, posinf=0.0, neginf=0.0) * problem.mask
            zero += int(not gradient.any())
            broken += int(not torch.isfinite(raw).all())
            x = _moved(problem, x, stepper.direction(gradient), self.step_size * (1 - 0.9 * step / self.steps))
            if (step + 1) % self.select_every == 0 or step + 1 == self.steps:
                best.offer(x, step + 1)
            if progress is not None:
                progress("physical witness", step + 1, self.steps)
        return Found(
            image=best.image,
            step=best.step,
            selection=best.measured,
            zero_gradients=zero,
            broken_gradients=broken,
            log=tuple(log),
            selection_log=tuple(clip.log() for clip in best.clips),
        )


class _Best:
    """The best settled picture so far, from the clean one on, always on the same clips."""

    def __init__(self, problem: PhysicalProblem, clips: tuple[Clip, ...]) -> None:
        self.problem, self.clips = problem, clips
        self.image, self.step = problem.picture, 0
        self.measured = problem.measure(problem.picture, clips)

    def offer(self, x: Tensor, step: int) -> None:
        image = self.problem.settled(x)
        measured = self.problem.measure(image, self.clips)
        if measured.better_than(self.measured):
            self.image, self.step, self.measured = image, step, measured


def gradient_over(problem: PhysicalProblem, x: Tensor, clips: Sequence[Clip]) -> Tensor:
    """Gradient of the summed loss over all frames, (3, h, w); clip by clip, to hold one graph at a time."""
    total = torch.zeros_like(x)
    for clip in clips:
        point = x.detach().requires_grad_()
        with torch.enable_grad():
            logits = problem.model(problem.channel.apply(point, clip))
            truth = torch.full((len(logits),), problem.truth, device=logits.device)
            wanted = problem.goal.wanted(truth, logits.shape[1])
            # In units of the logits' own spread the scale of the model drops out; frames already won fade away.
            room = margin(logits, wanted) / spread(logits)
            (gradient,) = torch.autograd.grad(softplus(2 * room + 1).sum(), point)
        total += gradient
    return total


def _moved(problem: PhysicalProblem, x: Tensor, direction: Tensor, fraction: float) -> Tensor:
    """One step down, kept in ball, box and mask; not rounded, or steps below half a level would be lost."""
    radius = problem.threat.radius
    delta = (x - fraction * radius * direction - problem.picture).clamp(-radius, radius) * problem.mask
    return (problem.picture + delta).clamp(0, 1)
