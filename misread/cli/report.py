"""`misread report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from misread.cli.app import app, show
from misread.cli.options import Json, Overwrite


@app.command()
def report(
    results: Annotated[
        list[Path], typer.Argument(help="JSON of verify, assess or attack (--json), or the folder of a camera run.")
    ],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The HTML file.")] = Path("report.html"),
    bundle: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the witnesses. [as the results say, or beside them]")
    ] = None,
    title: Annotated[str, typer.Option(help="Stands over the headline.")] = "misread report",
    pictures: Annotated[int, typer.Option(help="Witnesses shown large; the table shows all small.")] = 12,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Make one HTML file of results, to read, print and pass on.

    Needs no torch.
    """
    from misread.report.results.whole import ReportOptions
    from misread.report.results.whole import report as run
    from misread.report.text.report import report_text

    options = ReportOptions(
        results=tuple(results), out=out, bundle=bundle, title=title, pictured=pictures, overwrite=overwrite
    )
    show(run(options), report_text, "misread-report", as_json=json)
