"""Pictures to calibrate with and to compare on: real ones, prepared by the card, and never the same for both."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from misread.assets import scenes
from misread.data import find_samples, in_order, spread
from misread.errors import FileError, InputError, OptionError
from misread.pixels import SUFFIXES, fit, read_image
from misread.runtime.threads import usable_threads

if TYPE_CHECKING:
    from misread.card import ModelCard

UInt8 = NDArray[np.uint8]

MIN_CALIBRATION: Final = 8
MAX_LABELLED_BYTES: Final = 2**29
SHIPPED: Final = "shipped scenes"
_NOISE_RATIO: Final = 0.75
_FLAT_LEVELS: Final = 2.0
_CROPS: Final = ((-0.06, 0.0), (-0.03, 0.03), (0.0, -0.03), (0.03, 0.02), (0.08, 0.0))


@dataclass(frozen=True, kw_only=True, slots=True)
class Pictures:
    """Prepared pictures and where they are from.

    Attributes:
        prepared: (n, h, w, 3) uint8 RGB at the card's size.
        names: one per picture.
        source: for results: a folder, or what misread ships.
        originals: what each was prepared from: a file, or (h, w, 3) uint8 RGB.
    """

    prepared: UInt8
    names: tuple[str, ...]
    source: str
    originals: tuple[Path | UInt8, ...] = ()

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.prepared)

    def take(self, rows: Sequence[int] | NDArray[np.integer]) -> Pictures:
        """Return the pictures of these rows."""
        chosen = [int(row) for row in rows]
        return Pictures(
            prepared=self.prepared[chosen],
            names=tuple(self.names[row] for row in chosen),
            source=self.source,
            originals=tuple(self.originals[row] for row in chosen if self.originals),
        )

    def original(self, row: int) -> UInt8:
        """Return a picture as it was before it was prepared, read again from its file.

        Raises:
            FileError: the file has gone.
        """
        found = self.originals[row]
        return read_image(found) if isinstance(found, Path) else found

    def without(self, others: Pictures) -> Pictures:
        """Return the pictures that are not among `others`, compared by their pixels."""
        return self.take(self.rows_outside(others))

    def rows_outside(self, others: Pictures) -> list[int]:
        """Return the rows of the pictures that are not among `others`."""
        known = {_digest(picture) for picture in others.prepared}
        return [row for row, picture in enumerate(self.prepared) if _digest(picture) not in known]


@dataclass(frozen=True, kw_only=True, slots=True)
class Labelled:
    """Prepared pictures whose labels are known.

    Attributes:
        pictures: prepared.
        truth: (n,) int64, the output number of each one's label.
        found: how many there were; the pictures are spread evenly over these.
        shared: how many were left out because something else was learnt from them.
    """

    pictures: Pictures
    truth: NDArray[np.int64]
    found: int
    shared: int = 0

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.pictures)

    def without(self, others: Pictures) -> Labelled:
        """Return the pictures that are not among `others`, compared by their pixels.

        Raises:
            InputError: none is left.
        """
        rows = self.pictures.rows_outside(others)
        if not rows:
            message = (
                f"every picture of {self.pictures.source} is also among those of {others.source} that ranges are "
                "learnt from; measure on others: give --data another folder, or take fewer with --calibration-pictures"
            )
            raise InputError(message)
        return Labelled(
            pictures=self.pictures.take(rows),
            truth=self.truth[rows],
            found=self.found,
            shared=self.shared + len(self) - len(rows),
        )


def labelled(place: Path, card: ModelCard, *, limit: int | None = None) -> Labelled:
    """Read and prepare labelled pictures, at most `limit` and at most 512 MiB of them, spread over all there are.

    Args:
        place: any form of `misread.data.find_samples`.
        card: of the model.
        limit: of pictures.

    Raises:
        FileError: nothing there, or a picture that cannot be read.
        InputError: pictures without labels, or with labels that the model does not know.
    """
    if limit is not None and not limit >= 1:
        message = f"limit is a number of pictures from 1, got {limit}"
        raise OptionError(message)
    samples = find_samples(place, card.labels)
    bare = next((sample.name for sample in samples if sample.label is None), None)
    if bare is not None:
        message = f"accuracy needs labels and {bare} in {place} has none; give class folders, a CSV, JSONL or npz"
        raise InputError(message)
    room = max(1, MAX_LABELLED_BYTES // (card.size_hw[0] * card.size_hw[1] * 3))
    chosen = spread(samples, min(limit or room, room))
    prepared = np.stack(list(in_order(chosen, lambda sample: fit(sample.read(), card), workers=usable_threads())))
    return Labelled(
        pictures=Pictures(prepared=prepared, names=tuple(sample.name for sample in chosen), source=str(place)),
        truth=np.array([sample.label for sample in chosen], np.int64),
        found=len(samples),
    )


def from_folder(folder: Path, card: ModelCard, *, limit: int, generator: np.random.Generator) -> Pictures:
    """Read at most `limit` pictures below `folder`, drawn at random when there are more, and prepare them.

    Raises:
        FileError: no such folder, no pictures, or one that cannot be read.
    """
    paths = _find(folder)
    if len(paths) > limit:
        paths = tuple(paths[row] for row in sorted(generator.choice(len(paths), size=limit, replace=False)))
    prepared = np.stack(list(in_order(paths, lambda path: fit(read_image(path), card), workers=usable_threads())))
    names = tuple(path.relative_to(folder).as_posix() for path in paths)
    return Pictures(prepared=prepared, names=names, source=str(folder), originals=paths)


def shipped(card: ModelCard) -> Pictures:
    """Prepare what misread ships: every scene, and crops of its sign at several margins."""
    named = [entry for scene in scenes() for entry in _views(scene.path, scene.corners)]
    prepared = np.stack([fit(view, card) for _, view in named])
    names, views = zip(*named, strict=True)
    return Pictures(prepared=prepared, names=names, source=SHIPPED, originals=views)


def split(pictures: Pictures, *, share: float, generator: np.random.Generator) -> tuple[Pictures, Pictures]:
    """Split at random in (rest, share); no picture, not even a copy of one, is in both."""
    order = generator.permutation(len(pictures))
    held = max(1, round(len(pictures) * share))
    first = pictures.take(np.sort(order[held:]))
    return first, pictures.take(np.sort(order[:held])).without(first)


def refuse_unreal(pictures: Pictures) -> None:
    """Refuse to calibrate on too few pictures, copies of one, blank ones, or noise.

    Ranges learnt from noise fit no picture: published int8 models lost nearly all their accuracy that way.

    Raises:
        InputError: fewer than 8 different pictures, or more than half without content.
    """
    different = len({picture.tobytes() for picture in pictures.prepared})
    if different < MIN_CALIBRATION:
        message = (
            f"{pictures.source} holds {different} different pictures; int8 calibration needs at least "
            f"{MIN_CALIBRATION}, better 64 or more, of the kind that the device will see"
        )
        raise InputError(message)
    noise = sum(is_noise(picture) for picture in pictures.prepared)
    blank = sum(float(picture.std()) < _FLAT_LEVELS for picture in pictures.prepared)
    if noise + blank > len(pictures) / 2:
        message = (
            f"of {len(pictures)} pictures in {pictures.source} {noise} are noise and {blank} are blank; "
            "calibrate on real pictures of the kind that the device will see"
        )
        raise InputError(message)


def is_noise(picture: UInt8) -> bool:
    """Tell whether neighbouring pixels of (h, w, 3) uint8 are about as different as distant ones."""
    values = picture.astype(np.float32).mean(axis=2)
    near = np.abs(np.diff(values, axis=0)).mean() + np.abs(np.diff(values, axis=1)).mean()
    far = np.abs(values - np.roll(values, values.shape[0] // 2, axis=0)).mean()
    far += np.abs(values - np.roll(values, values.shape[1] // 2, axis=1)).mean()
    return bool(float(values.std()) >= _FLAT_LEVELS and near > _NOISE_RATIO * far)


def _digest(picture: UInt8) -> bytes:
    return hashlib.sha256(picture.tobytes()).digest()


def _find(folder: Path) -> tuple[Path, ...]:
    if not folder.is_dir():
        message = f"cannot read {folder}: no such folder; expected a folder of pictures"
        raise FileError(message)
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not paths:
        message = f"no pictures in {folder}; expected files ending in {', '.join(SUFFIXES)}"
        raise FileError(message)
    return tuple(paths)


def _views(path: Path, corners: Sequence[tuple[float, float]]) -> Iterator[tuple[str, UInt8]]:
    image = read_image(path)
    yield path.name, image
    seen = {image.shape[:2]}
    points = np.asarray(corners, np.float64)
    low, high = points.min(axis=0), points.max(axis=0)
    side = float((high - low).max())
    for margin, shift in _CROPS:
        centre, half = (low + high) / 2 + shift * side, side * (0.5 + margin)
        left, top = np.maximum(np.floor(centre - half), 0).astype(int)
        right, bottom = np.ceil(centre + half).astype(int)
        view = image[top:bottom, left:right]
        if view.shape[:2] not in seen:
            seen.add(view.shape[:2])
            yield f"{path.name} {margin:+.2f}", view
