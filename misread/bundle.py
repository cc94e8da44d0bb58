"""A bundle: a folder of witnesses with a manifest, the seam between the host that attacks and the device that checks.

::

    bundle/
      manifest.json         schema, card, threat, attack, counts, one entry per witness with hashes
      images/0000-clean.png 0000-changed.png 0000-placebo.png
      builds/NAME.onnx      where builds are packed: the files, and what they said on the host
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from misread.card import CARD_KEY, ModelCard
from misread.change import Change, measure_change
from misread.errors import FileError, MisreadError, ModelError
from misread.files import atomic_write, cannot_read, jsonable, read_bounded, read_json, write_json
from misread.pixels import MAX_FILE_BYTES, decode_image, encode_png
from misread.text import shorten
from misread.wish import UNTARGETED, Wish

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

UInt8 = NDArray[np.uint8]

KIND: Final = "misread-bundle"
MANIFEST: Final = "manifest.json"
#: Schema 1 had the goal as a text.
SCHEMA: Final = 2
MAX_WITNESSES: Final = 1_000_000
MAX_COUNT: Final = 2**53
MAX_TEXT_CHARS: Final = 64 * 2**10
MAX_DEPTH: Final = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class PictureRef:
    """A file of the bundle, mostly a picture: path below its folder, and SHA-256 of the file."""

    path: str
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Witness:
    """A clean picture and its changed copy.

    Attributes:
        id: name inside the bundle.
        label: what the clean picture shows.
        label_given: somebody said so; otherwise it is what the twin read.
        goal: what the changed copy is to be read as.
        clean: the picture before.
        changed: the picture after.
        placebo: the same size of change at random, or None.
        prepared: the files have the input's size and must not be resized or cropped again.
        torch_float: the twin misread the unrounded proposal.
        torch_8bit: the twin misreads the file's 8-bit values.
        change: how large it is.
        source: name of the picture that it was made from.

    Examples:
        >>> witness = misread.load_bundle("bundle").witness("0000")
        >>> witness.label, witness.goal.text, witness.prepared
        ('Stop', 'untargeted', True)
    """

    id: str
    label: str
    label_given: bool = True
    goal: Wish = UNTARGETED
    clean: PictureRef
    changed: PictureRef
    placebo: PictureRef | None = None
    prepared: bool
    torch_float: bool
    torch_8bit: bool
    change: Change
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Bundle:
    """Witnesses on disk, and all that is needed to judge them without torch.

    Attributes:
        folder: where it lies.
        card: of the twin that was attacked; a build's own card comes first when it is read.
        origin: of the classifier.
        created: when, ISO 8601 UTC.
        threat: norm, size and goal, as the attack saw them.
        attack: its name and options.
        counts: pictures seen, skipped (misread clean), attempted, proposed (misread in torch, rounded or not), found.
        witnesses: in order.
        judges: fingerprints of the builds that were asked while they were made, by name.
        builds: entries of the builds that are packed; `misread.runtime.replay` reads them.

    Examples:
        >>> bundle = misread.load_bundle("bundle")
        >>> bundle.read(bundle.witnesses[0].changed).shape
        (48, 48, 3)
    """

    folder: Path
    card: ModelCard
    origin: str
    created: str
    threat: Mapping[str, Any]
    attack: Mapping[str, Any]
    counts: Mapping[str, int]
    witnesses: tuple[Witness, ...]
    judges: Mapping[str, Any] = field(default_factory=dict)
    builds: tuple[Mapping[str, Any], ...] = ()

    def place(self, path: str) -> Path:
        """Return where a file of the bundle lies, links followed.

        Raises:
            FileError: it is a link that leaves the bundle, or goes in a circle.
        """
        place = self.folder / path
        try:
            if not place.resolve().is_relative_to(self.folder.resolve()):
                raise FileError(f"{place} is a link that leaves the bundle; copy the bundle again")
        except (OSError, RuntimeError) as error:  # a link in a circle
            raise FileError(cannot_read(place, OSError(str(error)))) from error
        return place

    def read_file(self, file: PictureRef, most: int, what: str) -> bytes:
        """Read a file of the bundle of at most so many bytes, its hash checked.

        Raises:
            FileError: missing, changed since it was written, or too large.
        """
        path = self.place(file.path)
        try:
            data = read_bounded(path, most, what)
        except OSError as error:
            raise FileError(cannot_read(path, error)) from error
        if hashlib.sha256(data).hexdigest() != file.sha256:
            raise FileError(
                f"{path} is not the file that the manifest describes (SHA-256 differs); copy the bundle again"
            )
        return data

    @property
    def sha256(self) -> str:
        """Hash of what is judged, card and witnesses, 64 hexadecimal digits; packed builds are no part of it."""
        body = {"card": self.card.to_fields(), "witnesses": jsonable(self.witnesses)}
        return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()

    def read(self, picture: PictureRef) -> UInt8:
        """Read a picture of the bundle as (h, w, 3) uint8 RGB, its hash checked.

        Raises:
            FileError: missing, changed since it was written, or no picture.
        """
        data = self.read_file(picture, MAX_FILE_BYTES, "witness")
        return decode_image(data, str(self.folder / picture.path))

    def witness(self, identity: str) -> Witness:
        """Return the witness of that id.

        Raises:
            FileError: there is none.
        """
        for witness in self.witnesses:
            if witness.id == identity:
                return witness
        known = ", ".join(witness.id for witness in self.witnesses[:20])
        raise FileError(f"{self.folder} holds no witness {identity!r}; it has {known}")


@dataclass(slots=True)
class BundleWriter:
    """Writes witnesses into a folder as they come, and the manifest at the end.

    The folder is usually the working folder of `files.atomic_folder`, so that a bundle is whole or absent.
    """

    folder: Path
    witnesses: list[Witness] = field(default_factory=list)

    def add(
        self,
        *,
        clean: UInt8,
        changed: UInt8,
        label: str,
        label_given: bool,
        goal: Wish,
        prepared: bool,
        torch_float: bool,
        torch_8bit: bool,
        source: str,
        placebo: UInt8 | None = None,
        grey: bool = False,
    ) -> Witness:
        """Write one witness's (h, w, 3) uint8 RGB pictures; return its entry.

        With `grey` the change is counted in one channel: the others are copies of it, made for the file.
        """
        identity = f"{len(self.witnesses):04d}"
        witness = Witness(
            id=identity,
            label=label,
            label_given=label_given,
            goal=goal,
            clean=self._write(f"{identity}-clean", clean),
            changed=self._write(f"{identity}-changed", changed),
            placebo=None if placebo is None else self._write(f"{identity}-placebo", placebo),
            prepared=prepared,
            torch_float=torch_float,
            torch_8bit=torch_8bit,
            change=measure_change(*(one[..., : 1 if grey else 3] for one in (clean, changed))),
            source=source,
        )
        self.witnesses.append(witness)
        return witness

    def finish(
        self,
        *,
        card: ModelCard,
        origin: str,
        threat: Mapping[str, Any],
        attack: Mapping[str, Any],
        counts: Mapping[str, int],
        created: str | None = None,
        judges: Mapping[str, Any] | None = None,
    ) -> Bundle:
        """Write the manifest; return the bundle as it would be read. `created` is now unless it is given."""
        bundle = Bundle(
            folder=self.folder,
            card=card,
            origin=origin,
            created=created or datetime.now(UTC).isoformat(timespec="seconds"),
            threat=dict(threat),
            attack=dict(attack),
            counts=dict(counts),
            witnesses=tuple(self.witnesses),
            judges=jsonable(judges or {}),
        )
        body = {
            "card": json.loads(card.own_metadata()[CARD_KEY]),
            **{
                name: getattr(bundle, name)
                for name in ("origin", "created", "threat", "attack", "counts", "witnesses", "judges")
            },
        }
        write_json(self.folder / MANIFEST, body, kind=KIND, schema=SCHEMA)
        return bundle

    def _write(self, stem: str, image: UInt8) -> PictureRef:
        data = encode_png(image)
        name = f"images/{stem}.png"
        with atomic_write(self.folder / name) as out:
            out.write(data)
        return PictureRef(path=name, sha256=hashlib.sha256(data).hexdigest())


def read_bundle(folder: Path) -> Bundle:
    """Read a bundle's manifest; pictures are read one by one with `Bundle.read`.

    Raises:
        FileError: no bundle there, broken, of a newer schema, or with a path that leaves its folder.
    """
    if not folder.is_dir():
        raise FileError(f"{folder} is no bundle: no such folder; make one with: misread attack … -o {folder}")
    document = read_json(folder / MANIFEST, kind=KIND, schema=SCHEMA, oldest=1)
    try:
        entries = document["witnesses"]
        if len(entries) > MAX_WITNESSES:
            raise FileError(f"{folder} lists {len(entries)} witnesses; at most {MAX_WITNESSES} are read")
        card = ModelCard.from_metadata({CARD_KEY: json.dumps(document["card"])})
        if card is None:
            raise FileError(f"{folder} has no card")
        _check_shape(document)
        witnesses = tuple(witness_of(entry, card) for entry in entries)
        _check_ids(witnesses)
        return Bundle(
            folder=folder,
            card=card,
            origin=_text(document["origin"]),
            created=_text(document["created"]),
            threat=dict(document["threat"]),
            attack=dict(document["attack"]),
            counts={str(key): _count(value) for key, value in document["counts"].items()},
            witnesses=witnesses,
            judges=dict(document.get("judges", {})),
            builds=tuple(dict(entry) for entry in document.get("builds", ())),
        )
    except (KeyError, TypeError, ValueError, AttributeError, ModelError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise FileError(f"{folder / MANIFEST} is broken: {shorten(reason, 300)}; make the bundle again") from error


def witness_of(entry: Mapping[str, Any], card: ModelCard) -> Witness:
    """Read an entry of a manifest.

    Raises:
        FileError: a label that the card does not have.
        KeyError, TypeError, ValueError, OptionError: it is no such entry.
    """
    try:
        goal = Wish.read(entry["goal"])
        goal.wanted(card, entry["label"])
    except MisreadError as error:
        raise FileError(f"witness {shorten(str(entry['id']), 40)!r}: {error}") from error
    return Witness(
        id=_text(entry["id"]),
        label=entry["label"],
        label_given=bool(entry["label_given"]),
        goal=goal,
        clean=file_of(entry["clean"]),
        changed=file_of(entry["changed"]),
        placebo=None if entry["placebo"] is None else file_of(entry["placebo"]),
        prepared=bool(entry["prepared"]),
        torch_float=bool(entry["torch_float"]),
        torch_8bit=bool(entry["torch_8bit"]),
        change=_change(entry["change"]),
        source=_text(entry["source"]),
    )


def file_of(entry: Mapping[str, Any]) -> PictureRef:
    """Read where a file of the bundle lies.

    Raises:
        KeyError, TypeError, ValueError: it is no such entry, or it leaves the bundle.
    """
    path = PurePosixPath(_text(entry["path"]))
    if path.is_absolute() or ".." in path.parts or any(mark in str(path) for mark in "\\:\0"):
        raise ValueError(f"{str(path)!r} leaves the bundle")
    return PictureRef(path=str(path), sha256=_text(entry["sha256"]))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected a text, got {str(value)[:80]!r}")
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or not 0 <= value < MAX_COUNT:
        raise ValueError(f"expected a count from 0, got {str(value)[:80]!r}")
    return int(value)


def _change(entry: Mapping[str, Any]) -> Change:
    change = Change(**entry)
    for count in (change.values_changed, change.values_total, change.largest_level):
        _count(count)
    sizes: tuple[object, ...] = (change.l2, change.ssim or 0.0)
    if not all(isinstance(size, int | float) and math.isfinite(size) for size in sizes):
        raise ValueError(f"expected finite sizes of a change, got {str(sizes)[:80]}")
    return change


def _check_ids(witnesses: Sequence[Witness]) -> None:
    twice = next((name for name, times in Counter(witness.id for witness in witnesses).items() if times > 1), None)
    if twice is not None:
        raise ValueError(f"witness {shorten(twice, 40)!r} is there twice")


def _check_shape(document: object) -> None:
    """Refuse what could not be printed: texts without end, and lists in lists in lists."""
    waiting: list[tuple[object, int]] = [(document, 0)]
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, str) and len(value) > MAX_TEXT_CHARS:
            raise ValueError(f"a text in it has {len(value)} characters; at most {MAX_TEXT_CHARS} are read")
        if depth > MAX_DEPTH:
            raise ValueError(f"it is nested more than {MAX_DEPTH} deep")
        if isinstance(value, dict):
            waiting += [(entry, depth + 1) for pair in value.items() for entry in pair]
        elif isinstance(value, list):
            waiting += [(entry, depth + 1) for entry in value]
