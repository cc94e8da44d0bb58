"""One chunk of pictures becomes witnesses: attack, ask the builds, finish on them, write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from misread.attack.budget import Budget
from misread.attack.case import RGB, Case, Lens, rgb
from misread.attack.execute import execute
from misread.attack.goal import Goal, goal_of
from misread.attack.guard import untouched
from misread.attack.space import FileView
from misread.attack.tally import Made, Spent
from misread.change import placebo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from misread.attack.clock import Clock
    from misread.attack.execute import Outcome
    from misread.attack.options import AttackOptions
    from misread.attack.problem import Confirm, Model
    from misread.attack.subject import Subject
    from misread.bundle import BundleWriter, Witness
    from misread.data import Sample

    UInt8 = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """A sample with its pixels in the space that is attacked, (h, w, 3) uint8."""

    sample: Sample
    pixels: UInt8


class Craft:
    """Makes witnesses of one subject under one set of options."""

    def __init__(self, options: AttackOptions, subject: Subject) -> None:
        """Prepare the attack and the goal.

        Raises:
            UnknownName: the goal names a label that the subject does not have.
            OptionError: it names one of them twice.
        """
        self.options, self.subject, self.judges = options, subject, subject.judges
        self.attack = options.make_attack()
        self.goal: Goal = goal_of(options.wish, subject.card)
        self.wish = options.wish.spelt(subject.card)
        prepared = options.space == "input"
        self.lens = Lens(prepared=prepared, channels=subject.card.channels if prepared else RGB, device=options.device)
        self._heard = 0

    @property
    def state(self) -> dict[str, Any]:
        """What later pictures depend on; a journal keeps it."""
        return {"heard": self._heard, "slack": list(self.judges.slack)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what a journal kept."""
        self._heard, self.judges.slack = int(state["heard"]), [float(slack) for slack in state["slack"]]

    def take(self, pictures: Sequence[Picture], writer: BundleWriter, clock: Clock, *, done: int = 0) -> Iterator[Made]:
        """Attack pictures of one size, and add what is found to the bundle, one picture after the other.

        Args:
            pictures: Of one size.
            writer: Of the bundle.
            clock: When it runs out, nothing more is attacked or finished.
            done: So many of the first ones were made before. They are attacked again, since what a network computes
                depends in its last digits on the batch, and are neither finished nor yielded.
        """
        stack = np.stack([picture.pixels for picture in pictures])
        model, images = self._model(stack), self.lens.images(stack)
        labels = self._labels(model, images, pictures)
        cases = [
            Case(self.subject, model, self.lens, clean=clean, label=int(label), goal=self.goal, wish=self.wish)
            for clean, label in zip(self.lens.pixels(images), labels, strict=True)
        ]
        self._listen(1, [case.clean for case in cases])
        outcome = self._execute(model, images, labels, cases, clock)
        changed = self.lens.pixels(outcome.images)
        hits = outcome.success.nonzero().flatten().tolist()
        if hits:
            self._listen(2, [*(cases[at].clean for at in hits), *changed[hits]])
        for at in range(done, len(pictures)):
            copy = changed[at] if outcome.success[at] else None if self.subject.is_file else cases[at].refused
            with untouched(model):
                if copy is not None and clock.left > 0 and not self.options.only_asks:
                    copy = cases[at].finish(copy, self.attack.kind, self.options.threat)
                made = self._made(pictures[at].sample, cases[at], copy, _spent(outcome, at), writer)
            yield made

    def _execute(self, model: Model, images: Tensor, labels: Tensor, cases: Sequence[Case], clock: Clock) -> Outcome:
        seconds = None if clock.limit is None else max(clock.left, 1e-3)
        return execute(
            self.attack,
            model,
            images,
            labels,
            threat=self.options.threat,
            goal=self.goal,
            generator=torch.Generator().manual_seed(self.options.seed),
            budget=Budget(passes=self.options.passes, seconds=seconds),
            confirm=self._confirm(cases),
        )

    def _confirm(self, cases: Sequence[Case]) -> Confirm | None:
        """Let the builds end the search of a fixed budget, and decide while an attack that only asks goes on.

        Other minimal changes are finished on the builds afterwards, which takes more questions than they were found by.
        """
        finished = self.attack.kind == "minimal" and not self.options.only_asks
        if not self.judges.readers or finished:
            return None

        def confirm(found: Tensor, rows: Tensor) -> Tensor:
            copies = self.lens.pixels(found)
            said = [cases[row].confirm(copy) for row, copy in zip(rows.tolist(), copies, strict=True)]
            return torch.tensor(said, device=found.device)

        return confirm

    def _made(
        self, sample: Sample, case: Case, copy: UInt8 | None, spent: dict[str, Any], writer: BundleWriter
    ) -> Made:
        if copy is None:
            return Made(spent=Spent(source=sample.name, found=False, **spent))
        said = case.said(copy)
        if self.subject.is_file and said[0] != (True, True):
            return Made(spent=Spent(source=sample.name, found=False, **spent))
        witness = self._add(writer, sample, case, copy)
        return Made(spent=Spent(source=sample.name, found=True, **spent), verified=said, witness=witness)

    def _add(self, writer: BundleWriter, sample: Sample, case: Case, copy: UInt8) -> Witness:
        labels = self.subject.card.labels
        random = np.random.default_rng([self.options.seed, len(writer.witnesses)])
        return writer.add(
            clean=rgb(case.clean),
            changed=rgb(copy),
            placebo=rgb(placebo(case.clean, copy, random)),
            grey=self.lens.channels != RGB,
            label=labels[case.label],
            label_given=sample.label is not None,
            goal=self.wish,
            prepared=self.lens.prepared,
            torch_float=True,
            torch_8bit=bool(case.model_misreads(copy[None], 0.0)[0]),
            source=sample.name,
        )

    def _listen(self, time: int, pictures: Sequence[UInt8]) -> None:
        """Measure the builds' noise: on the first clean pictures, then on the first changed ones too."""
        if self._heard < time and self.judges.readers:
            self._heard = time
            self.judges.listen([rgb(one) for one in pictures], prepared=self.lens.prepared)

    def _model(self, stack: UInt8) -> Model:
        if self.lens.prepared:
            return self.subject.model
        view: nn.Module = FileView(self.subject.model, self.subject.card, (stack.shape[1], stack.shape[2]))
        return view.to(self.options.device)

    @staticmethod
    def _labels(model: Model, images: Tensor, pictures: Sequence[Picture]) -> Tensor:
        """Given labels; where nobody gave one, what the model reads."""
        with torch.no_grad():
            read = model(images).argmax(1).tolist()
        given = [picture.sample.label for picture in pictures]
        said = [int(seen) if one is None else one for one, seen in zip(given, read, strict=True)]
        return torch.tensor(said, device=images.device)


def _spent(outcome: Outcome, at: int) -> dict[str, Any]:
    return {
        "attempted": not bool(outcome.skipped[at]),
        "proposed": bool(outcome.proposed[at]),
        "forwards": int(outcome.forwards[at]),
        "backwards": int(outcome.backwards[at]),
        "zero_gradients": int(outcome.zero_gradients[at]),
    }
