"""The part of a report that an attack fills: what it found, its curve, and the pictures of its bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from misread.report import words
from misread.report.content import (
    BuildsView,
    CurvePoint,
    CurveView,
    Fact,
    ReportContent,
    RungView,
    Said,
    Survival,
    WitnessView,
)
from misread.report.results.curve import AXES, size_text
from misread.report.results.source import rate
from misread.report.verification import compared, mapping_record
from misread.stats import wilson

if TYPE_CHECKING:
    from collections.abc import Mapping

    from misread.bundle import Bundle, Witness
    from misread.report.results.source import Source


def attack(source: Source) -> ReportContent:
    """Return what `misread attack --json` found.

    Raises:
        FileError: a picture is missing or not the one that was written.
    """
    document = source.document
    made, found = document["bundle"], rate(document["found"])
    bundle, missing = source.find_bundle(str(made["folder"]))
    name = str(made["attack"]["name"])
    sentence = f"{name} found a misread copy of {found.text()} attacked pictures"
    warnings = [missing] if missing else []
    if document["zero_gradients"]:
        flat = words.plural(int(document["zero_gradients"]), "picture")
        warnings.append(f"Of {flat} the gradient vanished at least once: the attack may be weaker than it looks.")
    rates = tuple(
        RungView(name=build, detail="", survivals=(Survival(reader="witnesses misread", rate=rate(value)),))
        for build, value in document["verified"].items()
    )
    threat = {key: value for key, value in made["threat"].items() if value is not None}
    return ReportContent(
        title="misread attack",
        headline=f"{sentence}.",
        said=(Said(sentence=f"{sentence}."),),
        facts=(Fact(value=words.hits(found), meaning=f"attacked pictures with a misread copy, by {name}"),),
        warnings=tuple(warnings),
        builds=(BuildsView(rates=rates, title=f"As {name} left them"),) if rates else (),
        curves=_curves(str(made["threat"]["norm"]), name, document),
        witnesses=tuple(_view(bundle, one) for one in bundle.witnesses[: source.pictured]) if bundle else (),
        records=(
            ("Attack", mapping_record({"model": made["origin"], "threat": threat, "attack": made["attack"]})),
            *(
                (f"Fingerprint of {key}, attacked", mapping_record(value))
                for key, value in document["fingerprints"].items()
            ),
        ),
    )


def _curves(norm: str, name: str, document: Mapping[str, Any]) -> tuple[CurveView, ...]:
    points = []
    for point in document["curve"]:
        misread = rate(point["misread"])
        right = wilson(misread.total - misread.hits, misread.total)
        points.append(CurvePoint(reader=name, size=size_text(norm, float(point["eps"])), rate=right))
    if not points:
        return ()
    note = "Of the attacked pictures, those for which the attack found no misread copy of that size or less."
    return (CurveView(title=f"Accuracy under {name}", axis=AXES[norm], points=tuple(points), note=note),)


def _view(bundle: Bundle, witness: Witness) -> WitnessView:
    clean, changed = bundle.read(witness.clean), bundle.read(witness.changed)
    return WitnessView(
        name=f"Witness {witness.id}: {witness.label}",
        pictures=compared(clean, changed, (), (), label=witness.label),
        change=witness.change,
        note=f"From {witness.source}.",
    )
