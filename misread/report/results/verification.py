"""The part of a report that a verification fills: builds, curve, confusions, pictures, ladder, all witnesses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from misread.report import words
from misread.report.content import BuildsView, Fact, ReportContent, Said, TableView
from misread.report.results.builds import builds_view
from misread.report.results.confusions import confusions
from misread.report.results.curve import curve
from misread.report.results.listing import listing
from misread.report.results.reread import verification_of
from misread.report.results.source import rate
from misread.report.verification import fingerprint_records, rung_views, witness_view

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from misread.bundle import Bundle
    from misread.report.content import WitnessView
    from misread.report.results.source import Source
    from misread.runtime.verdict import BuildVerdict, Verification


def verification(source: Source) -> ReportContent:
    """Return what `misread verify --json` found, with the pictures of its bundle where that is at hand.

    Raises:
        FileError: a picture is missing or not the one that was written.
        InputError: the bundle that the caller named is another one.
    """
    document = source.document
    found = verification_of(document)
    bundle, missing = source.find_bundle(str(document["bundle"]), found.bundle_sha256)
    shown = curve(found, bundle) if bundle else None
    return ReportContent(
        title="misread verify",
        headline=_headline(found, bundle),
        said=tuple(_said(document)),
        facts=tuple(_facts(found)),
        warnings=(*([missing] if missing else []), *_warnings(found), *_notes(document)),
        builds=(builds_view(found), *_filmed(document)),
        curves=() if shown is None else (shown,),
        confusions=confusions(found, bundle),
        witnesses=_witnesses(found, bundle, source.pictured) if bundle else (),
        rungs=rung_views(found),
        listings=(listing(found, bundle),),
        records=(("Provenance", _provenance(found, bundle)), *fingerprint_records(found)),
    )


def _headline(found: Verification, bundle: Bundle | None) -> str:
    largest = max((witness.change.largest_level for witness in bundle.witnesses), default=0) if bundle else 0
    size = f"Changes of at most {largest} of 255 levels" if largest else "The changes"
    said = [f"{build.name} misread {_of(build)}" for build in found.builds if build.available]
    lost = "".join(f"; {build.name} could not be asked" for build in found.builds if not build.available)
    if not said:
        return f"Nothing is known{lost}."
    listed = " and ".join(part for part in (", ".join(said[:-1]), said[-1]) if part)
    return f"{size} make {listed}{lost}."


def _of(build: BuildVerdict) -> str:
    return f"{words.count(build.misread.hits)} of {words.plural(build.misread.total, 'picture')}"


def _said(document: Mapping[str, Any]) -> Iterator[Said]:
    yield Said(sentence=str(document["sentence"]), passed=bool(document["passed"]))
    for replay in document.get("replays", ()):
        yield Said(sentence=str(replay["sentence"]), passed=bool(replay["agrees"]))


def _notes(document: Mapping[str, Any]) -> Iterator[str]:
    for build in document["builds"]:
        yield from (f"{build['name']}: {note}." for note in build.get("notes", ()))


def _filmed(document: Mapping[str, Any]) -> Iterator[BuildsView]:
    """Return what a camera run found of the witnesses, where the verification was given one."""
    rows = tuple(
        (
            str(one["witness"]),
            str(one["build"]),
            str(one["finding"]).replace("-", " "),
            words.hits(rate(one["misread"])),
            str(one["reason"]),
        )
        for one in document.get("filmed", ())
    )
    if rows:
        head = ("Witness", "Build", "Before the camera", "Frames misread", "Why")
        yield BuildsView(rates=(), tables=(TableView(title="The witnesses, filmed", head=head, rows=rows),))


def _facts(found: Verification) -> Iterator[Fact]:
    for build in found.builds:
        if build.available:
            yield Fact(value=words.hits(build.misread), meaning=f"witnesses misread by {build.name}")
    placebos = [build.placebo for build in found.builds if build.placebo.total]
    if placebos:
        worst = max(placebos, key=lambda one: one.share or 0.0)
        yield Fact(value=words.hits(worst), meaning="placebos misread: the same size of change, at random")


def _warnings(found: Verification) -> Iterator[str]:
    for build in found.builds:
        if not build.available:
            yield f"{build.name} could not be asked: {build.reason}."
        elif not build.counted:
            yield f"On {build.name} no witness counts: it misreads every clean picture; look at how it is fed."
        elif build.placebo.hits:
            yield (
                f"{build.name} misreads {words.hits(build.placebo)} placebos too: there the size of the change may do "
                "it alone, whatever its direction."
            )
        if build.available and build.noise is None:
            yield f"The noise of {build.name} could not be measured, so no witness is contested on it."
    if found.labels_given is not None and found.labels_given < found.witnesses:
        own = words.plural(found.witnesses - found.labels_given, "witness", "witnesses")
        yield f"Nobody labelled {own}: what the attacked model read clean counts as right."


def _witnesses(found: Verification, bundle: Bundle, most: int) -> tuple[WitnessView, ...]:
    judged = {one.witness for build in found.builds for one in build.judgements}
    shown = [witness for witness in bundle.witnesses if witness.id in judged][:most]
    return tuple(
        witness_view(
            found, bundle, witness, name=f"Witness {witness.id}: {witness.label}", note=f"From {witness.source}."
        )
        for witness in shown
    )


def _provenance(found: Verification, bundle: Bundle | None) -> dict[str, str]:
    said = {
        "bundle": str(found.bundle),
        "bundle SHA-256": found.bundle_sha256,
        "attacked model": found.origin,
        "threat": ", ".join(f"{key} {value}" for key, value in found.threat.items() if value is not None),
        "attack": ", ".join(f"{key} {value}" for key, value in found.attack.items() if key in {"name", "seed"}),
        "pictures": ", ".join(f"{count} {name}" for name, count in found.counts.items()),
        "bundle made": bundle.created if bundle else "",
    }
    said |= {f"{build.name} is fed as said by": ", ".join(build.card_from) for build in found.builds}
    return {name: value for name, value in said.items() if value}
