"""The smallest set of mistakes that explains what somebody's code fed to a model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from misread.data import spread
from misread.runtime.compare.path.arithmetic import cases
from misread.runtime.compare.path.gallery import Gallery
from misread.runtime.compare.path.geometry import Move, crop_sides, pairs, recut, resized, single
from misread.runtime.compare.path.result import STAGES, Change, Effect, PathFinding, Residual, Tried
from misread.runtime.compare.path.tolerance import MOST_LEVELS, RMS_LEVELS, within
from misread.runtime.compare.path.unseen import unseen
from misread.runtime.compare.path.way import Way, affine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from misread.card import ModelCard
    from misread.data import Sample
    from misread.runtime.compare.path.recorded import Recorded

#: Two hypotheses that leave residuals this close are told apart by nothing.
SAME_LEVELS: Final = 0.05
#: Pictures over which hypotheses are tried, and over which the result is measured.
SEARCHED: Final = 6
MEASURED: Final = 32
_DECODER_LEVELS: Final = 2.5
_SAME_GAIN: Final = 0.005
_HOPEFUL: Final = 2.0
_MAX_BYTES: Final = 256 * 2**20


@dataclass(frozen=True, kw_only=True, slots=True)
class Hypothesis:
    """A way that may be the one that was used.

    Attributes:
        way: the way.
        changes: where it departs from what was expected.
        cost: how many independent mistakes it takes.
        rms: levels that it leaves, over the pictures of the search.
    """

    way: Way
    changes: tuple[Change, ...]
    cost: int
    rms: float

    @property
    def stages(self) -> frozenset[str]:
        """Where it departs."""
        return frozenset(change.stage for change in self.changes)

    @property
    def text(self) -> str:
        """The changes in words."""
        return "; ".join(change.text for change in self.changes) or "as the card says"


def explain(recorded: Recorded, samples: Sequence[Sample], card: ModelCard, *, what: str) -> PathFinding:
    """Explain recorded inputs by the card they should follow.

    Args:
        recorded: what was fed, by picture.
        samples: the pictures.
        card: how they should have been fed.
        what: the two ways in words, for the sentence.

    Raises:
        InputError: no picture was recorded.
        FileError: a record is no input, or a picture cannot be read.
    """
    gallery = _gallery(recorded, samples)
    start, forced = _fitting(card, gallery.recorded[0].shape)
    way = Way(card=start)
    final, alternatives, seen = _search(way, gallery)
    if _explains(final) and not within(gallery.residual(final.way)):  # the first pictures did not show all there is
        gallery = gallery.led_by(_worst_first(final.way, gallery))
        final, alternatives, seen = _search(way, gallery)
    before = gallery.residual(way) if not forced else Residual(mean=0.0, rms=0.0, most=0.0, max=0.0)
    left = gallery.residual(final.way)
    explained = within(left)
    changes = tuple(sorted((*forced, *final.changes), key=_place))
    return PathFinding(
        what=what,
        pictures=len(gallery),
        before=before,
        left=left,
        explained=explained,
        effects=_effects(way, final, changes, gallery) if explained else (),
        alternatives=tuple(other.text for other in alternatives) if explained else (),
        unseen=unseen(final.way, gallery),
        tried=_tried(seen),
        tolerance=(RMS_LEVELS, MOST_LEVELS),
        sides=("card", "fed"),
        remark="" if explained else _decoder(left, gallery, final),
    )


def _gallery(recorded: Recorded, samples: Sequence[Sample]) -> Gallery:
    """Take some of the pictures that were recorded, evenly spread, and of these the ones with the first one's shape."""
    matched = recorded.matched(samples)
    first = recorded.planes(matched[0][1])
    most = min(MEASURED, max(SEARCHED, _MAX_BYTES // first.nbytes))
    fed = [(sample, recorded.planes(name)) for sample, name in spread(matched, most)]
    kept = [(sample, planes) for sample, planes in fed if planes.shape == first.shape]
    return Gallery([sample for sample, _ in kept], [planes for _, planes in kept])


def _fitting(card: ModelCard, shape: tuple[int, ...]) -> tuple[ModelCard, tuple[Change, ...]]:
    """Return the card at the size and with the channels of the record, and what that changed."""
    channels, size = shape[0], (shape[1], shape[2])
    changes: tuple[Change, ...] = ()
    if channels != card.channels:
        found: Any = "grey" if channels == 1 else "rgb"
        mean, std = (float(np.mean(values)) for values in (card.mean, card.std))
        changes = (Change(stage="colour", expected=card.colour, found=found),)
        card = replace(card, colour=found, mean=(mean,) * channels, std=(std,) * channels)
    if size != card.size_hw:
        words = ("x".join(str(side) for side in sides) for sides in (card.size_hw, size))
        changes = (Change(stage="size", expected=next(words), found=next(words)), *changes)
        card = resized(card, size)
    return card, changes


def _search(way: Way, gallery: Gallery) -> tuple[Hypothesis, list[Hypothesis], list[Hypothesis]]:
    """Return the best hypothesis, those that are as good, and all."""
    found = list(_judged((Move(way=way, changes=()),), gallery))
    if not _good(found, 0):
        sides = crop_sides(way.card, lambda px: _side_rms(way, px, gallery))
        moves = list(single(way, sides))
        moves = moves if gallery.turned() else [move for move in moves if move.way.oriented]
        found += _judged(moves, gallery)
        if not _good(found, 1):
            found += _judged((move for move in pairs(moves, way) if _hopeful(move, gallery)), gallery)
    return *_chosen(found), sorted(found, key=lambda one: one.rms)


def _chosen(found: Sequence[Hypothesis]) -> tuple[Hypothesis, list[Hypothesis]]:
    """Return the best hypothesis, and one for each other set of stages that explains the record as well.

    Of those that come to the same input in other words, the first one listed is the likeliest.
    """
    good = [one for one in found if _explains(one)]
    if not good:
        return min(found, key=lambda one: one.rms), []
    cost = min(one.cost for one in good)
    least = min(one.rms for one in good if one.cost == cost)
    tied = [one for one in good if one.cost == cost and one.rms <= least + SAME_LEVELS]
    closest = min(tied, key=lambda one: one.rms)
    best = next(one for one in tied if _same(one.way, closest.way))
    rivals = {one.stages: one for one in reversed(tied) if one.stages != best.stages and not _same(one.way, best.way)}
    return best, list(rivals.values())[::-1]


def _same(one: Way, other: Way) -> bool:
    """Tell whether two ways come to the same input, whatever their words."""
    if one.geometry != other.geometry or one.card.colour != other.card.colour:
        return False
    (gain, offset), (other_gain, other_offset) = affine(one.card), affine(other.card)
    return bool(
        np.allclose(gain, other_gain, rtol=_SAME_GAIN)
        and (np.abs(offset - other_offset) / gain <= _SAME_GAIN * 100).all()
    )


def _judged(moves: Iterable[Move], gallery: Gallery) -> Iterator[Hypothesis]:
    for move in moves:
        sums = gallery.moments(move.way, SEARCHED)
        for case in cases(move.way.card, sums):
            yield Hypothesis(
                way=replace(move.way, card=case.card),
                changes=(*move.changes, *case.changes),
                cost=len(move.changes) + case.cost,
                rms=case.rms,
            )


def _hopeful(move: Move, gallery: Gallery) -> bool:
    """Tell whether any colour order and arithmetic could make up for what a geometry leaves, by two pictures."""
    sums = gallery.moments(move.way, 2)
    return min(one.rms_levels(*one.fit()) for one in (sums, sums.reversed())) <= _HOPEFUL * RMS_LEVELS


def _side_rms(way: Way, px: int, gallery: Gallery) -> float:
    """Return what a crop from that shortest side leaves, whatever the colour order and arithmetic."""
    cut = replace(way, card=recut(way.card, "crop", px=px))
    sums = gallery.moments(cut, 3)
    return min(one.rms_levels(*one.fit()) for one in (sums, sums.reversed()))


def _explains(one: Hypothesis) -> bool:
    return one.rms <= RMS_LEVELS


def _good(found: Sequence[Hypothesis], cost: int) -> bool:
    return any(_explains(one) and one.cost <= cost for one in found)


def _tried(seen: Sequence[Hypothesis]) -> tuple[Tried, ...]:
    """Return the best hypothesis of each set of stages, best first."""
    best: dict[frozenset[str], Hypothesis] = {}
    for one in seen:
        best.setdefault(one.stages, one)
    return tuple(Tried(text=one.text, rms=one.rms) for one in best.values())


def _worst_first(way: Way, gallery: Gallery) -> list[int]:
    left = [gallery.residual_at(at, way).rms for at in range(len(gallery))]
    return sorted(range(len(gallery)), key=lambda at: -left[at])


def _effects(way: Way, final: Hypothesis, changes: Sequence[Change], gallery: Gallery) -> tuple[Effect, ...]:
    return tuple(Effect(change=change, levels=gallery.apart(way, _alone(way, final.way, change))) for change in changes)


def _alone(way: Way, final: Way, change: Change) -> Way:
    """Return `way` with one stage as `final` has it."""
    fields: dict[str, tuple[str, ...]] = {
        "resize": ("resize", "resize_px", "pad_level"),
        "crop": ("resize", "resize_px", "pad_level"),
        "kernel": ("interpolation",),
        "antialias": ("antialias",),
        "colour": ("colour",),
        "scale": ("scale",),
        "mean": ("mean",),
        "std": ("std",),
    }
    names = fields.get(change.stage, ())
    card = replace(way.card, **{name: getattr(final.card, name) for name in names})
    return Way(
        card=card,
        oriented=final.oriented if change.stage == "decode" else way.oriented,
        kernel=final.kernel if change.stage == "kernel" else way.kernel,
        crop=final.crop if change.stage == "crop" else way.crop,
    )


def _decoder(left: Residual, gallery: Gallery, final: Hypothesis) -> str:
    """Say what looks like another decoder: little is left, and only where pictures are JPEG files."""
    if not left.rms <= _DECODER_LEVELS:
        return ""
    jpeg = [sample.path.suffix.lower() in {".jpg", ".jpeg"} for sample in gallery.samples]
    others = [at for at, is_jpeg in enumerate(jpeg) if not is_jpeg]
    if not any(jpeg) or (others and not within(Gallery.of(gallery, others).residual(final.way))):
        return ""
    return f"what is left ({left.mean:.2f} levels) is of the size that another JPEG decoder makes"


def _place(change: Change) -> int:
    return list(STAGES).index(change.stage)
