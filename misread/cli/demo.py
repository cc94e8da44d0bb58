"""`misread demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from misread.cli.app import app, progress, show
from misread.cli.options import Json, Overwrite, Seed


@app.command()
def demo(
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for everything that the demo makes.")] = Path(
        "misread-demo"
    ),
    camera: Annotated[bool, typer.Option("--camera/--no-camera", help="Film it with the virtual camera too.")] = True,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Show all of it on the embedded sign classifier, in a minute."""
    from misread.demo import DemoOptions, run_demo
    from misread.report.text.demo import demo_text

    result = run_demo(DemoOptions(out=out, seed=seed, overwrite=overwrite, camera=camera), progress=progress())
    show(result, demo_text, "misread-demo", as_json=json)
