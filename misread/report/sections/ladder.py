"""The ladder: how many witnesses are still misread, rung by rung, as a plot and as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from misread.report import words
from misread.report.markup import Markup, join, tag
from misread.report.plots import Point, Row, interval_plot, legend
from misread.report.sections.parts import section, table

if TYPE_CHECKING:
    from misread.report.content import ReportContent, RungView

ABOUT = (
    "Each rung is a step from the attack in PyTorch towards the device. Counted are the witnesses whose clean picture "
    "is read right there and whose changed picture is still misread there. Whiskers are 95 % intervals."
)


def ladder(content: ReportContent) -> Markup | None:
    """Return the plot and the table of all rungs."""
    if not content.rungs:
        return None
    readers = tuple(dict.fromkeys(survival.reader for rung in content.rungs for survival in rung.survivals))
    rows = [_row(rung, readers) for rung in content.rungs]
    plot = interval_plot(rows, title="Share of witnesses that survive each rung", description=_spoken(content))
    note = tag("p", content.ladder_note) if content.ladder_note else ""
    figure = tag("figure", legend(readers), plot, tag("figcaption", "Share still misread, per rung and reader."))
    return section("ladder", "The ladder", tag("p", ABOUT), note, figure, _table(content, readers))


def _row(rung: RungView, readers: tuple[str, ...]) -> Row:
    points = tuple(Point(series=readers.index(survival.reader), rate=survival.rate) for survival in rung.survivals)
    return Row(name=rung.name, detail=rung.detail, points=points)


def _spoken(content: ReportContent) -> str:
    parts = [
        f"{rung.name}, {survival.reader}: {words.hits(survival.rate)}"
        for rung in content.rungs
        for survival in rung.survivals
    ]
    return "; ".join(parts)


def _table(content: ReportContent, readers: tuple[str, ...]) -> Markup:
    rows = []
    for rung in content.rungs:
        rates = {survival.reader: survival.rate for survival in rung.survivals}
        cells = [
            join([tag("b", words.hits(rates[name])), tag("span", words.interval(rates[name]), class_="detail")], " ")
            if name in rates
            else Markup(words.NONE)
            for name in readers
        ]
        rows.append((rung.name, *cells))
    return table("Witnesses still misread, with 95 % interval", ("Rung", *readers), rows)
