"""The head: what happened, in one sentence and a few figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from misread.report.markup import Markup, tag

if TYPE_CHECKING:
    from misread.report.content import ReportContent, Said


def headline(content: ReportContent) -> Markup:
    """Return title, sentence, large figures and warnings."""
    facts = [tag("div", tag("dd", fact.value), tag("dt", fact.meaning), class_="fact") for fact in content.facts]
    warnings = [tag("p", tag("b", "Note. "), warning, class_="warning") for warning in content.warnings]
    said = [_said(one) for one in content.said]
    made = tag("p", content.created, class_="detail") if content.created else ""
    return tag(
        "header",
        tag("p", content.title, class_="title"),
        tag("h1", content.headline),
        tag("dl", *facts, class_="facts") if facts else "",
        *said,
        *warnings,
        made,
    )


def _said(said: Said) -> Markup:
    """Return the exact sentence of a result, marked by sign and colour where it judges."""
    if said.passed is None:
        return tag("p", said.sentence)
    mark = tag("b", "✓ passed " if said.passed else "✗ not passed ", class_="right" if said.passed else "misread")
    return tag("p", mark, said.sentence, class_="right" if said.passed else "misread")
