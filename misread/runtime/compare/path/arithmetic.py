"""Hypotheses about colour order, scale, mean and std: all in closed form from the moments of one geometry."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from misread.runtime.compare.path.result import Change
from misread.runtime.compare.path.way import affine
from misread.runtime.compare.path.words import numbers, span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from misread.card import ModelCard
    from misread.runtime.compare.path.moments import Moments
    from misread.runtime.compare.path.result import Stage

Float64 = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """A normalisation that many models use: `(level * scale - mean) / std`, RGB."""

    name: str
    scale: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


RECIPES: Final[tuple[Recipe, ...]] = (
    Recipe(name="none (0..1)", scale=1 / 255, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)),
    Recipe(name="none (0..255)", scale=1.0, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)),
    Recipe(name="ImageNet", scale=1 / 255, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
    Recipe(name="0.5/0.5 (Inception, -1..1)", scale=1 / 255, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),
    Recipe(name="(level - 128) / 128", scale=1.0, mean=(128.0, 128.0, 128.0), std=(128.0, 128.0, 128.0)),
    Recipe(name="Caffe means", scale=1.0, mean=(123.68, 116.779, 103.939), std=(1.0, 1.0, 1.0)),
    Recipe(name="Caffe means times 0.017", scale=0.017, mean=(2.1026, 1.9852, 1.767), std=(1.0, 1.0, 1.0)),
    Recipe(
        name="CLIP",
        scale=1 / 255,
        mean=(0.48145466, 0.4578275, 0.40821073),
        std=(0.26862954, 0.26130258, 0.27577711),
    ),
    Recipe(name="CIFAR-10", scale=1 / 255, mean=(0.4914, 0.4822, 0.4465), std=(0.2470, 0.2435, 0.2616)),
)
_NEAR: Final = 0.01
_UNSEEN: Final = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One hypothesis about the arithmetic.

    Attributes:
        card: the card as it would have to be.
        changes: where it departs.
        cost: how many independent mistakes that takes.
        rms: levels left.
    """

    card: ModelCard
    changes: tuple[Change, ...]
    cost: int
    rms: float


def cases(card: ModelCard, moments: Moments) -> Iterator[Case]:
    """Yield every hypothesis for the card, the likeliest of each cost first.

    Args:
        card: what is expected.
        moments: of levels in RGB order (or grey) against what was recorded.
    """
    for ordered, changes in _orders(card):
        sums = moments.reversed() if ordered.colour == "bgr" else moments
        for known, more, cost in _normalised(ordered, sums):
            rms = sums.rms_levels(*affine(known)) if known is not None else float("inf")
            if known is not None and np.isfinite(rms):
                yield Case(card=known, changes=(*changes, *more), cost=cost + len(changes), rms=rms)


def _orders(card: ModelCard) -> Iterator[tuple[ModelCard, tuple[Change, ...]]]:
    yield card, ()
    if card.colour != "grey":
        other: Any = {"rgb": "bgr", "bgr": "rgb"}[card.colour]
        swapped = replace(card, colour=other)
        yield swapped, (Change(stage="colour", expected=card.colour, found=other),)
        if len(set(card.mean)) > 1 or len(set(card.std)) > 1:
            late = replace(swapped, mean=card.mean[::-1], std=card.std[::-1])
            yield late, (Change(stage="colour", expected=card.colour, found=f"{other}, swapped after mean and std"),)


def _normalised(card: ModelCard, sums: Moments) -> Iterator[tuple[ModelCard | None, tuple[Change, ...], int]]:
    yield card, (), 0
    for factor in (255.0, 1 / 255):
        scaled = replace(card, scale=card.scale * factor)
        yield scaled, (Change(stage="scale", expected=span(card), found=span(scaled)),), 1
    if card.mean != card.mean[::-1] or card.std != card.std[::-1]:
        turned = replace(card, mean=card.mean[::-1], std=card.std[::-1])
        yield turned, _named(card, turned, note=" (in reverse order)"), 1
    yield from _fitted(card, sums)
    for recipe in RECIPES:
        told = _following(card, recipe)
        if told is not None:
            yield told, _named(card, told, note=f" ({recipe.name})"), 1
    gain, offset = sums.fit()
    free = _with(card, gain, offset)
    if free is not None:
        yield free, _named(card, free, note=""), 2


def _fitted(card: ModelCard, sums: Moments) -> Iterator[tuple[ModelCard | None, tuple[Change, ...], int]]:
    """Yield the best std for the card's mean, the best mean for its std, and each of these on the other scale."""
    for factor in (1.0, 255.0, 1 / 255):
        base = replace(card, scale=card.scale * factor)
        shift = () if factor == 1 else (Change(stage="scale", expected=span(card), found=span(base)),)
        cost = 1 + len(shift)
        zero = np.asarray(base.mean, np.float64) / base.scale
        gain = sums.gain(zero)
        other_std = _with(base, gain, -gain * zero)
        if other_std is not None:
            other_std = replace(other_std, mean=base.mean)
            yield other_std, (*shift, *_named(base, other_std, note="")), cost
        gain = affine(base)[0]
        other_mean = _with(base, gain, sums.offset(gain))
        if other_mean is not None:
            other_mean = replace(other_mean, std=base.std)
            yield other_mean, (*shift, *_named(base, other_mean, note="")), cost


def _with(card: ModelCard, gain: Float64, offset: Float64) -> ModelCard | None:
    """Return the card whose arithmetic is that gain and offset, with its own scale; None where no card can say it."""
    if not ((gain > 0).all() and np.isfinite(gain).all() and np.isfinite(offset).all()):
        return None
    std = card.scale / gain
    return replace(card, mean=_floats(-offset * std), std=_floats(std))


def _following(card: ModelCard, recipe: Recipe) -> ModelCard | None:
    """Return the card with the recipe's arithmetic on its own scale; None where that is what it has already."""
    turn = slice(None, None, -1) if card.colour == "bgr" else slice(None)
    mean, std = (np.asarray(values, np.float64)[turn][: card.channels] for values in (recipe.mean, recipe.std))
    told = _with(card, recipe.scale / std, -mean / std)
    same = told is not None and all(
        _near(*pair, relative=1e-3, absolute=1e-8) for pair in zip(affine(told), affine(card), strict=True)
    )
    return None if same else told


def _named(card: ModelCard, other: ModelCard, *, note: str) -> tuple[Change, ...]:
    level = _UNSEEN * card.scale
    fields: tuple[tuple[Stage, tuple[float, ...], tuple[float, ...], float], ...] = (
        ("mean", card.mean, other.mean, level),
        ("std", card.std, other.std, 0.0),
    )
    return tuple(
        Change(
            stage=stage,
            expected=numbers(old),
            found=_found(new, least) + (note or _recognised(stage, other, new)),
        )
        for stage, old, new, least in fields
        if not _near(old, new, relative=2e-3, absolute=least)
    )


def _found(values: tuple[float, ...], least: float) -> str:
    """Return fitted numbers to the three digits that a fit is good for; what is no larger than `least` is 0."""
    return numbers([value if abs(value) > least else 0.0 for value in values], digits=3)


def _recognised(stage: Stage, card: ModelCard, values: tuple[float, ...]) -> str:
    for recipe in RECIPES:
        factor = card.scale / recipe.scale
        known = np.asarray(recipe.mean if stage == "mean" else recipe.std, np.float64) * factor
        known = (known[::-1] if card.colour == "bgr" else known)[: card.channels]
        if _near(values, known, relative=_NEAR, absolute=_NEAR * card.scale):
            return f" ({recipe.name})"
    return ""


def _near(values: Iterable[float], known: Iterable[float], *, relative: float, absolute: float) -> bool:
    """Whether each value is within `absolute + relative * |known|` of its own; thousands of threes are asked about."""
    pairs = zip(values, known, strict=True)
    return all(abs(value - wanted) <= absolute + relative * abs(wanted) for value, wanted in pairs)


def _floats(values: Float64) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
