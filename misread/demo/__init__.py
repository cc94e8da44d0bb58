"""The whole road on the embedded sign classifier: export, attack, verify, film, report."""

from __future__ import annotations

from misread.demo.result import DemoOptions, DemoResult, Expectation
from misread.demo.run import run_demo

__all__ = ["DemoOptions", "DemoResult", "Expectation", "run_demo"]
