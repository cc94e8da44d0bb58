"""Pieces that several sections share: a section with its heading, a picture with its readings, a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from misread.report import words
from misread.report.markup import Markup, join, tag
from misread.report.pictures import figure_uri, is_small

if TYPE_CHECKING:
    from collections.abc import Sequence

    from misread.report.content import Picture, Read, TableView


def section(name: str, heading: str, *children: str) -> Markup:
    """Return a section that its heading names; `name` is its anchor."""
    return tag(
        "section", tag("h2", heading, id=f"{name}-heading"), *children, id=name, aria_labelledby=f"{name}-heading"
    )


def reading(read: Read, *, with_reader: bool = True) -> Markup:
    """Return label and confidence, marked right or misread by sign and colour."""
    sign = tag("span", "✗" if read.misread else "✓", class_="sign", aria_hidden="true")
    verdict = tag("span", "misread: " if read.misread else "read right: ", class_="unseen")
    reader = tag("span", read.reader, class_="reader") if with_reader else ""
    label = tag("b", sign, words.NBSP, verdict, read.label)
    shown = tag("span", words.confidence(read.confidence), class_="confidence")
    return tag("span", reader, label, " ", shown, class_="read misread" if read.misread else "read right")


def figure(picture: Picture, *, lazy: bool = False) -> Markup:
    """Return a picture, its title, and what each reader made of it; `lazy` where it is not seen at first."""
    height, width = picture.image.shape[:2]
    small = is_small(picture.image)
    image = tag(
        "img",
        src=figure_uri(picture.image),
        alt=picture.alt,
        width=width,
        height=height,
        class_="pixels" if small else "smooth",
        loading="lazy" if lazy else None,
    )
    caption = [tag("strong", picture.title)]
    if picture.caption:
        caption.append(tag("span", picture.caption, class_="detail"))
    caption += [reading(read) for read in picture.reads]
    return tag("figure", image, tag("figcaption", *caption))


def table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]], *, unseen: bool = False) -> Markup:
    """Return a table whose first column names the rows; `unseen` where a heading above says the caption already."""
    columns = [tag("th", cell, scope="col") for cell in head]
    body = [tag("tr", tag("th", row[0], scope="row"), *(tag("td", cell) for cell in row[1:])) for row in rows]
    content = tag(
        "table",
        tag("caption", caption, class_="unseen" if unseen else None),
        tag("thead", tag("tr", *columns)),
        tag("tbody", *body),
    )
    # Wide tables scroll by themselves, never the page; the tabindex lets the keyboard reach them.
    return tag("div", content, class_="scroll", tabindex=0, role="region", aria_label=caption)


def titled(view: TableView) -> Markup:
    """Return a table under its title, with what to know of it."""
    note = tag("p", view.note, class_="detail") if view.note else ""
    return join([tag("h3", view.title), note, table(view.title, view.head, view.rows, unseen=True)])
