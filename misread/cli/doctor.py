"""`misread doctor`."""

from __future__ import annotations

from misread.cli.app import app, end
from misread.cli.options import Json


@app.command()
def doctor(*, json: Json = False) -> None:
    """Say what is installed and what is missing, and how to get it.

    Versions, providers, processor, cameras, extras.
    """
    from misread.report.json import diagnosis_document, dumps
    from misread.report.text.diagnosis import diagnosis_text
    from misread.runtime.doctor import diagnose

    diagnosis = diagnose()
    end(dumps(diagnosis_document(diagnosis)) if json else diagnosis_text(diagnosis), diagnosis.exit_code)
