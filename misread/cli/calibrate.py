"""`misread calibrate`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from misread.cli.app import app, end, progress, show
from misread.cli.options import Json, Overwrite


@app.command()
def calibrate(
    source: Annotated[str | None, typer.Argument(help="device:0, a stream's URL, a video file or a folder.")] = None,
    *,
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="The lens. [lens.json]")] = None,
    profile: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Light, noise and blur instead, from a sheet in view.")
    ] = None,
    frames: Annotated[int, typer.Option(help="Look at no more than these.")] = 900,
    chart: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the chart: .pdf or .png.")] = None,
    paper: Annotated[str, typer.Option(help="Of the chart: a4, letter or a3.")] = "a4",
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Measure a camera's lens, or its light, noise and blur.

    First --chart chart.pdf, print and film it from many sides; then the source. --profile wants a sheet.
    """
    from misread.errors import OptionError
    from misread.report.text.lens import chart_text, lens_text, profile_text
    from misread.runtime import calibrate as part

    if chart is not None and source is None:
        part.write_chart(chart, paper=paper, overwrite=overwrite)
        end(chart_text(chart), 0)
    if source is None or chart is not None:
        raise OptionError("name a source that shows the chart, or --chart chart.pdf to write the chart, not both")
    if profile is not None and out is not None:
        raise OptionError("-o writes a lens and --profile what a sheet tells; run it once for each")
    written = profile or out or Path("lens.json")
    options = part.CalibrateOptions(source=source, out=written, frames=frames, overwrite=overwrite)
    if profile is not None:
        light = part.calibrate_profile(options, progress=progress())
        show(light, partial(profile_text, out=written), "misread-photometry", as_json=json)
    lens = part.calibrate(options, progress=progress())
    show(lens, partial(lens_text, out=written), "misread-lens-fit", as_json=json)
