"""The list of all witnesses: a table that the reader sorts and filters, by the script of the page where it may run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from misread.report import words
from misread.report.markup import Markup, join, tag
from misread.report.pictures import list_uri
from misread.report.sections.parts import section

if TYPE_CHECKING:
    from misread.report.content import Listed, ListingView, ReportContent


def listings(content: ReportContent) -> Markup | None:
    """Return all witnesses, one table per result."""
    shown = [view for view in content.listings if view.rows]
    if not shown:
        return None
    return section("all", "All witnesses", *(_listing(view, at) for at, view in enumerate(shown)))


def _listing(view: ListingView, at: int) -> Markup:
    pictured = any(row.image is not None for row in view.rows)
    head = (view.head[0], *(["Clean, changed, difference"] if pictured else []), *view.head[1:])
    columns = [tag("th", name, scope="col") for name in head]
    body = [_row(row, pictured=pictured) for row in view.rows]
    caption = tag("caption", f"{words.plural(len(view.rows), 'witness', 'witnesses')}. {view.note}".strip())
    content = tag(
        "table", caption, tag("thead", tag("tr", *columns)), tag("tbody", *body), id=f"list-{at}", class_="sortable"
    )
    scroll = tag("div", content, class_="scroll tall", tabindex=0, role="region", aria_label="All witnesses")
    return join([_controls(view, at), scroll])


def _controls(view: ListingView, at: int) -> Markup:
    """Return the filters; hidden until the script shows them, since without it they do nothing."""
    outcomes = dict.fromkeys(row.outcome for row in view.rows)
    options = [tag("option", "any outcome", value=""), *(tag("option", name, value=name) for name in sorted(outcomes))]
    return tag(
        "div",
        tag("label", "Filter ", tag("input", type="search", placeholder="label, id, file", class_="words")),
        tag("label", "Outcome ", tag("select", *options, class_="outcome")),
        tag("output", role="status", class_="detail"),
        class_="controls",
        hidden=True,
        data_for=f"list-{at}",
    )


def _row(row: Listed, *, pictured: bool) -> Markup:
    cells = [
        tag("td", cell, data_key=None if key is None else f"{key!r}")
        for cell, key in zip(row.cells[1:], row.keys[1:], strict=True)
    ]
    if pictured:
        cells.insert(0, tag("td", _picture(row)))
    return tag("tr", tag("th", row.cells[0], scope="row"), *cells, data_outcome=row.outcome)


def _picture(row: Listed) -> Markup:
    if row.image is None:
        return Markup(words.NONE)
    height, width = row.image.shape[:2]
    return tag(
        "img", src=list_uri(row.image), alt=row.alt, width=width, height=height, loading="lazy", decoding="async"
    )
