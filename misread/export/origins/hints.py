"""What was probably meant by a text that names no classifier."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

_WEIGHTS: Final = (".safetensors", ".ckpt", ".bin", ".pkl", ".pickle", ".tar")
_BARE: Final = re.compile(r"[a-z][a-z0-9_.]*")
_ENDINGS: Final = (
    ((".onnx", ".ort"), "that is a deployed file already; misread export makes one of a network in PyTorch"),
    (_WEIGHTS, "that holds weights and no network; type file.py:factory --weights {}"),
    ((".py",), "name the function that returns the network, as in {}:make"),
)


def hint(text: str) -> str:
    """Return what to type instead, in a sentence that goes on after a semicolon, or nothing."""
    for endings, said in _ENDINGS:
        if text.lower().endswith(endings):
            return said.format(text)
    if Path(text).is_dir():
        return f"a folder that transformers saved is written hf:{text}"
    if "/" in text and ":" not in text:
        return f"a network of the Hugging Face hub is written hf:{text}"
    return f"perhaps torchvision:{text} or timm:{text} is meant" if _BARE.fullmatch(text) else ""
