"""`misread compare`: two readers on the same pictures, and why they differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from misread.data import find_samples, in_order, spread
from misread.pixels import fit
from misread.runtime.compare.fresh import BATCH
from misread.runtime.compare.noise import noise_of
from misread.runtime.compare.path.cards import compare_cards
from misread.runtime.compare.path.recorded import Recorded
from misread.runtime.compare.path.search import explain
from misread.runtime.compare.path.trial import tried_out
from misread.runtime.compare.result import Comparison, Flip, Percentiles, Side
from misread.runtime.compare.shared import Shared
from misread.runtime.fingerprint import fingerprint
from misread.runtime.noise import NoiseFloor
from misread.runtime.session import Deployed
from misread.runtime.threads import usable_threads
from misread.stats import wilson

if TYPE_CHECKING:
    from misread.data import Sample
    from misread.runtime.compare.drift import Drift
    from misread.runtime.compare.options import CompareOptions
    from misread.runtime.compare.path.result import PathFinding
    from misread.runtime.session import Reader

Progress = Callable[[str, int, int], None]
UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]
Readers = tuple["Reader", "Reader"]
Layers = Callable[["Reader", "Reader", Sequence["Sample"]], "Drift"]



@dataclass(kw_only=True, slots=True)
class _Tally:
    """What has been seen so far, picture by picture; no picture and no logit stays."""

    names: list[str] = field(default_factory=list)
    tops: list[tuple[str, str]] = field(default_factory=list)
    margins: list[tuple[float, float]] = field(default_factory=list)
    truths: list[str | None] = field(default_factory=list)
    right: list[tuple[bool, bool]] = field(default_factory=list)
    unshared: list[tuple[bool, bool]] = field(default_factory=list)
    largest: list[float] = field(default_factory=list)
    relative: list[float] = field(default_factory=list)


def compare(
    a: Reader,
    b: Reader,
    options: CompareOptions,
    *,
    layers: Layers | None = None,
    progress: Progress = lambda *_: None,
) -> Comparison:
    """Read the same pictures with both, each fed as its own card says, and say how and why they differ.

    Args:
        a: the reference: a build, a twin, or whatever else reads pictures.
        b: the other.
        options: the pictures and the gate.
        layers: measures the drift by layer, as `misread.export.drift.layer_drift` does; without it none is.
        progress: told what is being done, how much of it is done, and how much there is.

    Raises:
        InputError: the two share no labels, or recorded inputs belong to no picture.
        FileError: no pictures, or one that cannot be read.
        ModelRunError: one of the two cannot be run.
    """
    readers, shared = (a, b), Shared.between(a, b)
    samples = spread(find_samples(options.data, a.card.labels), options.limit)
    recorded = [place and Recorded.open(place) for place in (options.inputs_a, options.inputs_b)]
    tally, kept = _read(readers, samples, shared, options.noise_pictures, progress)
    floors = []
    for at, reader in enumerate(readers):
        progress("measuring noise", at, 2)
        floors.append(noise_of(reader, np.stack([pair[at] for pair in kept])))
    progress("comparing paths", 0, 0)
    paths = [_cards(readers, samples, shared)]
    for side, (reader, record) in enumerate(zip(readers, recorded, strict=True)):
        if record is not None:
            what = f"the inputs recorded of {'AB'[side]} and its card"
            paths.append(explain(record, samples, reader.card, what=what))
    drift = None
    if layers is not None:
        progress("comparing layers", 0, 0)
        drift = layers(a, b, samples)
    progress("done", 1, 1)
    return _comparison(readers, options, shared, tally, (floors[0], floors[1]), paths, drift)


def _cards(readers: Readers, samples: Sequence[Sample], shared: Shared) -> PathFinding:
    finding = compare_cards(readers[0].card, readers[1].card, samples, what="the ways to A and to B")
    return tried_out(finding, readers, samples, shared)


def _read(
    readers: Readers, samples: Sequence[Sample], shared: Shared, wanted: int, progress: Progress
) -> tuple[_Tally, list[tuple[UInt8, UInt8]]]:
    """Read every picture with both; return what was seen, and the prepared pictures that the noise is measured on."""
    tally, kept = _Tally(), []
    noisy = {sample.name for sample in spread(samples, wanted)}
    done = 0
    for chunk in _chunks(readers, samples):
        stacks = [np.stack([pair[at] for _, pair in chunk]) for at in (0, 1)]
        logits = [reader.read_prepared(stack).logits for reader, stack in zip(readers, stacks, strict=True)]
        for row, (sample, pair) in enumerate(chunk):
            _count(tally, sample, readers, shared, (logits[0][row], logits[1][row]))
            if sample.name in noisy:
                kept.append(pair)
        done += len(chunk)
        progress("reading pictures", done, len(samples))
    return tally, kept


def _chunks(readers: Readers, samples: Sequence[Sample]) -> Iterator[list[tuple[Sample, tuple[UInt8, UInt8]]]]:
    cards = [reader.card for reader in readers]

    def work(sample: Sample) -> tuple[Sample, tuple[UInt8, UInt8]]:
        image = sample.read()
        return sample, (fit(image, cards[0]), fit(image, cards[1]))

    chunk = []
    for entry in in_order(samples, work, workers=usable_threads()):
        chunk.append(entry)
        if len(chunk) == BATCH:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _count(tally: _Tally, sample: Sample, readers: Readers, shared: Shared, logits: tuple[Float32, Float32]) -> None:
    both = [shared.of(values[None], other=bool(at))[0] for at, values in enumerate(logits)]
    tops = [int(values.argmax()) for values in both]
    full = [reader.card.labels[int(values.argmax())] for reader, values in zip(readers, logits, strict=True)]
    truth = None if sample.label is None else readers[0].card.labels[sample.label]
    tally.names.append(sample.name)
    tally.tops.append((shared.labels[tops[0]], shared.labels[tops[1]]))
    tally.margins.append(
        (float(both[0][tops[0]] - both[0][tops[1]]), float(both[1][tops[1]] - both[1][tops[0]])),
    )
    tally.truths.append(truth)
    tally.right.append(tuple(truth is not None and name.casefold() == truth.casefold() for name in full))  # type: ignore[arg-type]
    columns = [set(shared.columns[at].tolist()) for at in (0, 1)]
    tally.unshared.append(tuple(int(v.argmax()) not in c for v, c in zip(logits, columns, strict=True)))  # type: ignore[arg-type]
    apart = float(np.abs(both[1].astype(np.float64) - both[0]).max())
    span = float(both[0].max() - both[0].min())
    tally.largest.append(apart)
    tally.relative.append(apart / span if span > 0 else 0.0 if apart == 0 else float("inf"))


def _comparison(
    readers: Readers,
    options: CompareOptions,
    shared: Shared,
    tally: _Tally,
    floors: tuple[NoiseFloor, NoiseFloor],
    paths: Sequence[PathFinding],
    drift: Drift | None,
) -> Comparison:
    flips = tuple(_flips(tally, floors))
    total = len(tally.names)
    return Comparison(
        data=options.data,
        pictures=total,
        shared_labels=len(shared.labels),
        agreement=wilson(total - len(flips), total),
        in_noise=sum(bool(flip.in_noise_of) for flip in flips),
        min_agreement=options.min_agreement,
        flips=flips,
        space=shared.spaces,
        difference=Percentiles.of(tally.largest),
        relative=Percentiles.of(tally.relative),
        a=_side(readers[0], tally, floors[0], 0),
        b=_side(readers[1], tally, floors[1], 1),
        paths=tuple(paths),
        drift=drift,
    )


def _flips(tally: _Tally, floors: tuple[NoiseFloor, NoiseFloor]) -> Iterator[Flip]:
    for at, (label_a, label_b) in enumerate(tally.tops):
        if label_a != label_b:
            margins = tally.margins[at]
            yield Flip(
                name=tally.names[at],
                label_a=label_a,
                label_b=label_b,
                margin_a=margins[0],
                margin_b=margins[1],
                truth=tally.truths[at],
                in_noise_of=tuple("AB"[side] for side in (0, 1) if margins[side] <= floors[side].margin),
            )


def _side(reader: Reader, tally: _Tally, floor: NoiseFloor, side: int) -> Side:
    known = [at for at, truth in enumerate(tally.truths) if truth is not None]
    return Side(
        name=reader.name,
        fingerprint=fingerprint(reader) if isinstance(reader, Deployed) else None,
        card_from=tuple(getattr(reader, "card_sources", ())),
        labels=len(reader.card.labels),
        accuracy=wilson(sum(tally.right[at][side] for at in known), len(known)) if known else None,
        unshared=sum(entry[side] for entry in tally.unshared),
        noise=floor,
    )
