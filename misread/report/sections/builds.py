"""The builds side by side: rates as a plot, verdicts, patterns, pairs and gates as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from misread.report import words
from misread.report.markup import Markup, join, tag
from misread.report.plots import Point, Row, interval_plot, legend
from misread.report.sections.parts import section, titled

if TYPE_CHECKING:
    from misread.report.content import BuildsView, ReportContent


def builds(content: ReportContent) -> Markup | None:
    """Return what the builds made of the changed pictures."""
    if not content.builds:
        return None
    return section("builds", "The builds", *(_view(view, "Share misread") for view in content.builds))


def assessments(content: ReportContent) -> Markup | None:
    """Return robust accuracy, and the suite attack by attack."""
    if not content.assessments:
        return None
    return section("assessment", "Robust accuracy", *(_view(view, "Share read right") for view in content.assessments))


def confusions(content: ReportContent) -> Markup | None:
    """Return what is taken for what."""
    if not content.confusions:
        return None
    return section("confusions", "The most dangerous confusions", *(titled(view) for view in content.confusions))


def _view(view: BuildsView, title: str) -> Markup:
    readers = tuple(dict.fromkeys(one.reader for row in view.rates for one in row.survivals))
    rows = [
        Row(
            name=row.name,
            detail=row.detail,
            points=tuple(Point(series=readers.index(one.reader), rate=one.rate) for one in row.survivals),
        )
        for row in view.rates
    ]
    spoken = "; ".join(
        f"{row.name}, {one.reader}: {words.hits(one.rate)}" for row in view.rates for one in row.survivals
    )
    plot = interval_plot(rows, title=title, description=spoken)
    caption = tag("figcaption", f"{title}; whiskers are 95 % intervals.")
    shown = tag("figure", legend(readers), plot, caption) if rows else ""
    heading = tag("h3", view.title) if view.title else ""
    return join([heading, shown, *(titled(table) for table in view.tables)])
