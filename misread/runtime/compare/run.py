"""`misread compare`: two readers on the same pictures, and why they differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

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
from misread.runtime.compare.result import Comparison
from misread.runtime.compare.shared import Shared
from misread.runtime.compare.tally import Tally
from misread.runtime.threads import usable_threads

if TYPE_CHECKING:
    from misread.card import ModelCard
    from misread.data import Sample
    from misread.runtime.compare.drift import Drift
    from misread.runtime.compare.options import CompareOptions
    from misread.runtime.compare.path.result import PathFinding
    from misread.runtime.session import Reader

Progress = Callable[[str, int, int], None]
Layers = Callable[["Reader", "Reader", Sequence["Sample"]], "Drift"]
UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]


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
    tally = Tally(readers=(a, b), shared=Shared.between(a, b))
    samples = spread(find_samples(options.data, a.card.labels), options.limit)
    recorded = [Recorded.open(place) if place else None for place in (options.inputs_a, options.inputs_b)]
    kept = _read(tally, samples, options.noise_pictures, progress)
    progress("measuring noise", 0, 2)
    floor_a = noise_of(a, np.stack([pair[0] for pair in kept]))
    progress("measuring noise", 1, 2)
    floor_b = noise_of(b, np.stack([pair[1] for pair in kept]))
    progress("comparing the ways to the models", 0, 0)
    paths = tuple(_paths(tally, samples, recorded))
    if layers is not None:
        progress("comparing layers", 0, 0)
    drift = layers(a, b, samples) if layers is not None else None
    progress("done", 1, 1)
    flips = tuple(tally.flips((floor_a, floor_b)))
    return Comparison(
        data=options.data,
        pictures=len(samples),
        shared_labels=len(tally.shared.labels),
        agreement=tally.agreement,
        in_noise=sum(bool(flip.in_noise_of) for flip in flips),
        min_agreement=options.min_agreement,
        flips=flips,
        space=tally.shared.space,
        difference=tally.difference,
        relative=tally.relative,
        a=tally.side(0, floor_a),
        b=tally.side(1, floor_b),
        paths=paths,
        drift=drift,
    )


def _paths(tally: Tally, samples: Sequence[Sample], recorded: Sequence[Recorded | None]) -> Iterator[PathFinding]:
    """Yield how the two cards differ, then what was recorded of each side."""
    a, b = tally.readers
    finding = compare_cards(a.card, b.card, samples, what="the ways to A and to B")
    yield tried_out(finding, tally.readers, samples, tally.shared)
    for side, record in enumerate(recorded):
        if record is not None:
            what = f"the inputs recorded of {'AB'[side]} and its card"
            yield explain(record, samples, tally.readers[side].card, what=what)


def _read(tally: Tally, samples: Sequence[Sample], wanted: int, progress: Progress) -> list[tuple[UInt8, UInt8]]:
    """Read every picture with both; return some, prepared for each, that their noise is measured on."""
    kept: list[tuple[UInt8, UInt8]] = []
    a, b = (reader.card for reader in tally.readers)
    noisy = set(spread(range(len(samples)), wanted))
    done = 0
    for chunk in _chunks(tally, samples):
        logits = [_logits(reader, [pair[side] for pair in chunk]) for side, reader in enumerate(tally.readers)]
        for row, pair in enumerate(chunk):
            tally.count(samples[done], (logits[0][row], logits[1][row]))
            kept += [(fit(pair[0], a), fit(pair[1], b))] if done in noisy else []
            done += 1
        progress("reading pictures", done, len(samples))
    return kept


def _logits(reader: Reader, pictures: Sequence[UInt8]) -> Float32:
    """Read what `_brought` made of pictures."""
    return (
        reader.read(pictures).logits
        if reader.card.baked_preprocessing
        else reader.read_prepared(np.stack(pictures)).logits
    )


def _brought(image: UInt8, card: ModelCard) -> UInt8:
    """Bring a picture to the input's size, unless the graph does that itself."""
    return image if card.baked_preprocessing else fit(image, card)


def _chunks(tally: Tally, samples: Sequence[Sample]) -> Iterator[list[tuple[UInt8, UInt8]]]:
    """Yield the pictures in their order, some at a time, each prepared for A and for B."""
    a, b = (reader.card for reader in tally.readers)

    def work(sample: Sample) -> tuple[UInt8, UInt8]:
        image = sample.read()
        return _brought(image, a), _brought(image, b)

    chunk: list[tuple[UInt8, UInt8]] = []
    for pair in in_order(samples, work, workers=usable_threads()):
        chunk.append(pair)
        if len(chunk) == BATCH:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
