"""A build with pictures in hand: its three steps as calls, and the pictures themselves."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from misread.data import find_samples, spread
from misread.errors import FileError
from misread.pixels import SUFFIXES, fit, read_image
from misread.runtime.session.feed import Feed, Writer
from misread.runtime.session.graph import DTYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from misread.card import ModelCard
    from misread.runtime.session import Deployed

UInt8 = NDArray[np.uint8]

#: Pictures in hand, by number and by what they take decoded: enough that no cache holds one answer.
MAX_PICTURES: Final = 16
MAX_BYTES: Final = 256 * 2**20


class Subject:
    """A build with pictures in hand; each call takes the next of them, as many as the batch holds."""

    def __init__(self, deployed: Deployed, pictures: Sequence[UInt8], batch: int) -> None:
        self.deployed, self.batch = deployed, batch
        entry, card = deployed.session.get_inputs()[0], deployed.card
        if card.baked_preprocessing:
            pictures = [picture for picture in pictures if picture.shape == pictures[0].shape]  # one call, one size
            self._into: NDArray[Any] = np.empty((batch, *pictures[0].shape), np.uint8)
            self._write: Callable[[Sequence[UInt8]], object] = partial(np.stack, out=self._into)
        else:
            feed = Feed(card, DTYPES[entry.type])
            self._into = feed.empty(batch)
            writer = Writer(feed, self._into)
            self._write = lambda batch: writer.write([fit(image, card) for image in batch])
        starts = range(0, len(pictures), batch)[: max(1, MAX_BYTES // self._into.nbytes)]
        self._batches = [[pictures[(start + more) % len(pictures)] for more in range(batch)] for start in starts]
        self._inputs = [self.prepare(at).copy() for at in range(len(self._batches))]
        self._session, self._name = deployed.session, entry.name
        self._outputs = [deployed.session.get_outputs()[0].name]

    def prepare(self, at: int) -> NDArray[Any]:
        """Bring pictures to the model's input, by the very steps that `read` takes first.

        That is (batch, c, h, w), and of a build that prepares pictures itself (batch, h, w, 3).
        """
        self._write(self._batches[at % len(self._batches)])
        return self._into

    def run(self, at: int) -> object:
        """Run onnxruntime alone, on an input that is ready."""
        return self._session.run(self._outputs, {self._name: self._inputs[at % len(self._inputs)]})

    def read(self, at: int) -> object:
        """Read pictures as misread does: prepare, run, logits."""
        return self.deployed.read(self._batches[at % len(self._batches)])


def noise(card: ModelCard, count: int, generator: np.random.Generator) -> list[UInt8]:
    """Draw `count` pictures of the card's size, fewer where they are huge; a network's time is not their doing."""
    held = max(1, min(count, MAX_BYTES // (3 * card.size_hw[0] * card.size_hw[1])))
    return list(generator.integers(0, 256, (held, *card.size_hw, 3), np.uint8))


def pictures_of(place: Path, labels: Sequence[str]) -> list[UInt8]:
    """Read a few of the pictures at `place`, evenly spread; what they show does not matter here.

    Args:
        place: a folder with pictures at any depth, or whatever else `misread.data` reads.
        labels: of the model, for a list that names classes.

    Raises:
        FileError: nothing there, no pictures, or one that cannot be read.
        InputError: a list names a class that the model does not know.
    """
    held, kept = 0, list[UInt8]()
    for read in spread(_readers(place, labels), MAX_PICTURES):
        kept.append(read())
        held += kept[-1].nbytes
        if held >= MAX_BYTES:
            break
    return kept


def _readers(place: Path, labels: Sequence[str]) -> list[Callable[[], UInt8]]:
    if not place.is_dir():
        return [sample.read for sample in find_samples(place, labels)]
    paths = sorted(path for path in place.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not paths:
        raise FileError(f"no pictures in {place}; expected files ending in {', '.join(SUFFIXES)}")
    return [partial(read_image, path) for path in paths]
