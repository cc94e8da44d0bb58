"""Two cards side by side: the smallest set of fields that makes one feed its model as the other does."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from misread.data import spread
from misread.runtime.compare.path.gallery import Gallery
from misread.runtime.compare.path.geometry import resized, said
from misread.runtime.compare.path.result import STAGES, Change, Effect, PathFinding, Residual
from misread.runtime.compare.path.tolerance import MOST_LEVELS, RMS_LEVELS, within
from misread.runtime.compare.path.unseen import unseen
from misread.runtime.compare.path.way import Way
from misread.runtime.compare.path.words import numbers, span, switched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from misread.card import ModelCard
    from misread.data import Sample
    from misread.runtime.compare.path.result import Stage

#: Pictures over which two cards are compared.
COMPARED: Final = 16
GEOMETRY: Final = ("resize", "resize_px", "pad_level")
_FIELDS: Final[tuple[tuple[Stage, tuple[str, ...]], ...]] = (
    ("resize", GEOMETRY),
    ("kernel", ("interpolation",)),
    ("antialias", ("antialias",)),
    ("colour", ("colour",)),
    ("scale", ("scale",)),
    ("mean", ("mean",)),
    ("std", ("std",)),
)


def compare_cards(a: ModelCard, b: ModelCard, samples: Sequence[Sample], *, what: str) -> PathFinding:
    """Compare what two cards make of the same pictures, in effect and not by their fields.

    Args:
        a: the reference.
        b: the other.
        samples: pictures; the comparison takes some of them, evenly spread.
        what: the two ways in words, for the sentence.

    Raises:
        FileError: a picture cannot be read.
    """
    chosen = spread(samples, COMPARED)
    gallery = Gallery(chosen, [np.empty((0, 0, 0), np.float32)] * len(chosen))
    alike, forced = _same_shape(a, b)
    start, end = Way(card=a), Way(card=alike)
    fields = [(stage, names) for stage, names in _FIELDS if _differ(a, alike, names)]
    smallest = next(
        taken
        for count in range(len(fields) + 1)
        for taken in combinations(fields, count)
        if within(gallery.apart(Way(card=_taking(a, alike, taken)), end))
    )
    effects = [
        *(Effect(change=change, levels=_nothing(), named=False, why=why) for change, why in forced),
        *(
            Effect(change=_change(a, alike, entry), levels=gallery.apart(start, Way(card=_taking(a, alike, (entry,)))))
            for entry in smallest
        ),
    ]
    return PathFinding(
        what=what,
        pictures=len(gallery),
        before=gallery.apart(start, end),
        left=gallery.apart(Way(card=_taking(a, alike, smallest)), end),
        explained=True,
        effects=tuple(sorted(effects, key=lambda effect: list(STAGES).index(effect.change.stage))),
        unseen=unseen(start, gallery, _worded(a, b)),
        tolerance=(RMS_LEVELS, MOST_LEVELS),
    )


def taking(card: ModelCard, other: ModelCard, stages: Sequence[Stage]) -> ModelCard:
    """Return `card` with the fields of these stages from `other`."""
    wanted = {"resize" if stage == "crop" else stage for stage in stages}
    return _taking(card, other, [entry for entry in _FIELDS if entry[0] in wanted])


def _taking(card: ModelCard, other: ModelCard, fields: Sequence[tuple[Stage, tuple[str, ...]]]) -> ModelCard:
    values: dict[str, Any] = {name: getattr(other, name) for _, names in fields for name in names}
    return replace(card, **values)


def _differ(a: ModelCard, b: ModelCard, names: Sequence[str]) -> bool:
    return any(getattr(a, name, None) != getattr(b, name, None) for name in names)


def _same_shape(a: ModelCard, b: ModelCard) -> tuple[ModelCard, list[tuple[Change, str]]]:
    """Return card b for inputs of a's shape, and what that takes; the models themselves want it otherwise."""
    forced: list[tuple[Change, str]] = []
    if a.channels != b.channels:
        change = Change(stage="colour", expected=a.colour, found=b.colour)
        forced.append((change, "one model takes colour, the other grey; their arithmetic is not compared"))
        b = replace(b, colour=a.colour, scale=a.scale, mean=a.mean, std=a.std)
    if a.size_hw != b.size_hw:
        words = ["x".join(str(side) for side in card.size_hw) for card in (a, b)]
        forced.append((Change(stage="size", expected=words[0], found=words[1]), "the models take different sizes"))
        b = resized(b, a.size_hw)
    return b, forced


def _change(a: ModelCard, b: ModelCard, entry: tuple[Stage, tuple[str, ...]]) -> Change:
    stage, names = entry
    if stage == "resize":
        return Change(stage="crop" if a.resize == b.resize == "crop" else "resize", expected=said(a), found=said(b))
    return Change(stage=stage, expected=_words(a, stage, names[0]), found=_words(b, stage, names[0]))


def _words(card: ModelCard, stage: Stage, name: str) -> str:
    if stage == "scale":
        return span(card)
    value = getattr(card, name)
    return switched(value) if stage == "antialias" else numbers(value) if stage in {"mean", "std"} else str(value)


def _worded(a: ModelCard, b: ModelCard) -> list[Stage]:
    """Return the stages that the cards word differently."""
    return [stage for stage, names in _FIELDS if _differ(a, b, names)]


def _nothing() -> Residual:
    return Residual(mean=0.0, rms=0.0, most=0.0, max=0.0)
