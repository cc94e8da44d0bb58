"""MODEL on the command line: an ONNX file, read in onnxruntime without torch, or an origin, read in torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import typer

from misread.cli.options import card_said, fed_said, origin_said

FILES: Final = (".onnx", ".ort")


def is_file(model: str) -> bool:
    """Tell whether the text means a deployed file."""
    return model.lower().endswith(FILES)


def open_reader(context: typer.Context, model: str, session: Any, *, weights: Path | None = None) -> Any:
    """Open what the text means, fed by its own card, or by the flags of this call where it has none.

    Args:
        context: of the call, with the shared options of `misread.cli.options` among its parameters.
        model: a file or an origin.
        session: how onnxruntime runs a file.
        weights: of an origin, instead of those that the call names.
    """
    if is_file(model):
        from misread.runtime.session import Deployed

        return Deployed.open(Path(model), card=card_said(context), options=session)
    from misread.export.reader import open_twin

    said = origin_said(context) | fed_said(context)
    return open_twin(model, **said | {"weights": weights or said["weights"]})
