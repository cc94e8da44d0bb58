"""Results made readable: text, JSON, and one HTML file. Neither torch nor onnx is imported here."""

from __future__ import annotations
