"""Two arms before one build, or two builds before one exhibit: how far apart, and whether that is chance."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Literal

from misread.stats import mcnemar, paired_difference, permutation, unpaired_difference

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np

    from misread.runtime.camera.locate import Crop
    from misread.runtime.camera.tally import Summary


@dataclass(frozen=True, kw_only=True, slots=True)
class ClipPair:
    """A comparison of two shares of frames misread, with the clip as its unit.

    Attributes:
        kind: `arms` (two exhibits, one build) or `builds` (two builds on the same frames).
        first: Name of an exhibit or of a build.
        second: What it is held against.
        shared: The build or the exhibit that both have in common.
        crop: What was read.
        paired: Whether clip k of one belongs to clip k of the other: the same frames, or a take of the same poses.
        clips: How many of either.
        difference: Share misread of the first less that of the second.
        low: Lower end of the 95 % interval of the difference, or None below five clips.
        high: Upper end, likewise.
        test: `mcnemar` (exact, on clips of which more than half of the frames were misread), or `permutation` of clips.
        p_value: Two-sided.

    """

    kind: Literal["arms", "builds"]
    first: str
    second: str
    shared: str
    crop: Crop
    paired: bool
    clips: tuple[int, int]
    difference: float
    low: float | None
    high: float | None
    test: Literal["mcnemar", "permutation"]
    p_value: float


def pairs_of(
    summaries: Sequence[Summary], generator: np.random.Generator, *, takes: int | None = None
) -> tuple[ClipPair, ...]:
    """Hold each changed exhibit against its control and its placebo, and every two builds against each other.

    Args:
        summaries: Of one run.
        generator: Draws clips.
        takes: Clips of each exhibit where the source shows take k of all of them in the same poses; exhibits of which
            another number of clips was seen lost or split some, and are compared without pairs.

    """
    known = [one for one in summaries if one.label is not None and one.measured]
    return (*_arms(known, generator, takes), *_builds(known, generator))


def _arms(summaries: Sequence[Summary], generator: np.random.Generator, takes: int | None) -> Iterator[ClipPair]:
    for one in summaries:
        if one.arm != "adversarial":
            continue
        for other in summaries:
            beside = (other.group, other.build, other.crop) == (one.group, one.build, one.crop)
            if beside and other.arm in {"clean", "placebo"}:
                met = one.clips == other.clips == takes
                yield _pair("arms", (one.exhibit, other.exhibit, one.build), (one, other), generator, paired=met)


def _builds(summaries: Sequence[Summary], generator: np.random.Generator) -> Iterator[ClipPair]:
    for one, other in combinations(summaries, 2):
        if (one.exhibit, one.arm, one.crop) == (other.exhibit, other.arm, other.crop) and one.build != other.build:
            yield _pair("builds", (one.build, other.build, one.exhibit), (one, other), generator, paired=True)


def _pair(
    kind: Literal["arms", "builds"],
    names: tuple[str, str, str],
    two: tuple[Summary, Summary],
    generator: np.random.Generator,
    *,
    paired: bool,
) -> ClipPair:
    one, other = two
    if paired:
        ends = paired_difference(one.by_clip, other.by_clip, generator)
        verdicts = [(2 * a[0] > a[1], 2 * b[0] > b[1]) for a, b in zip(one.by_clip, other.by_clip, strict=True)]
        p_value = mcnemar(sum(a and not b for a, b in verdicts), sum(b and not a for a, b in verdicts))
    else:
        ends = unpaired_difference(one.by_clip, other.by_clip)
        shares = [[wrong / frames for wrong, frames in side.by_clip] for side in two]
        p_value = permutation(shares[0], shares[1], generator)
    return ClipPair(
        kind=kind,
        first=names[0],
        second=names[1],
        shared=names[2],
        crop=one.crop,
        paired=paired,
        clips=(one.clips, other.clips),
        difference=one.misread.hits / one.misread.total - other.misread.hits / other.misread.total,
        low=None if ends is None else ends[0],
        high=None if ends is None else ends[1],
        test="mcnemar" if paired else "permutation",
        p_value=p_value,
    )
