"""A product's vote over its last frames: k of n must agree."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from misread.errors import OptionError
from misread.text import shorten

if TYPE_CHECKING:
    from misread.stats import Rate

MAX_VOTE: Final = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Vote:
    """A rule: the label that `needed` of the last `of` measured frames carry, else no decision.

    Attributes:
        needed: More than half, so that there is one such label at most.
        of: Length of the window, which slides frame by frame within a clip.

    """

    needed: int = 3
    of: int = 5

    def __post_init__(self) -> None:
        """Refuse a rule that two labels could meet, or none."""
        if not self.of < 2 * self.needed <= 2 * self.of <= 2 * MAX_VOTE:
            said = f"a vote needs more than half of its frames and at most all, of at most {MAX_VOTE}, got {self.text}"
            raise OptionError(said)

    @classmethod
    def parse(cls, text: str) -> Vote:
        """Read `3/5`.

        Raises:
            OptionError: no such rule.

        """
        needed, _, of = text.partition("/")
        if not (needed.isascii() and needed.isdigit() and of.isascii() and of.isdigit()):
            raise OptionError(f"a vote is written 3/5 (3 of the last 5 frames), got {shorten(text, 40)!r}")
        return cls(needed=int(needed), of=int(of))

    @property
    def text(self) -> str:
        """Say the rule: `3 of 5`."""
        return f"{self.needed} of {self.of}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Voted:
    """How often a vote came out wrong.

    Attributes:
        rule: As text, `3 of 5`.
        misread: Votes for another label than the right one, of all full windows, with the clip-level interval.
        undecided: Windows in which no label had enough frames.
        label: The wrong label that was voted for most, or None.

    """

    rule: str
    misread: Rate
    undecided: int
    label: str | None


class Ballot:
    """Takes the votes of one clip after the other; holds one window and counters."""

    def __init__(self, rule: Vote) -> None:
        self.rule = rule
        self.undecided = 0
        self.wrong: Counter[str] = Counter()
        self._window: deque[str] = deque(maxlen=rule.of)

    def begin(self) -> None:
        """Begin a clip."""
        self._window.clear()

    def cast(self, label: str, right: str | None) -> tuple[int, int]:
        """Take a frame's label; return by how many wrong votes and by how many votes the clip has grown."""
        self._window.append(label)
        if len(self._window) < self.rule.of:
            return 0, 0
        elected, count = Counter(self._window).most_common(1)[0]
        if count < self.rule.needed:
            self.undecided += 1
            return 0, 1
        if right is None or elected == right:
            return 0, 1
        self.wrong[elected] += 1
        return 1, 1
