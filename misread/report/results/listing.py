"""The list of all witnesses, each with a small picture, to be sorted and filtered by the reader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from misread.report import pictures, words
from misread.report.content import Listed, ListingView
from misread.report.results.builds import said
from misread.runtime.verdict import Verdict

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from misread.bundle import Bundle, Witness
    from misread.runtime.verdict import Judgement, Look, Verification

#: A report stays below 30 MB: further witnesses are listed without a picture, and beyond `LISTED` not at all.
PICTURED: Final = 1000
LISTED: Final = 5000
SIDE_PX: Final = 64
GAP_PX: Final = 8
DECIDED: Final = frozenset({Verdict.VERIFIED, Verdict.REFUTED})
OUTCOMES: Final = ("misread by every build", "misread by some builds", "misread by no build", "not decided")


def listing(found: Verification, bundle: Bundle | None) -> ListingView:
    """Return one row per witness: id, label, per build what was read and by what margin, and the size of the change.

    Raises:
        FileError: a picture is missing or not the one that was written.
    """
    known = {witness.id: witness for witness in bundle.witnesses} if bundle else {}
    ran = [build for build in found.builds if build.available]
    judged = list(zip(*(build.judgements for build in ran), strict=True))
    rows = []
    for place, each in enumerate(judged[:LISTED]):
        witness = known.get(each[0].witness)
        image, alt = None, ""
        if bundle and witness and place < PICTURED:
            image, alt = _strip(bundle, witness)
        rows.append(_row(each, witness, image, alt))
    names = [f"{build.name}: {what}" for build in ran for what in ("read as", "margin")]
    sizes = ("Largest change, levels", "L2", "SSIM", "From") if bundle else ()
    return ListingView(head=("Witness", "Really", "Outcome", *names, *sizes), rows=tuple(rows), note=_note(len(judged)))


def _note(count: int) -> str:
    if count > LISTED:
        return (
            f"The first {words.count(LISTED)} of {words.count(count)}; the first {words.count(PICTURED)} with pictures."
        )
    return f"The first {words.count(PICTURED)} with pictures." if count > PICTURED else ""


def _row(each: tuple[Judgement, ...], witness: Witness | None, image: NDArray[np.uint8] | None, alt: str) -> Listed:
    outcome = _outcome(each)
    cells: list[tuple[str, float | None]] = [(each[0].witness, None), (each[0].label, None), (outcome, None)]
    for one in each:
        cells += [(_said(one), None), _margin(one.changed)]
    if witness is not None:
        change = witness.change
        cells += [
            (str(change.largest_level), float(change.largest_level)),
            (f"{change.l2:.3f}", change.l2),
            (change.similarity, change.ssim),
            (witness.source, None),
        ]
    texts, keys = zip(*cells, strict=True)
    return Listed(cells=texts, keys=keys, outcome=outcome, image=image, alt=alt)


def _outcome(each: tuple[Judgement, ...]) -> str:
    decided = [one for one in each if one.verdict in DECIDED]
    if not decided:
        return OUTCOMES[3]
    misread = sum(one.misread for one in decided)
    if misread == len(each):
        return OUTCOMES[0]
    return OUTCOMES[1] if misread else OUTCOMES[2] if len(decided) == len(each) else OUTCOMES[3]


def _said(one: Judgement) -> str:
    if one.changed is None:
        return said(one)
    why = "" if one.verdict in DECIDED else f", {said(one)}"
    return f"{one.changed.label} {words.confidence(one.changed.confidence)}{why}"


def _margin(look: Look | None) -> tuple[str, float | None]:
    return (words.NONE, None) if look is None else (f"{look.margin:+.3f}", look.margin)


def _strip(bundle: Bundle, witness: Witness) -> tuple[NDArray[np.uint8], str]:
    """Return clean, changed and difference side by side: one picture loads quicker than three."""
    clean, changed = bundle.read(witness.clean), bundle.read(witness.changed)
    factor = pictures.amplification(clean, changed)
    # A difference of one level would drown in the mean of its neighbours, so single values are taken from it.
    grey = pictures.sampled(pictures.difference(clean, changed, factor), SIDE_PX)
    parts = [pictures.thumbnail(clean, SIDE_PX), pictures.thumbnail(changed, SIDE_PX), grey]
    gap = np.full((grey.shape[0], GAP_PX, 3), pictures.MID_GREY, np.uint8)
    strip = np.concatenate([parts[0], gap, parts[1], gap, parts[2]], axis=1)
    return strip, f"{witness.label}: clean, changed, and the difference amplified {factor} times"
