"""What a verification shows in a report: rungs, pictures of a witness with its readings, fingerprints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from misread.files import jsonable
from misread.report import pictures
from misread.report.content import Picture, Read, RungView, Survival, WitnessView

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from misread.bundle import Bundle, Witness
    from misread.runtime.verdict import BuildVerdict, Judgement, Look, Verification

THUMBNAIL_PX = 480


def rung_views(verification: Verification, notes: Mapping[str, str] | None = None) -> tuple[RungView, ...]:
    """Return the ladder, the readers of one rung side by side.

    Args:
        verification: What was measured.
        notes: A few words on a rung, by its name.

    """
    steps: dict[str, list[Survival]] = {}
    titles: dict[str, str] = {}
    for step in verification.ladder:
        steps.setdefault(step.rung, []).append(Survival(reader=step.reader, rate=step.survived))
        titles[step.rung] = step.title
    known = notes or {}
    return tuple(
        RungView(name=titles[rung], detail=known.get(rung, ""), survivals=tuple(survivals))
        for rung, survivals in steps.items()
    )


def witness_view(verification: Verification, bundle: Bundle, witness: Witness, *, name: str, note: str) -> WitnessView:
    """Return a witness of a bundle with what every build reads in its pictures.

    Raises:
        FileError: a picture is missing or not the one that was written.

    """
    judged = [(build.name, _judgement(build, witness.id)) for build in verification.builds]
    clean, changed = bundle.read(witness.clean), bundle.read(witness.changed)
    reads_clean = tuple(_read(name, judgement, judgement.clean) for name, judgement in judged if judgement.clean)
    reads_changed = tuple(_read(name, judgement, judgement.changed) for name, judgement in judged if judgement.changed)
    return WitnessView(
        name=name,
        pictures=compared(clean, changed, reads_clean, reads_changed, label=witness.label),
        change=witness.change,
        note=note,
    )


def compared(
    clean: NDArray[np.uint8],
    changed: NDArray[np.uint8],
    reads_clean: Sequence[Read],
    reads_changed: Sequence[Read],
    *,
    label: str,
) -> tuple[Picture, ...]:
    """Return the clean picture, the changed one and the difference, (h, w, 3) uint8 each."""
    factor = pictures.amplification(clean, changed)
    grey = pictures.difference(clean, changed, factor)
    times = (
        f"Signed, amplified {factor} times; mid-grey is no change." if factor > 1 else "Signed; mid-grey is no change."
    )
    return (
        Picture(title="Clean", image=_fitted(clean), alt=f"{label}, clean", reads=tuple(reads_clean)),
        Picture(title="Changed", image=_fitted(changed), alt=f"{label}, changed", reads=tuple(reads_changed)),
        Picture(
            title=f"Difference \u00d7\u00a0{factor}",
            image=_fitted(grey),
            alt=f"Difference between the two, amplified {factor} times around mid-grey",
            caption=times,
        ),
    )


def fingerprint_records(verification: Verification) -> tuple[tuple[str, Mapping[str, str]], ...]:
    """Return one table per build: what really ran."""
    return tuple(
        (f"Fingerprint of {build.name}", mapping_record(values))
        for build in verification.builds
        if (values := _properties(build))
    )


def mapping_record(values: Mapping[str, object]) -> dict[str, str]:
    """Return names and values as a record shows them."""
    return {key.replace("_", " "): _said(value) for key, value in values.items()}


def _properties(build: BuildVerdict) -> dict[str, object]:
    values: dict[str, object] = jsonable(build.fingerprint) if build.fingerprint else {}
    if build.noise:
        values["noise floor of the margin"] = build.noise.margin
    return values


def _judgement(build: BuildVerdict, identity: str) -> Judgement:
    return next(judgement for judgement in build.judgements if judgement.witness == identity)


def _read(reader: str, judgement: Judgement, look: Look) -> Read:
    return Read(reader=reader, label=look.label, confidence=look.confidence, expected=judgement.label)


def _fitted(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return pictures.thumbnail(image, THUMBNAIL_PX)


def _said(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key.replace('_', ' ')} {_said(entry) or 'none'}" for key, entry in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_said(entry) for entry in value)
    return f"{value:.3g}" if isinstance(value, float) else str(value)
