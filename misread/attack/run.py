"""From pictures to a bundle: load, attack in chunks, finish on the deployed builds, write."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from misread.attack.craft import Craft, Picture
from misread.attack.judges import Judges
from misread.bundle import BundleWriter
from misread.data import find_samples
from misread.export.origin import load_origin
from misread.files import atomic_folder, jsonable, refuse_existing
from misread.pixels import fit, read_image
from misread.stats import wilson

if TYPE_CHECKING:
    from collections.abc import Iterator

    from misread.attack.options import AttackOptions
    from misread.attack.space import Space
    from misread.bundle import Bundle
    from misread.card import ModelCard
    from misread.data import Sample
    from misread.stats import Rate

Progress = Callable[[str, int, int], None]
CHUNK: Final = 8
CHUNK_VALUES: Final = 2**20
"""Pixel values in one chunk: eight pictures of 200x200."""


def quiet(what: str, done: int, total: int) -> None:
    """Report progress to nobody."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AttackResult:
    """What came of it.

    Attributes:
        bundle: The witnesses.
        pictures: Pictures taken.
        skipped: Pictures that the twin misreads already, or reads as the goal, or whose own label is all it could want.
        found: Share of the others for which the twin misreads an 8-bit image.
        verified: Per build, the share of the witnesses that it misreads while it reads the clean picture right;
            witnesses whose clean picture it misreads are not in the denominator.
        zero_gradients: Pictures whose gradient vanished at least once.
        passes: Mean of forward passes per attacked picture.
        gradients: Mean of gradient passes per attacked picture.
        seconds: Wall-clock time, loading included.
    """

    bundle: Bundle
    pictures: int
    skipped: int
    found: Rate
    verified: dict[str, Rate]
    zero_gradients: int
    passes: float
    gradients: float
    seconds: float


def attack_to_bundle(options: AttackOptions, *, progress: Progress = quiet) -> AttackResult:
    """Attack pictures and write the witnesses; the bundle is whole or absent.

    Raises:
        MisreadError: one sentence that says what is wrong and what to type.
    """
    started = time.perf_counter()
    refuse_existing(options.out, overwrite=options.overwrite)
    progress("loading", 0, 1)
    origin = load_origin(
        options.origin,
        weights=options.weights,
        labels=options.labels,
        size_hw=options.size_hw,
        preparation=options.preparation,
    )
    samples = _spread(find_samples(options.pictures, origin.card.labels), options.limit)
    craft = Craft(options, origin, Judges.open(options.builds, origin.card))
    with atomic_folder(options.out, overwrite=options.overwrite) as folder:
        writer, done = BundleWriter(folder), 0
        progress("attacking", done, len(samples))
        for chunk in _chunks(samples, origin.card, options.space):
            craft.take(chunk, writer)
            done += len(chunk)
            progress("attacking", done, len(samples))
        bundle = _finish(writer, options, origin.card, craft, len(samples))
    return _result(replace(bundle, folder=options.out), craft, len(samples), time.perf_counter() - started)


def _finish(writer: BundleWriter, options: AttackOptions, card: ModelCard, craft: Craft, pictures: int) -> Bundle:
    tally, threat = craft.tally, options.threat
    return writer.finish(
        card=card,
        origin=options.origin,
        threat={
            "norm": threat.norm,
            "eps": threat.eps,
            "levels": threat.levels,
            "goal": options.wish.text,
            "space": options.space,
        },
        attack={
            "name": options.attack,
            "seed": options.seed,
            "settings": jsonable(asdict(craft.attack)),  # type: ignore[call-overload]  # attacks are dataclasses
            "finished_on": [reader.name for reader in craft.judges.readers],
        },
        counts={
            "pictures": pictures,
            "skipped": pictures - tally.attempted,
            "attempted": tally.attempted,
            "proposed": tally.proposed,
            "found": tally.found,
        },
    )


def _result(bundle: Bundle, craft: Craft, pictures: int, seconds: float) -> AttackResult:
    tally = craft.tally
    attacked = max(1, tally.attempted)
    names = [reader.name for reader in craft.judges.readers]
    return AttackResult(
        bundle=bundle,
        pictures=pictures,
        skipped=pictures - tally.attempted,
        found=wilson(tally.found, tally.attempted),
        verified={name: wilson(*counts) for name, counts in zip(names, tally.verified, strict=True)},
        zero_gradients=tally.zero_gradients,
        passes=tally.forwards / attacked,
        gradients=tally.backwards / attacked,
        seconds=seconds,
    )


def _spread(samples: tuple[Sample, ...], limit: int | None) -> tuple[Sample, ...]:
    if limit is None or limit >= len(samples):
        return samples
    return tuple(samples[at] for at in np.linspace(0, len(samples) - 1, limit).astype(int))


def _chunks(samples: tuple[Sample, ...], card: ModelCard, space: Space) -> Iterator[list[Picture]]:
    """Pictures of one size in a row, a few at a time; never all in memory."""
    chunk: list[Picture] = []
    for sample in samples:
        pixels = read_image(sample.path)
        if space == "input":
            pixels = fit(pixels, card)
        full = len(chunk) == CHUNK or (len(chunk) + 1) * pixels.size > CHUNK_VALUES
        if chunk and (full or chunk[0].pixels.shape != pixels.shape):
            yield chunk
            chunk = []
        chunk.append(Picture(sample=sample, pixels=pixels))
    if chunk:
        yield chunk
