"""The misread copies as a bundle, so that `misread verify` can judge them anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from misread.attack.resume import check, sweep
from misread.bundle import BundleWriter, witness_of
from misread.change import placebo
from misread.pixels import from_unit
from misread.wish import UNTARGETED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor

    from misread.attack.assess.options import AssessOptions
    from misread.attack.assess.suite import Fallen
    from misread.attack.journal import Journal
    from misread.attack.subject import Subject
    from misread.bundle import Witness
    from misread.data import Sample


class Witnesses:
    """Writes the copies that broke the model; where it stands, those that broke a build."""

    def __init__(self, folder: Path, options: AssessOptions, target: Subject) -> None:
        """Begin an empty bundle in a folder."""
        self.writer, self.options, self.target = BundleWriter(folder), options, target
        self._kept = 0

    def add(self, samples: Sequence[Sample], images: Tensor, labels: Tensor, fallen: Sequence[Fallen]) -> None:
        """Write one copy of each picture that anything broke; the model's own comes first."""
        clean = from_unit(images.cpu().numpy())
        for at, sample in enumerate(samples):
            broken = [one.images[at] for one in fallen if _is_changed(one, at, images)]
            if not broken:
                continue
            changed = from_unit(broken[0][None].cpu().numpy())[0]
            random = np.random.default_rng([self.options.seed, len(self.writer.witnesses)])
            self.writer.add(
                clean=clean[at],
                changed=changed,
                placebo=placebo(clean[at], changed, random),
                grey=self.target.card.channels == 1,
                label=self.target.card.labels[int(labels[at])],
                label_given=sample.label is not None,
                goal=UNTARGETED,
                prepared=True,
                torch_float=bool(fallen[0].by[at] >= 0),
                torch_8bit=bool(fallen[0].by[at] >= 0),
                source=sample.name,
            )

    def fresh(self) -> list[Witness]:
        """The witnesses since this was asked last."""
        new = self.writer.witnesses[self._kept :]
        self._kept = len(self.writer.witnesses)
        return new

    def restore(self, journal: Journal) -> None:
        """Take over the witnesses that a journal kept, their files checked; later files are removed.

        Raises:
            FileError: a file is not as it was written.
        """
        for line in journal.lines:
            for entry in line["witnesses"]:
                witness = witness_of(entry, self.target.card)
                check(journal, witness)
                self.writer.witnesses.append(witness)
        self._kept = len(self.writer.witnesses)
        sweep(journal, self.writer.witnesses)

    def finish(self, pictures: int, clean: int, created: str) -> None:
        """Write the manifest."""
        threat, found = self.options.threat, len(self.writer.witnesses)
        self.writer.finish(
            card=self.target.card,
            origin=self.options.model,
            threat={
                "norm": threat.norm,
                "eps": threat.eps,
                "levels": threat.levels,
                "goal": "untargeted",
                "space": "input",
            },
            attack={"name": "assess", "seed": self.options.seed},
            counts={
                "pictures": pictures,
                "skipped": pictures - clean,
                "attempted": max(clean, found),
                "proposed": found,
                "found": found,
            },
            created=created,
        )


def _is_changed(fallen: Fallen, at: int, images: Tensor) -> bool:
    return bool((fallen.images[at] != images[at]).any())
