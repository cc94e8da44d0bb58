"""Gradients from the file: an ONNX graph becomes a differentiable torch module, quantised graphs included."""

from __future__ import annotations
