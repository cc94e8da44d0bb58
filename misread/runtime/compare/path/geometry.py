"""Hypotheses about decoding and geometry: how else a picture may have come to the input's size."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, get_args

from misread.card import PAD_LEVEL, Interpolation, Resize
from misread.runtime.compare.path.kernels import KERNELS
from misread.runtime.compare.path.result import Change
from misread.runtime.compare.path.way import CROPS
from misread.runtime.compare.path.words import switched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from misread.card import ModelCard
    from misread.runtime.compare.path.way import Way

#: How far the shortest side before a crop is sought, in multiples of the crop.
WIDEST: Final = 2.0
_STEPS: Final = 56
#: Grey levels that a letterbox is padded with in the field.
PADDED: Final = (PAD_LEVEL, 0, 128, 255)


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """A way that departs from the expected one in decoding or geometry.

    Attributes:
        way: the way.
        changes: where it departs.
    """

    way: Way
    changes: tuple[Change, ...]


def single(way: Way, short_px: Sequence[int]) -> Iterator[Move]:
    """Yield every way that departs from `way` in one respect.

    Args:
        way: what is expected.
        short_px: shortest sides before a crop that are worth a try.
    """
    yield Move(
        way=replace(way, oriented=not way.oriented),
        changes=(Change(stage="decode", expected=_applied(way.oriented), found=_applied(not way.oriented)),),
    )
    yield from modes(way, short_px)
    yield from kernels(way)


def modes(way: Way, short_px: Sequence[int]) -> Iterator[Move]:
    """Yield the other resize modes and crops."""
    card = way.card
    for px in short_px:
        if card.resize != "crop" or px != card.resize_px:
            other = recut(card, "crop", px=px)
            stage: Any = "crop" if card.resize == "crop" else "resize"
            yield Move(way=replace(way, card=other), changes=(_change(stage, said(card), said(other)),))
    for other in (recut(card, "squash"), *(recut(card, "letterbox", pad_level=level) for level in PADDED)):
        if said(other) != said(card):
            yield Move(way=replace(way, card=other), changes=(_change("resize", said(card), said(other)),))
    if card.resize == "crop":
        for crop, words in CROPS:
            yield Move(way=replace(way, crop=crop), changes=(_change("crop", "torchvision's rounding", words),))


def kernels(way: Way) -> Iterator[Move]:
    """Yield the other kernels, with the same antialiasing and with the other."""
    card = way.card
    smooth = _change("antialias", switched(card.antialias), switched(not card.antialias))
    yield Move(way=replace(way, card=replace(card, antialias=not card.antialias)), changes=(smooth,))
    for name in get_args(Interpolation):
        if name != card.interpolation:
            other = replace(card, interpolation=name)
            swap = _change("kernel", card.interpolation, name)
            yield Move(way=replace(way, card=other), changes=(swap,))
            if {name, card.interpolation} <= {"bilinear", "bicubic"}:  # the others have no antialiasing
                both = replace(other, antialias=not card.antialias)
                yield Move(way=replace(way, card=both), changes=(swap, smooth))
    for name in KERNELS:
        yield Move(way=replace(way, kernel=name), changes=(_change("kernel", card.interpolation, name),))


def pairs(moves: Sequence[Move], way: Way) -> Iterator[Move]:
    """Yield every two departures that concern different stages."""
    for at, one in enumerate(moves):
        for other in moves[at + 1 :]:
            touched = {change.stage for change in one.changes}
            if touched & {change.stage for change in other.changes} or {"crop", "resize"} <= touched | {
                change.stage for change in other.changes
            }:
                continue
            yield Move(way=_both(way, one.way, other.way), changes=(*one.changes, *other.changes))


def crop_sides(card: ModelCard, rms_of: Callable[[int], float]) -> tuple[int, ...]:
    """Return the shortest sides before the crop that fit best: the nearest whole number, and common ones.

    Args:
        card: for the size of the crop.
        rms_of: what a side leaves unexplained.
    """
    least, most = max(card.size_hw), int(WIDEST * max(card.size_hw))
    step = max(1, least // _STEPS)
    known = {least, round(least / 0.875), *([card.resize_px] if card.resize_px else [])}
    seen = {px: rms_of(px) for px in sorted({*range(least, most + 1, step), *known})}
    for width in (step // 2, 1):
        best = min(seen, key=seen.__getitem__)
        near = range(max(least, best - step), min(most, best + step) + 1, max(1, width))
        seen |= {px: rms_of(px) for px in near if px not in seen}
    return (min(seen, key=seen.__getitem__),)


def recut(card: ModelCard, mode: Resize, *, px: int | None = None, pad_level: int = PAD_LEVEL) -> ModelCard:
    """Return the card with another resize mode."""
    return replace(card, resize=mode, resize_px=px, pad_level=pad_level)


def resized(card: ModelCard, size_hw: tuple[int, int]) -> ModelCard:
    """Return the card for another input size, cropping the same share of the picture."""
    if card.resize != "crop" or card.resize_px is None:
        return replace(card, size_hw=size_hw)
    px = max(*size_hw, round(card.resize_px * max(size_hw) / max(card.size_hw)))
    return recut(replace(recut(card, "squash"), size_hw=size_hw), "crop", px=px)


def said(card: ModelCard) -> str:
    """Return the resize mode of a card in words."""
    if card.resize == "letterbox":
        return f"letterbox on {card.pad_level}"
    return f"crop from {card.resize_px} px" if card.resize == "crop" else card.resize


def _both(way: Way, one: Way, other: Way) -> Way:
    """Return `way` with what each of the two changes in it."""
    fields = ("resize", "resize_px", "pad_level", "interpolation", "antialias")
    taken: dict[str, Any] = {}
    for source in (one, other):
        taken |= {
            name: getattr(source.card, name) for name in fields if getattr(source.card, name) != getattr(way.card, name)
        }
    return replace(
        way,
        card=replace(way.card, **taken),
        oriented=one.oriented if one.oriented != way.oriented else other.oriented,
        kernel=one.kernel or other.kernel,
        crop=one.crop if one.crop != way.crop else other.crop,
    )


def _change(stage: Any, expected: str, found: str) -> Change:
    return Change(stage=stage, expected=expected, found=found)


def _applied(oriented: bool) -> str:  # noqa: FBT001
    return "applied" if oriented else "ignored"
