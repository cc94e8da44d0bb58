"""The record: what really ran, how long it took, and how to run it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from misread.report import words
from misread.report.markup import Markup, tag
from misread.report.sections.parts import section, table

if TYPE_CHECKING:
    from misread.report.content import ReportContent


def record(content: ReportContent) -> Markup | None:
    """Return commands, durations and fingerprints."""
    parts: list[Markup] = []
    if content.commands:
        lines = tag("code", "\n".join(content.commands))
        parts.append(tag("div", tag("h3", "Do it again"), tag("pre", lines, tabindex=0)))
    if content.stages:
        rows = [(name, words.seconds(value)) for name, value in content.stages]
        parts.append(_folded("Durations", table("Duration of each stage", ("Stage", "Time"), rows)))
    for name, values in content.records:
        parts.append(_folded(name, table(name, ("Property", "Value"), list(values.items()))))
    return section("record", "The record", *parts) if parts else None


def _folded(name: str, content: Markup) -> Markup:
    return tag("details", tag("summary", name), content)
