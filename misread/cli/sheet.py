"""`misread sheet`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from misread.cli.app import app, show
from misread.cli.options import Json, Overwrite


@app.command()
def sheet(
    bundle: Annotated[Path, typer.Argument(help="The folder that misread attack wrote.")],
    *,
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="The PDF, for print.")] = None,
    png: Annotated[Path | None, typer.Option(metavar="DIR", help="The pages as pictures, for screens.")] = None,
    witness: Annotated[list[str] | None, typer.Option(metavar="ID", help="Of the bundle; may be repeated.")] = None,
    paper: Annotated[str, typer.Option(help="a4, letter or a3.")] = "a4",
    board_mm: Annotated[float, typer.Option(help="Side of the board in print.")] = 180.0,
    board_px: Annotated[int, typer.Option(help="Side of the board in the pictures.")] = 720,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Write a bundle as sheets to print and hang up.

    Clean, adversarial and placebo look alike but for picture and markers; the first page says how to print and film.
    """
    from misread.report.text.sheet import sheet_text
    from misread.runtime.sheet import SheetOptions, write_sheet

    options = SheetOptions(
        bundle=bundle,
        out=out,
        png=png,
        witness=tuple(witness or ()),
        paper=paper,
        board_mm=board_mm,
        board_px=board_px,
        overwrite=overwrite,
    )
    show(write_sheet(options), sheet_text, "misread-sheet", as_json=json)
