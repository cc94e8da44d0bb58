"""Files that other programs read: test reports, metrics, summaries, tables. A new one is one file and one line."""

from __future__ import annotations

from typing import Final

from misread.report.outputs.base import Format
from misread.report.outputs.junit import junit
from misread.report.outputs.markdown import markdown
from misread.report.outputs.metrics import metrics
from misread.report.outputs.rows import csv, jsonl
from misread.report.outputs.sarif import sarif

__all__ = ["FORMATS"]

FORMATS: Final[tuple[Format, ...]] = (
    Format(name="junit", render=junit),
    Format(name="metrics", render=metrics),
    Format(name="markdown", render=markdown),
    Format(name="csv", render=csv),
    Format(name="jsonl", render=jsonl),
    Format(name="sarif", render=sarif),
)
