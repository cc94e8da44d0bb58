"""What a set of pictures cannot show: the stages whose departures would leave no trace in them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, get_args

from misread.runtime.compare.path.geometry import recut
from misread.runtime.compare.path.result import STAGES, Stage

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from misread.runtime.compare.path.gallery import Gallery
    from misread.runtime.compare.path.way import Way

ALL: Final[tuple[Stage, ...]] = get_args(Stage)
_TRACE_LEVELS: Final = 0.6
_VARIES_LEVELS: Final = 2.0


def unseen(way: Way, gallery: Gallery, stages: Collection[Stage] = ALL) -> tuple[str, ...]:
    """Return the stages that these pictures cannot tell, each with its reason.

    Args:
        way: as the pictures are fed.
        gallery: the pictures.
        stages: which to look at.
    """
    found = [
        f"{STAGES[stage]}: {why}"
        for stage, why, other in _probes(way)
        if stage in stages and gallery.apart(way, other).rms <= _TRACE_LEVELS
    ]
    if {"mean", "std"} & set(stages) and gallery.spread(way) <= _VARIES_LEVELS:
        found.append("mean and std: the pictures hold one level only")
    if "decode" in stages and not gallery.turned():
        found.append("EXIF orientation: no picture carries one")
    return tuple(found)


def _probes(way: Way) -> Iterator[tuple[Stage, str, Way]]:
    card = way.card
    if card.colour != "grey":
        order: Any = {"rgb": "bgr", "bgr": "rgb"}[card.colour]
        turned = replace(card, colour=order, mean=card.mean[::-1], std=card.std[::-1])
        yield "colour", "the pictures are grey", replace(way, card=turned)
    if not way.kernel and card.interpolation in {"bilinear", "bicubic"}:
        yield (
            "antialias",
            "no picture shrinks, or none has detail",
            replace(way, card=replace(card, antialias=not card.antialias)),
        )
        kernel: Any = {"bilinear": "bicubic", "bicubic": "bilinear"}[card.interpolation]
        yield "kernel", "the pictures have no detail", replace(way, card=replace(card, interpolation=kernel))
    other = recut(card, "squash") if card.resize != "squash" else recut(card, "crop", px=max(card.size_hw))
    yield "resize", "the pictures have the shape of the input, or no detail", replace(way, card=other, crop="card")
