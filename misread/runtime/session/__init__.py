"""Readers: whatever reads pictures. `Deployed` is an ONNX file in onnxruntime; only this package calls it."""

from __future__ import annotations

from misread.runtime.session.boundary import ort_errors
from misread.runtime.session.deployed import MAX_BATCH, Deployed
from misread.runtime.session.options import Level, SessionOptions
from misread.runtime.session.placement import CPU, Node, nodes
from misread.runtime.session.reading import FunctionReader, Reader, Reading

__all__ = [
    "CPU",
    "MAX_BATCH",
    "Deployed",
    "FunctionReader",
    "Level",
    "Node",
    "Reader",
    "Reading",
    "SessionOptions",
    "nodes",
    "ort_errors",
]
