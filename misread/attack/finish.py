"""The lattice finisher: from any success on the 8-bit grid to one that changes fewer values by fewer levels.

It asks nothing but "is this still misread?", so the answer can come from the deployed build itself. Changes are undone
in groups, least harm first, the size of the group found by a search over whole batches; what a group search leaves is
tried in small blocks. No step ever adds a change, so the result stays inside whatever ball and mask the success was in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from misread.errors import OptionError

UInt8 = NDArray[np.uint8]
Levels = NDArray[np.int16]
Predicate = Callable[[UInt8], NDArray[np.bool_]]
"""(n, h, w, 3) uint8 -> (n,) bool: still misread."""
Slope = Callable[[UInt8], NDArray[np.float32]]
"""(h, w, 3) uint8 -> (h, w, 3): how fast the margin of the right reading rises with each value."""

BATCH: Final = 16
LEAST_GAIN: Final = 0.005
"""A round that removes less than this share of the change is the last of its kind."""
STRETCHES: Final = (1.0, 1.04, 1.08, 1.13, 1.2, 1.3, 1.4, 1.5, 1.6, 1.8, 2.0, 2.25, 2.5, 3.0, 3.5, 4.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """What the finisher found.

    Attributes:
        image: (h, w, 3) uint8; the image that came in where nothing better was found.
        misread: whether the predicate agrees; False when it did not even for the image that came in.
        judged: Images that the predicate judged.
    """

    image: UInt8
    misread: bool
    judged: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Finisher:
    """How long to look.

    Attributes:
        rounds: Group searches, each in a fresh order of harm.
        sweeps: Passes over the remaining values in blocks, each with smaller blocks.

    Raises:
        OptionError: a negative count.
    """

    rounds: int = 4
    sweeps: int = 2

    def __post_init__(self) -> None:
        """Refuse negative counts."""
        if not (self.rounds >= 0 and self.sweeps >= 0):
            message = f"rounds and sweeps are at least 0, got {self.rounds} and {self.sweeps}"
            raise OptionError(message)

    def finish(self, clean: UInt8, changed: UInt8, is_misread: Predicate, *, slope: Slope | None = None) -> Finished:
        """Undo what can be undone.

        Args:
            clean: (h, w, 3) uint8.
            changed: (h, w, 3) uint8, a success.
            is_misread: The judge.
            slope: Gives the order of harm; without it the smallest changes go first.
        """
        judge = _Judge(clean, is_misread)
        start = (changed.astype(np.int16) - clean).ravel()
        if not judge.one(start):
            return Finished(image=changed, misread=False, judged=judge.judged)
        best = start
        for lower in (_undone, _halved, _lowered):
            for _ in range(self.rounds):
                before = best
                best = _search(judge, best, lower, _harm(judge, best, slope))
                if np.abs(before).sum() - np.abs(best).sum() <= LEAST_GAIN * np.abs(before).sum():
                    break
            for sweep in range(self.sweeps if lower is _undone else 0):
                best = _sweep(judge, best, lower, _harm(judge, best, slope), BATCH * 4**sweep)
        return Finished(image=judge.image(best), misread=True, judged=judge.judged)


def stretch(clean: UInt8, changed: UInt8, is_misread: Predicate, *, cap: int = 255) -> UInt8 | None:
    """Make a change larger, a little at a time, until the judge calls it misread.

    A build reads a little differently from the twin that the change was made on, and may need a little more.

    Args:
        clean: (h, w, 3) uint8.
        changed: (h, w, 3) uint8.
        is_misread: The judge.
        cap: Most levels that a value may move.

    Returns:
        The smallest misread stretch of the change, None when none is.
    """
    delta = changed.astype(np.float64) - clean
    away = [np.rint(delta * factor) for factor in STRETCHES]
    tried = np.stack([np.clip(clean + np.clip(levels, -cap, cap), 0, 255).astype(np.uint8) for levels in away])
    hits = np.flatnonzero(is_misread(tried))
    return tried[hits[0]] if len(hits) else None


class _Judge:
    """Turns flat changes into images and counts what it asks."""

    def __init__(self, clean: UInt8, is_misread: Predicate) -> None:
        self.clean, self._is_misread, self.judged = clean, is_misread, 0

    def image(self, delta: Levels) -> UInt8:
        return (self.clean.astype(np.int16) + delta.reshape(self.clean.shape)).astype(np.uint8)

    def one(self, delta: Levels) -> bool:
        return bool(self.many([delta])[0])

    def many(self, deltas: list[Levels]) -> NDArray[np.bool_]:
        self.judged += len(deltas)
        return np.asarray(self._is_misread(np.stack([self.image(delta) for delta in deltas])), bool)


Lower = Callable[[Levels], Levels]


def _undone(levels: Levels) -> Levels:
    return np.zeros_like(levels)


def _halved(levels: Levels) -> Levels:
    """Half the levels, rounded up."""
    half: Levels = np.sign(levels) * ((np.abs(levels) + 1) // 2)
    return half


def _lowered(levels: Levels) -> Levels:
    """One level back, for values that keep at least one: the step that empties a value is `_undone`'s."""
    return np.where(np.abs(levels) > 1, levels - np.sign(levels), levels)


def _harm(judge: _Judge, delta: Levels, slope: Slope | None) -> NDArray[np.float32]:
    """Rise of the margin per level given back, for each value; what is unchanged does no harm."""
    if slope is None:
        return np.abs(delta).astype(np.float32)
    return -np.asarray(slope(judge.image(delta)), np.float32).ravel() * np.sign(delta)


def _movable(delta: Levels, lower: Lower, harm: NDArray[np.float32]) -> NDArray[np.intp]:
    """Values that the step would change, least harm first."""
    where = np.flatnonzero(lower(delta) != delta)
    cost = harm[where] * np.abs(delta - lower(delta))[where]
    return where[np.argsort(cost, kind="stable")]


def _with(delta: Levels, lower: Lower, where: NDArray[np.intp]) -> Levels:
    result = delta.copy()
    result[where] = lower(delta)[where]
    return result


def _search(judge: _Judge, delta: Levels, lower: Lower, harm: NDArray[np.float32]) -> Levels:
    """Longest run of least-harm values that can go together, to one value: each batch divides what is open by 16."""
    order = _movable(delta, lower, harm)
    low, high = 0, len(order) + 1
    while high - low > 1:
        counts = np.unique(np.linspace(low, high, BATCH + 2).astype(int)[1:-1])
        counts = counts[(counts > low) & (counts < high)]
        passed = judge.many([_with(delta, lower, order[:count]) for count in counts])
        good = counts[passed]
        low = int(good[-1]) if len(good) else low
        worse = counts[counts > low]
        high = int(worse[0]) if len(worse) else high
    return _with(delta, lower, order[:low])


def _sweep(judge: _Judge, delta: Levels, lower: Lower, harm: NDArray[np.float32], blocks: int) -> Levels:
    """Try each block by itself, then as many of those that passed as go together."""
    order = _movable(delta, lower, harm)
    parts = [part for part in np.array_split(order, blocks) if len(part)]
    passing: list[NDArray[np.intp]] = []
    for start in range(0, len(parts), BATCH):
        some = parts[start : start + BATCH]
        passed = judge.many([_with(delta, lower, part) for part in some])
        passing += [part for part, fine in zip(some, passed, strict=True) if fine]
        if not any(passed):  # blocks come with rising harm
            break
    low, high = 0, len(passing) + 1
    while high - low > 1:
        middle = (low + high) // 2
        fine = judge.one(_with(delta, lower, np.concatenate(passing[:middle])))
        low, high = (middle, high) if fine else (low, middle)
    return _with(delta, lower, np.concatenate(passing[:low])) if low else delta
