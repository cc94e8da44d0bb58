"""The part of a report that an assessment fills: robust accuracy, the suite attack by attack, its warnings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from misread.report import words
from misread.report.content import BuildsView, Fact, ReportContent, RungView, Said, Survival, TableView
from misread.report.results.source import rate
from misread.report.verification import mapping_record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from misread.report.results.source import Source


def assessment(source: Source) -> ReportContent:
    """Return what `misread assess --json` found."""
    document = source.document
    sentence, robust = str(document["sentence"]), rate(document["robust"])
    subjects = [{"name": document["model"], **document}, *document["builds"]]
    warnings = [f"{finding['text']}." for finding in document["warnings"]]
    warnings += [
        f"{one['name']}: only queries were used; {one['surrogate']}." for one in document["builds"] if one["surrogate"]
    ]
    if not document["labels_given"]:
        warnings.append("Not every picture of the assessment was labelled: what the model reads clean counts as right.")
    tables = (_suite(str(one["name"]), one["stages"]) for one in subjects)
    return ReportContent(
        title="misread assess",
        headline=f"{sentence}.",
        said=(Said(sentence=f"{sentence}."),),
        facts=(Fact(value=words.hits(robust), meaning=f"pictures stand on {document['model']}"),),
        warnings=tuple(warnings),
        assessments=(
            BuildsView(
                rates=tuple(_rates(one) for one in subjects), tables=tuple(table for table in tables if table.rows)
            ),
        ),
        records=tuple(_records(document)),
    )


def _rates(subject: Mapping[str, Any]) -> RungView:
    survivals = (
        Survival(reader="read right, unchanged", rate=rate(subject["clean"])),
        Survival(reader="read right under every attack", rate=rate(subject["robust"])),
    )
    return RungView(name=str(subject["name"]), detail="", survivals=survivals)


def _suite(name: str, stages: Sequence[Mapping[str, Any]]) -> TableView:
    rows = []
    for stage in stages:
        standing = rate(stage["standing"])
        counts = (words.count(int(stage[key])) for key in ("attempted", "found"))
        if stage["attempted"]:
            stands = (
                words.NONE if standing.share is None else f"{words.share(standing.share)}, {words.interval(standing)}"
            )
            rows.append(
                (str(stage["name"]), *counts, stands, f"{stage['passes']:.0f}", words.seconds(stage["seconds"]))
            )
    head = ("Attack", "Tried on", "Broke", "Still stand", "Passes a picture", "Time")
    return TableView(title=f"The suite against {name}", head=head, rows=tuple(rows))


def _records(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, str]]]:
    said = {"threat": document["threat"], "pictures": document["pictures"], "card from": document["card_from"]}
    yield "Assessment", mapping_record(said)
    for one in ({"name": document["model"], **document}, *document["builds"]):
        if one["fingerprint"]:
            yield f"Fingerprint of {one['name']}, assessed", mapping_record(one["fingerprint"])
