"""One HTML file that holds a whole report: no script, no network, every foreign string escaped."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Final

from misread.files import atomic_write
from misread.report.markup import Markup, tag
from misread.report.sections import SECTIONS

if TYPE_CHECKING:
    from pathlib import Path

    from misread.report.content import ReportContent

#: The browser itself refuses scripts and requests, should escaping ever fail.
POLICY: Final = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def render_report(content: ReportContent) -> str:
    """Return the report as one HTML document."""
    style = Markup(files("misread.report").joinpath("page.css").read_text(encoding="utf-8"))
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", content.title),
        tag("style", style),
    )
    drawn = [part for make in SECTIONS if (part := make(content)) is not None]
    return f"<!doctype html>\n{tag('html', head, tag('body', tag('main', *drawn)), lang='en')}\n"


def write_report(path: Path, content: ReportContent) -> None:
    """Write the report; the file is whole or absent.

    Args:
        path: Where the HTML file goes; an existing one is replaced.
        content: What to show.

    Raises:
        StorageError: The file could not be written.

    """
    # A file name may hold bytes that are no text (PEP 383); they become question marks instead of an error.
    data = render_report(content).encode("utf-8", "replace")
    with atomic_write(path) as out:
        out.write(data)
