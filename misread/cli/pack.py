"""`misread pack`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from misread.cli.app import app, progress, show
from misread.cli.groups import CARD, SESSION, sharing
from misread.cli.options import Builds, Json, Overwrite, card_said, session_said


@app.command()
@sharing(SESSION, CARD)
def pack(
    context: typer.Context,
    bundle: Annotated[Path, typer.Argument(help="The folder that misread attack wrote.")],
    *,
    builds: Builds,
    overwrite: Overwrite = False,
    json: Json = False,
    **_: Any,
) -> None:
    """Put builds into a bundle, with what they say here.

    On the device, misread verify BUNDLE replays them. Needs no torch.
    """
    from misread.report.text.replay import pack_text
    from misread.runtime.replay import PackOptions
    from misread.runtime.replay import pack as run

    options = PackOptions(
        bundle=bundle,
        builds=tuple(builds),
        card=card_said(context),
        session=session_said(context),
        overwrite=overwrite,
    )
    show(run(options, progress=progress()), pack_text, "misread-pack", as_json=json)
