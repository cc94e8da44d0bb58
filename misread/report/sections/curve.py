"""Robust accuracy by the size of the change, as a plot and as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from misread.report import words
from misread.report.curve_plot import curve_plot
from misread.report.markup import Markup, tag
from misread.report.plots import legend
from misread.report.sections.parts import section, table

if TYPE_CHECKING:
    from misread.report.content import CurveView, ReportContent


def curves(content: ReportContent) -> Markup | None:
    """Return every curve."""
    if not content.curves:
        return None
    return section("curves", "How much change is enough", *(_curve(view) for view in content.curves))


def _curve(view: CurveView) -> Markup:
    sizes = tuple(dict.fromkeys(point.size for point in view.points))
    readers = tuple(dict.fromkeys(point.reader for point in view.points))
    known = {(point.reader, point.size): point.rate for point in view.points}
    rates = [[known.get((reader, size)) for size in sizes] for reader in readers]
    spoken = "; ".join(f"{one.reader} at {one.size}: {words.hits(one.rate)}" for one in view.points)
    plot = curve_plot(sizes, rates, title=view.title, axis=view.axis, description=spoken)
    rows = [
        (size, *(f"{words.hits(rate)}, {words.interval(rate)}" if rate else words.NONE for rate in column))
        for size, column in zip(sizes, zip(*rates, strict=True), strict=True)
    ]
    caption = tag(
        "figcaption", "Share still read right under changes of at most that size; whiskers are 95 % intervals."
    )
    return tag(
        "article",
        tag("h3", view.title),
        tag("p", view.note) if view.note else "",
        tag("figure", legend(readers), plot, caption),
        tag(
            "details",
            tag("summary", "The figures"),
            table(view.title, (view.axis.capitalize(), *readers), rows, unseen=True),
        ),
    )
