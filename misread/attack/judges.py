"""The builds that have the last word: "misread" here means misread by each of them, by more than its own noise."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from misread.errors import MisreadError
from misread.runtime.contender import other_settings
from misread.runtime.noise import jitter
from misread.runtime.session import Deployed, Reader, SessionOptions
from misread.wish import UNTARGETED, goal_margin

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from misread.card import ModelCard
    from misread.cards.facts import CardFacts
    from misread.wish import Wish

UInt8 = NDArray[np.uint8]
MODEL: Final = "card of the model"
"""Who said how a build is fed, where it did not say so itself."""
SAFETY: Final = 2.0
LEAST_SLACK: Final = 1e-3
SHARE: Final = 2e-3
"""Of the margin of clean pictures: what is asked for at least. A quantised build wanders seldom, by one rounding that
falls the other way, and then by about a thousandth of its range; the pictures listened to may not show it."""


@dataclass(kw_only=True, slots=True)
class Judges:
    """Open builds, the same builds under other settings, and how far each one's margins wander.

    Attributes:
        readers: The builds.
        labels: The twin's labels; a build may order its own differently.
        slack: Per build, the margin that a misreading must have.
        others: Per build, the same build under other settings.
    """

    readers: tuple[Reader, ...]
    labels: tuple[str, ...]
    slack: list[float] = field(default_factory=list)
    others: list[tuple[Reader, ...]] = field(default_factory=list)

    @classmethod
    def open(cls, builds: Sequence[Path], card: ModelCard, *, given: CardFacts | None = None) -> Judges:
        """Open the builds.

        Args:
            builds: ONNX files.
            card: The twin's, for its labels, and for what a build does not say of how it is fed.
            given: What flags say of how files are fed; it comes before the twin's card.

        Raises:
            FileError: no such file, or no ONNX in it.
            ModelError: no image classifier.
            UnknownName: a build does not know a label of the twin.
        """
        opened = [Deployed.open(path, card=given, spare=(MODEL, card), options=SessionOptions()) for path in builds]
        for reader in opened:
            for label in card.labels:
                reader.card.index(label)
        judges = cls(readers=tuple(opened), labels=card.labels)
        judges.slack = [LEAST_SLACK] * len(opened)
        judges.others = [_elsewhere(reader) for reader in opened]
        return judges

    def listen(self, images: Sequence[UInt8], *, prepared: bool) -> None:
        """Measure how far the builds' margins wander on these pictures; ask twice as much from now on, and `SHARE`."""
        for at, reader in enumerate(self.readers):
            together = _logits(reader, images, prepared=prepared)
            alone = np.concatenate([_logits(reader, [image], prepared=prepared) for image in images])
            seen = [alone, *(_logits(other, images, prepared=prepared) for other in self.others[at])]
            wander = max(jitter("", together, logits).margin for logits in seen)
            first, second = np.sort(together, axis=1)[:, :-3:-1].T
            self.slack[at] = max(self.slack[at], SAFETY * wander, SHARE * float(np.median(first - second)))

    def right(self, image: UInt8, label: int, *, prepared: bool) -> list[bool]:
        """Which builds read this picture right."""
        return [
            bool(self.margins(reader, [image], label, UNTARGETED, prepared=prepared)[0] > 0) for reader in self.readers
        ]

    def misread(
        self, images: Sequence[UInt8], label: int, wish: Wish, asked: Sequence[bool], *, prepared: bool
    ) -> NDArray[np.bool_]:
        """Whether all builds that are asked misread each picture, as the goal says, (n,) bool."""
        verdict = np.ones(len(images), dtype=bool)
        for reader, slack, wanted in zip(self.readers, self.slack, asked, strict=True):
            if wanted:
                verdict &= self.margins(reader, images, label, wish, prepared=prepared) < -slack
        return verdict

    def margins(
        self, reader: Reader, images: Sequence[UInt8], label: int, wish: Wish, *, prepared: bool
    ) -> NDArray[np.float32]:
        """Margin that is below 0 where the goal is reached, (n,)."""
        wanted = wish.wanted(reader.card, self.labels[label])
        return -goal_margin(_logits(reader, images, prepared=prepared), wanted)


def _logits(reader: Reader, images: Sequence[UInt8], *, prepared: bool) -> NDArray[np.float32]:
    return (reader.read_prepared(np.stack(images)) if prepared else reader.read(images)).logits


def _elsewhere(reader: Deployed) -> tuple[Reader, ...]:
    """The build under its other settings, as far as it opens there."""
    found: list[Reader] = []
    for _, opened in other_settings(reader):
        try:
            found.append(opened())
        except MisreadError:
            continue
    return tuple(found)
