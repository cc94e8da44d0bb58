"""`misread schema`."""

from __future__ import annotations

from typing import Annotated

import typer

from misread.cli.app import app, end


@app.command()
def schema(
    kind: Annotated[
        str | None, typer.Argument(metavar="KIND", help="As verification; without one, all are named.")
    ] = None,
) -> None:
    """Print the JSON Schema of a document that --json prints.

    Draft 2020-12.
    """
    from misread.report.schema import kinds, schema_text

    end(schema_text(kind) if kind else "\n".join(kinds()), 0)
