"""Two builds on the same witnesses: which one is misread where the other is not, and whether that is chance."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from misread.runtime.verdict import Verdict
from misread.stats import mcnemar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from misread.runtime.verdict import BuildVerdict, Judgement


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """Two builds, over the witnesses that count on both and are contested on neither.

    Attributes:
        first: name of a build.
        second: name of another.
        witnesses: how many are compared.
        first_only: ids of those misread on the first alone.
        second_only: ids of those misread on the second alone.
        both: how many are misread on both.
        p_value: of McNemar's exact test, two-sided: how often chance alone makes them differ so much.
    """

    first: str
    second: str
    witnesses: int
    first_only: tuple[str, ...]
    second_only: tuple[str, ...]
    both: int
    p_value: float


def pairs_of(builds: Sequence[BuildVerdict]) -> tuple[Pair, ...]:
    """Compare every two builds that ran, in their order."""
    return tuple(_pair(*two) for two in combinations([build for build in builds if build.available], 2))


def _pair(first: BuildVerdict, second: BuildVerdict) -> Pair:
    met = [
        (one, other)
        for one, other in zip(first.judgements, second.judgements, strict=True)
        if _decided(one) and _decided(other)
    ]
    alone = tuple(one.witness for one, other in met if one.misread and not other.misread)
    other_alone = tuple(one.witness for one, other in met if other.misread and not one.misread)
    return Pair(
        first=first.name,
        second=second.name,
        witnesses=len(met),
        first_only=alone,
        second_only=other_alone,
        both=sum(one.misread and other.misread for one, other in met),
        p_value=mcnemar(len(alone), len(other_alone)),
    )


def _decided(judgement: Judgement) -> bool:
    return judgement.verdict in {Verdict.VERIFIED, Verdict.REFUTED}
