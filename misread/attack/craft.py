"""One chunk of pictures becomes witnesses: attack on the twin, finish on the builds, write."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from misread.attack.execute import execute
from misread.attack.finish import Finisher, stretch
from misread.attack.goal import Goal, goal_of, margin
from misread.attack.guard import untouched
from misread.attack.judges import LEAST_SLACK, Judges
from misread.attack.space import ChannelsLast, FileView
from misread.change import placebo
from misread.pixels import from_unit, to_unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from misread.attack.execute import Outcome
    from misread.attack.options import AttackOptions
    from misread.attack.problem import Model
    from misread.bundle import BundleWriter
    from misread.data import Sample
    from misread.export.origin import Origin

    UInt8 = NDArray[np.uint8]

RGB: Final = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """A sample with its pixels in the space that is attacked, (h, w, 3) uint8."""

    sample: Sample
    pixels: UInt8


@dataclass(kw_only=True, slots=True)
class Tally:
    """What has been counted so far; `verified` holds hits and denominators, one entry per build."""

    attempted: int = 0
    proposed: int = 0
    found: int = 0
    zero_gradients: int = 0
    forwards: int = 0
    backwards: int = 0
    verified: list[list[int]] = field(default_factory=list)


class Craft:
    """Makes witnesses of one origin under one set of options."""

    def __init__(self, options: AttackOptions, origin: Origin, judges: Judges) -> None:
        """Prepare the attack and the goal.

        Raises:
            UnknownName: the goal names a label that the origin does not have.
            OptionError: it names one of them twice.
        """
        self.options, self.origin, self.judges = options, origin, judges
        self.attack, self.twin = options.make_attack(), ChannelsLast(origin.twin)
        self.goal: Goal = goal_of(options.wish, origin.card)
        self.wish = options.wish.spelt(origin.card)
        self.prepared = options.space == "input"
        self.channels = origin.card.channels if self.prepared else RGB
        self.tally = Tally(verified=[[0, 0] for _ in judges.readers])
        self._listened = False

    def take(self, pictures: Sequence[Picture], writer: BundleWriter) -> None:
        """Attack pictures of one size and add what is found to the bundle."""
        stack = np.stack([picture.pixels for picture in pictures])
        model: Model = self.twin
        if not self.prepared:
            model = FileView(self.twin, self.origin.card, (stack.shape[1], stack.shape[2]))
        images = self._unit(stack)
        labels = self._labels(model, images, pictures)
        outcome = execute(
            self.attack,
            model,
            images,
            labels,
            threat=self.options.threat,
            goal=self.goal,
            generator=torch.Generator().manual_seed(self.options.seed),
        )
        self._count(outcome)
        clean, changed = self._pixels(images), self._pixels(outcome.images)
        hits = outcome.success.nonzero().flatten().tolist()
        if hits and not self._listened:
            self._listened = True
            self.judges.listen([_rgb(one) for one in (*clean[hits], *changed[hits])], prepared=self.prepared)
        with untouched(model):
            for at in hits:
                case = _Case(self, model, clean[at], int(labels[at]))
                self._add(writer, pictures[at].sample, case, case.finish(changed[at]))

    def _add(self, writer: BundleWriter, sample: Sample, case: _Case, changed: UInt8) -> None:
        labels = self.origin.card.labels
        random = np.random.default_rng([self.options.seed, len(writer.witnesses)])
        writer.add(
            clean=_rgb(case.clean),
            changed=_rgb(changed),
            placebo=_rgb(placebo(case.clean, changed, random)),
            grey=self.channels != RGB,
            label=labels[case.label],
            label_given=sample.label is not None,
            goal=self.wish,
            prepared=self.prepared,
            torch_float=True,
            torch_8bit=bool(case.twin_misreads(changed[None], 0.0)[0]),
            source=sample.name,
        )
        for build, right in enumerate(case.asked):
            one = [at == build for at in range(len(case.asked))]
            said = self.judges.misread([_rgb(changed)], case.label, self.wish, one, prepared=self.prepared)
            self.tally.verified[build][0] += int(right and said[0])
            self.tally.verified[build][1] += int(right)

    def _labels(self, model: Model, images: Tensor, pictures: Sequence[Picture]) -> Tensor:
        """Given labels; where nobody gave one, what the twin reads."""
        with torch.no_grad():
            read = model(images).argmax(1)
        given = [picture.sample.label for picture in pictures]
        return torch.tensor([int(said) if one is None else one for one, said in zip(given, read, strict=True)])

    def _count(self, outcome: Outcome) -> None:
        tally = self.tally
        tally.attempted += outcome.attempted
        tally.proposed += int(outcome.proposed.sum())
        tally.found += outcome.found
        tally.zero_gradients += int((outcome.zero_gradients > 0).sum())
        tally.forwards += int(outcome.forwards.sum())
        tally.backwards += int(outcome.backwards.sum())

    def _unit(self, pixels: UInt8) -> Tensor:
        return torch.from_numpy(to_unit(_rgb(pixels), channels=self.channels))

    def _pixels(self, images: Tensor) -> UInt8:
        return np.ascontiguousarray(from_unit(images.numpy())[..., : self.channels])


class _Case:
    """One picture on its way to being a witness: (h, w, c) uint8, c being 1 for a grey input."""

    def __init__(self, craft: Craft, model: Model, clean: UInt8, label: int) -> None:
        self.craft, self.model, self.clean, self.label = craft, model, clean, label
        self.asked = craft.judges.right(_rgb(clean), label, prepared=craft.prepared)

    def finish(self, changed: UInt8) -> UInt8:
        """The smallest change that twin and builds still misread; what came in where the builds never do."""
        craft, threat = self.craft, self.craft.options.threat
        if craft.attack.kind != "minimal":
            return changed
        if not self.is_misread(changed[None])[0] and (threat.norm == "linf" or threat.eps is None):
            stretched = stretch(self.clean, changed, self.is_misread, cap=threat.cap)
            changed = changed if stretched is None else stretched
        return Finisher().finish(self.clean, changed, self.is_misread, slope=self._slope).image

    def is_misread(self, batch: UInt8) -> NDArray[np.bool_]:
        """By every build that reads the clean picture right, and by the twin."""
        craft = self.craft
        verdict = np.ones(len(batch), dtype=bool)
        if any(self.asked):
            pictures = list(_rgb(batch))
            verdict = craft.judges.misread(pictures, self.label, craft.wish, self.asked, prepared=craft.prepared)
        if verdict.any():
            verdict[verdict] = self.twin_misreads(batch[verdict], LEAST_SLACK)
        return verdict

    def twin_misreads(self, batch: UInt8, slack: float) -> NDArray[np.bool_]:
        """By the twin alone, with that much margin."""
        with torch.no_grad():
            said: NDArray[np.bool_] = (self._margin(self.craft._unit(batch)) < -slack).numpy()  # noqa: SLF001 - one file
        return said

    def _slope(self, image: UInt8) -> NDArray[np.float32]:
        point = self.craft._unit(image[None]).requires_grad_()  # noqa: SLF001 - one file
        (gradient,) = torch.autograd.grad(self._margin(point).sum(), point)
        slope: NDArray[np.float32] = gradient[0].permute(1, 2, 0).numpy()
        return slope

    def _margin(self, images: Tensor) -> Tensor:
        logits = self.model(images)
        labels = torch.full((len(images),), self.label)
        return margin(logits, self.craft.goal.wanted(labels, logits.shape[1]))


def _rgb(pixels: UInt8) -> UInt8:
    return pixels if pixels.shape[-1] == RGB else np.repeat(pixels, RGB, axis=-1)
