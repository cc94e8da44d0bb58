"""What two readers said, picture by picture, boiled down to what the result needs: no picture and no logit stays."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from misread.runtime.compare.result import Flip, Percentiles, Side
from misread.runtime.fingerprint import card_digest, fingerprint
from misread.runtime.session import Deployed
from misread.stats import Rate, wilson

if TYPE_CHECKING:
    from collections.abc import Iterator

    from misread.data import Sample
    from misread.runtime.compare.shared import Shared
    from misread.runtime.noise import NoiseFloor
    from misread.runtime.session import Reader

Float32 = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What the two said of one picture; pairs are of A and of B.

    Attributes:
        name: of the picture.
        tops: the shared label with the largest logit.
        margins: how far it leads the other's.
        truth: the true label, or None.
        right: whether the label read, of all, is the true one.
        unshared: whether the label read, of all, is one that the other has not.
        apart: largest difference of a logit.
        relative: the same over the range of A's logits.
    """

    name: str
    tops: tuple[str, str]
    margins: tuple[float, float]
    truth: str | None
    right: tuple[bool, bool]
    unshared: tuple[bool, bool]
    apart: float
    relative: float


@dataclass(kw_only=True, slots=True)
class Tally:
    """Two readers, and what they said so far.

    Attributes:
        readers: A and B.
        shared: their labels.
        seen: one entry a picture.
    """

    readers: tuple[Reader, Reader]
    shared: Shared
    seen: list[Seen] = field(default_factory=list)

    def count(self, sample: Sample, logits: tuple[Float32, Float32]) -> None:
        """Add a picture, with the (k,) logits of A and of B."""
        a, b = (self.shared.of(values[None], other=bool(at))[0] for at, values in enumerate(logits))
        top_a, top_b = int(a.argmax()), int(b.argmax())
        read = [int(values.argmax()) for values in logits]
        names = [reader.card.labels[at] for reader, at in zip(self.readers, read, strict=True)]
        truth = None if sample.label is None else self.readers[0].card.labels[sample.label]
        right = [truth is not None and name.casefold() == truth.casefold() for name in names]
        outside = [at not in columns for at, columns in zip(read, self.shared.columns, strict=True)]
        apart = float(np.abs(b.astype(np.float64) - a).max())
        span = float(a.max() - a.min())
        self.seen.append(
            Seen(
                name=sample.name,
                tops=(self.shared.labels[top_a], self.shared.labels[top_b]),
                margins=(float(a[top_a] - a[top_b]), float(b[top_b] - b[top_a])),
                truth=truth,
                right=(right[0], right[1]),
                unshared=(outside[0], outside[1]),
                apart=apart,
                relative=apart / span if span > 0 else float(apart > 0),
            )
        )

    @property
    def agreement(self) -> Rate:
        """Pictures that both read alike."""
        return wilson(sum(one.tops[0] == one.tops[1] for one in self.seen), len(self.seen))

    @property
    def difference(self) -> Percentiles:
        """Of the largest difference of a logit, picture by picture."""
        return Percentiles.of([one.apart for one in self.seen])

    @property
    def relative(self) -> Percentiles:
        """Of the same over the range of A's logits."""
        return Percentiles.of([one.relative for one in self.seen])

    def flips(self, floors: tuple[NoiseFloor, NoiseFloor]) -> Iterator[Flip]:
        """Yield the pictures that the two read differently, and in whose noise each lies."""
        for one in self.seen:
            if one.tops[0] != one.tops[1]:
                yield Flip(
                    name=one.name,
                    label_a=one.tops[0],
                    label_b=one.tops[1],
                    margin_a=one.margins[0],
                    margin_b=one.margins[1],
                    truth=one.truth,
                    in_noise_of=tuple("AB"[side] for side in (0, 1) if one.margins[side] <= floors[side].margin),
                )

    def side(self, at: int, floor: NoiseFloor) -> Side:
        """Describe A (0) or B (1)."""
        reader = self.readers[at]
        known = [one.right[at] for one in self.seen if one.truth is not None]
        return Side(
            name=reader.name,
            sha256=getattr(reader, "sha256", ""),
            card_sha256=card_digest(reader.card),
            fingerprint=fingerprint(reader) if isinstance(reader, Deployed) else None,
            card_from=tuple(getattr(reader, "card_sources", ())),
            labels=len(reader.card.labels),
            accuracy=wilson(sum(known), len(known)) if known else None,
            unshared=sum(one.unshared[at] for one in self.seen),
            noise=floor,
        )
