"""Gradients from the file: an ONNX graph becomes a differentiable torch module, quantised graphs included.

`load_surrogate` gives the graph as it stands; `load_surrogate_origin` gives what attacks work on: a twin that takes
RGB in [0, 1] and returns logits, and the card by which the file itself is fed.
"""

from __future__ import annotations

from misread.attack.surrogate.module import Surrogate
from misread.attack.surrogate.node import UnsupportedOperator
from misread.attack.surrogate.twin import SurrogateOrigin, load_surrogate, load_surrogate_origin

__all__ = ["Surrogate", "SurrogateOrigin", "UnsupportedOperator", "load_surrogate", "load_surrogate_origin"]
