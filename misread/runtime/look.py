"""Reading the pictures of a bundle on several builds: each file is opened once, and few pictures are held at a time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from misread.errors import InputError, MisreadError
from misread.pixels import fit
from misread.runtime.contender import Views
from misread.runtime.ladder import Preprocessing
from misread.runtime.verdict import Look
from misread.wish import UNTARGETED, goal_margin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from misread.bundle import Bundle, Witness
    from misread.card import ModelCard
    from misread.runtime.contender import Contender
    from misread.runtime.ladder import Rung
    from misread.runtime.session import Reader, Reading

UInt8 = NDArray[np.uint8]
Geometry = tuple[object, ...]
#: Ready to be read, or what makes it so: a build that prepares pictures itself is given whole ones, which may be large.
Picture = UInt8 | Callable[[], UInt8]

#: Witnesses read together at most; their clean and changed pictures make one batch.
CHUNK: Final = 16
#: Prepared pictures held at a time.
MAX_HELD_BYTES: Final = 256 * 2**20


def look(bundle: Bundle, contenders: Sequence[Contender], rungs: Sequence[Rung], seen: Callable[[int], None]) -> None:
    """Read every witness behind every rung on every contender, into `Contender.views`.

    A contender that fails keeps its reason in `failure`, and the others go on.

    Args:
        bundle: the witnesses.
        contenders: the builds.
        rungs: in order; placebos are read behind the first only.
        seen: called with the number of witnesses done.

    Raises:
        FileError: a picture of the bundle is missing or damaged.
    """
    witnesses = iter(bundle.witnesses)
    done = 0
    cards = {_geometry(c.alive.card): c.alive.card for c in contenders if c.alive}
    size = _chunk_size(list(cards.values()), len(rungs))
    if any(card.baked_preprocessing for card in cards.values()) and not all(one.prepared for one in bundle.witnesses):
        size = 1
    while chunk := tuple(islice(witnesses, size)):
        pictures = _prepare(bundle, chunk, rungs, cards)
        for contender in contenders:
            if contender.alive:
                _look_at(contender, chunk, rungs, pictures[_geometry(contender.alive.card)])
        done += len(chunk)
        seen(done)


def fits(image: UInt8, witness: Witness, card: ModelCard) -> bool:
    """Tell whether `prepare` would accept the picture."""
    return not witness.prepared or image.shape[:2] == tuple(card.size_hw)


def prepare(image: UInt8, witness: Witness, card: ModelCard) -> UInt8:
    """Bring a witness's picture to a build's input size; a prepared one is left as it is.

    Raises:
        InputError: it is prepared, and for another size.
    """
    if not fits(image, witness, card):
        raise InputError(
            f"the picture was prepared at {image.shape[0]}x{image.shape[1]} and this build takes "
            f"{card.size_hw[0]}x{card.size_hw[1]}; attack with --space file to compare builds of different sizes"
        )
    return image if witness.prepared else fit(image, card)


Prepared = dict[str, list[dict[str, Picture] | str]]


def _prepare(
    bundle: Bundle, chunk: Sequence[Witness], rungs: Sequence[Rung], cards: dict[Geometry, ModelCard]
) -> dict[Geometry, Prepared]:
    """Return per geometry and rung, for each witness, its prepared pictures or why there are none."""
    ready: dict[Geometry, Prepared] = {shape: {rung.name: [] for rung in rungs} for shape in cards}
    for witness in chunk:
        files = {"clean": bundle.read(witness.clean), "changed": bundle.read(witness.changed)}
        if witness.placebo is not None:
            files["placebo"] = bundle.read(witness.placebo)
        for place, rung in enumerate(rungs):
            shown = {kind: image for kind, image in files.items() if place == 0 or kind != "placebo"}
            images = {kind: rung.apply(image) for kind, image in shown.items()}
            for shape, card in cards.items():
                whole: dict[str, Picture] = {kind: partial(rung.apply, image) for kind, image in shown.items()}
                itself = card.baked_preprocessing and not witness.prepared
                one = whole if itself else _prepared_or_reason(images, witness, card)
                if isinstance(rung, Preprocessing) and not isinstance(one, str):
                    again = rung.again(images, card, prepared=witness.prepared)
                    one = again if isinstance(again, str) else whole if card.baked_preprocessing else {**again}
                ready[shape][rung.name].append(one)
    return ready


def _prepared_or_reason(images: dict[str, UInt8], witness: Witness, card: ModelCard) -> dict[str, Picture] | str:
    try:
        return {kind: prepare(image, witness, card) for kind, image in images.items()}
    except InputError as error:
        return str(error)


def _look_at(contender: Contender, chunk: Sequence[Witness], rungs: Sequence[Rung], pictures: Prepared) -> None:
    reader = contender.reader
    if reader is None:
        return
    try:
        for place, rung in enumerate(rungs):
            views = _views(reader, chunk, pictures[rung.name], keep=contender.keeps and place == 0)
            contender.views.setdefault(rung.name, []).extend(views)
    except MisreadError as error:
        contender.failure = error


def _views(
    reader: Reader, chunk: Sequence[Witness], pictures: Sequence[dict[str, Picture] | str], *, keep: bool
) -> list[Views | str]:
    """Read one chunk behind one rung in one go; where a witness cannot be read, say why instead."""
    result: list[Views | str] = []
    stack: list[UInt8] = []
    whole = False
    owners: list[tuple[int, str, int, NDArray[np.bool_] | None]] = []
    for place, (witness, images) in enumerate(zip(chunk, pictures, strict=True)):
        try:
            truth, wanted = asked_of(witness, reader.card)
        except InputError as error:
            result.append(str(error))
            continue
        result.append(images if isinstance(images, str) else "")
        if isinstance(images, str):
            continue
        for kind, image in images.items():
            whole = callable(image)
            stack.append(image() if callable(image) else image)
            owners.append((place, kind, truth, wanted))
    if stack:
        seen: dict[int, dict[str, Look]] = {}
        reading = reader.read(stack) if whole else reader.read_prepared(np.stack(stack))
        looks = looks_of(reading, [truth for _, _, truth, _ in owners], [wanted for _, _, _, wanted in owners])
        rows: dict[int, list[NDArray[np.float32]]] = {}
        for (place, kind, _, _), one, row in zip(owners, looks, reading.logits, strict=True):
            seen.setdefault(place, {})[kind] = one
            rows.setdefault(place, []).append(row)
        for place, found in seen.items():
            result[place] = Views(**found, logits=np.stack(rows[place]) if keep else None)
    return result


def looks_of(reading: Reading, truth: Sequence[int], wanted: Sequence[NDArray[np.bool_] | None]) -> list[Look]:
    """Return what a reading says of each picture.

    Args:
        reading: of n pictures.
        truth: the output of each picture's right label.
        wanted: which outputs its goal wants, (k,) bool; None where any wrong one will do.
    """
    any_wrong = np.arange(reading.logits.shape[1]) != np.asarray(truth)[:, None]
    asked_for = np.stack([wrong if asked is None else asked for wrong, asked in zip(any_wrong, wanted, strict=True)])
    goals = goal_margin(reading.logits, asked_for)
    return [
        Look(
            label=label,
            confidence=float(confidence),
            margin=float(margin),
            goal_margin=None if asked is None else float(reach),
        )
        for label, confidence, margin, reach, asked in zip(
            reading.labels, reading.confidence, reading.margin(truth), goals, wanted, strict=True
        )
    ]


def asked_of(witness: Witness, card: ModelCard) -> tuple[int, NDArray[np.bool_] | None]:
    """The output of the right label, and which outputs the goal wants, (k,) bool; None where any wrong one will do."""
    truth = card.index(witness.label)
    return truth, None if witness.goal == UNTARGETED else witness.goal.wanted(card, witness.label)


def _geometry(card: ModelCard) -> Geometry:
    how = (card.size_hw, card.resize, card.resize_px, card.pad_level, card.interpolation, card.antialias)
    return (*how, card.baked_preprocessing)


def _chunk_size(cards: Sequence[ModelCard], rungs: int) -> int:
    """Return how many witnesses may be held at a time, behind every rung and for every geometry."""
    held = sum(3 * 3 * rungs * card.size_hw[0] * card.size_hw[1] for card in cards)
    return max(1, min(CHUNK, MAX_HELD_BYTES // max(held, 1)))
