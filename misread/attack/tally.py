"""What came of each picture, and the sums over all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from misread.bundle import Witness, witness_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from misread.card import ModelCard


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """One picture: what was spent on it, and what came of it.

    Attributes:
        source: Its name.
        attempted: It is read right; the others are skipped.
        proposed: A candidate was misread while the attack ran.
        found: An 8-bit copy is misread; of an ONNX file, by onnxruntime and by more than its noise.
        forwards: Passes, those with a gradient included; the queries of an attack that only asks.
        backwards: Passes with a gradient.
        zero_gradients: Gradients that were 0 everywhere.
    """

    source: str
    attempted: bool
    proposed: bool
    found: bool
    forwards: int
    backwards: int
    zero_gradients: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """What came of one picture.

    Attributes:
        spent: The counts.
        verified: One pair a build: it misreads the changed copy, and it reads the clean one right.
        witness: As it stands in the bundle, None where there is none.
    """

    spent: Spent
    verified: tuple[tuple[bool, bool], ...] = ()
    witness: Witness | None = None

    @classmethod
    def read(cls, line: Mapping[str, Any], card: ModelCard) -> Self:
        """Read what a journal kept.

        Raises:
            KeyError, TypeError, ValueError, MisreadError: it is none.
        """
        entry = line["witness"]
        return cls(
            spent=Spent(**line["spent"]),
            verified=tuple((bool(hit), bool(right)) for hit, right in line["verified"]),
            witness=None if entry is None else witness_of(entry, card),
        )


@dataclass(kw_only=True, slots=True)
class Tally:
    """The sums.

    Attributes:
        builds: How many there are.
        each: Every picture that is done, in order.
        verified: Hits and denominators, one pair a build.
    """

    builds: int
    each: list[Spent] = field(default_factory=list)
    verified: list[list[int]] = field(init=False)

    def __post_init__(self) -> None:
        """Begin at zero."""
        self.verified = [[0, 0] for _ in range(self.builds)]

    def add(self, made: Made) -> None:
        """Count one more picture."""
        self.each.append(made.spent)
        for counts, (hit, right) in zip(self.verified, made.verified, strict=bool(made.verified)):
            counts[0] += int(right and hit)
            counts[1] += int(right)

    def count(self, name: str) -> int:
        """Sum of one of the counts, such as `found`."""
        return sum(int(getattr(spent, name)) for spent in self.each)
