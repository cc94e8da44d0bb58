"""One HTML file that holds a whole report: no network, every foreign string escaped, one script that only sorts."""

from __future__ import annotations

import base64
import hashlib
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
    """Return the report as one HTML document; only one with a list of witnesses has a script."""
    style = Markup(_asset("page.css"))
    script = _asset("page.js") if any(view.rows for view in content.listings) else ""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(script)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", content.title),
        tag("style", style),
    )
    drawn = [part for make in SECTIONS if (part := make(content)) is not None]
    return f"<!doctype html>\n{tag('html', head, tag('body', tag('main', *drawn), *_scripts(script)), lang='en')}\n"


def _asset(name: str) -> str:
    return files("misread.report").joinpath(name).read_text(encoding="utf-8")


def _policy(script: str) -> str:
    """Return the policy that lets this very script run, known by its hash, and no other."""
    if not script:
        return POLICY
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    return f"{POLICY}; script-src 'sha256-{digest}'"


def _scripts(script: str) -> tuple[Markup, ...]:
    return (tag("script", Markup(script)),) if script else ()


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
