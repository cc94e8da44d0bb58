"""`misread verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from misread.cli.app import app, end, progress
from misread.cli.groups import CARD, OUTPUTS, SESSION, sharing
from misread.cli.options import Json, PackedOrBuilds, card_said, outputs_said, session_said


@app.command()
@sharing(OUTPUTS, SESSION, CARD)
def verify(
    context: typer.Context,
    bundle: Annotated[Path, typer.Argument(help="The folder that misread attack wrote.")],
    *,
    builds: PackedOrBuilds = None,
    min_robust_accuracy: Annotated[
        float | None, typer.Option(metavar="SHARE", help="Fail below this share of witnesses not misread.")
    ] = None,
    min_clean_accuracy: Annotated[
        float | None, typer.Option(metavar="SHARE", help="Fail below this share of clean pictures read right.")
    ] = None,
    max_flips: Annotated[int | None, typer.Option(metavar="N", help="Fail where more witnesses are misread.")] = None,
    baseline: Annotated[
        Path | None, typer.Option(metavar="RESULT.json", help="Fail where more is misread than there, beyond chance.")
    ] = None,
    camera: Annotated[
        Path | None, typer.Option(metavar="DIR", help="What misread camera wrote of this bundle: the last rung.")
    ] = None,
    json: Json = False,
    **_: Any,
) -> None:
    """Judge a bundle on deployed builds: verdicts and the ladder.

    Without -m, replay the builds packed in the bundle and compare with what the host saw. Needs no torch.
    """
    from misread.report.json import dumps, verification_document
    from misread.report.outputs.base import Start
    from misread.report.text.verification import verification_text
    from misread.runtime.gates import Gates
    from misread.runtime.verify import VerifyOptions
    from misread.runtime.verify import verify as run

    gates = Gates(
        min_clean_accuracy=min_clean_accuracy,
        min_robust_accuracy=min_robust_accuracy,
        max_flips=max_flips,
        baseline=baseline,
    )
    options = VerifyOptions(
        bundle=bundle,
        builds=tuple(builds or ()),
        card=card_said(context),
        session=session_said(context),
        gates=gates,
        camera=camera,
    )
    outputs, start = outputs_said(context), Start.now()
    result = run(options, progress=progress())
    outputs.write(result, start)
    end(dumps(verification_document(result)) if json else verification_text(result), result.exit_code)
