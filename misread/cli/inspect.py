"""`misread inspect`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from misread.cli.app import app, show
from misread.cli.groups import CARD, sharing
from misread.cli.options import Json, card_said


@app.command()
@sharing(CARD)
def inspect(
    context: typer.Context,
    model: Annotated[Path, typer.Argument(help="An ONNX file.")],
    *,
    json: Json = False,
    **_: Any,
) -> None:
    """Say what an ONNX file holds; nothing of it is run.

    Card, inputs, operators, precision, weights, hashes.
    """
    from misread.report.text.inspection import inspection_text
    from misread.runtime.inspect import inspect as run

    show(run(model, card=card_said(context)), inspection_text, "misread-inspection", as_json=json)
