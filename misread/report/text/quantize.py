"""What `misread quantize` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from misread.report.text.builds import cost_facts, files_table, input_text, labels_text, paths, trials_table
from misread.report.text.table import WIDTH, facts, wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from misread.card import ModelCard
    from misread.report.text.builds import BuildLike


class QuantizeLike(Protocol):
    """What is shown of a quantisation; `misread.export.quantize.run.QuantizeResult` is one."""

    @property
    def model(self) -> Path:
        """The float file."""

    @property
    def model_sha256(self) -> str:
        """Its hash."""

    @property
    def card(self) -> ModelCard:
        """In the build."""

    @property
    def card_from(self) -> Sequence[str]:
        """Who said so."""

    @property
    def build(self) -> BuildLike:
        """What was written."""

    @property
    def calibration(self) -> int:
        """Pictures that ranges were learnt from."""

    @property
    def calibration_from(self) -> str:
        """Where those are from."""


def quantize_text(result: QuantizeLike, *, width: int = WIDTH) -> str:
    """Return a quantisation as plain text: the files, how they agree with the float file, and what they cost."""
    build = result.build
    learnt = f"{result.calibration} pictures of {result.calibration_from}" if result.calibration else ""
    pairs = [
        ("model", f"{result.model}, sha256 {result.model_sha256[:8]}"),
        ("card", f"from {', '.join(result.card_from)}"),
        ("input", input_text(result.card)),
        ("labels", labels_text(result.card)),
        ("calibration", learnt),
        ("parity on", build.parity.pictures),
        *cost_facts(build.made, build.precision),
    ]
    lines = [*facts(pairs, width=width), *trials_table(build.made, width=width), ""]
    lines += files_table([build], width=width)
    notes = build.made.notes
    lines += ["", *(line for note in notes for line in wrapped(note, first="note: ", width=width))] if notes else []
    return "\n".join([*lines, "", *wrapped(f"wrote {', '.join(paths([build]))}", width=width)]) + "\n"
