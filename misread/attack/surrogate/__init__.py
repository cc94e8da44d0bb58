"""Gradients from the file: an ONNX graph becomes a differentiable torch module, quantised graphs included.

`load_surrogate` gives the graph as it stands; `load_surrogate_origin` gives what attacks work on: a twin that takes
RGB in [0, 1] and returns logits, and the card by which the file itself is fed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from misread.attack.surrogate.graph import parse
from misread.attack.surrogate.module import Surrogate
from misread.attack.surrogate.source import read_source
from misread.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Surrogate", "load_surrogate"]


def load_surrogate(path: Path, *, log_softmax: bool = False) -> Surrogate:
    """Read an ONNX classifier as a differentiable module whose forward takes the graph's own input.

    Args:
        path: an ONNX file of opset 7 to 25; weights may lie in files of the same folder.
        log_softmax: leave the exponential out of a final softmax, see `Surrogate`.

    Raises:
        FileError: missing, no ONNX, too large.
        UnsupportedOperator: an operator that is not covered; names it and lists what is.
        ModelError: no image classifier.
    """
    try:
        return Surrogate(parse(read_source(path)), log_softmax=log_softmax)
    except ModelError as error:
        message = f"{path}: {error}"
        raise type(error)(message) from error
