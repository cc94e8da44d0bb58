"""What `misread export` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from misread.report.text.builds import cost_facts, files_table, input_text, labels_text, paths, trials_table
from misread.report.text.table import WIDTH, facts, wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from misread.card import ModelCard
    from misread.report.text.builds import BuildLike


class ExportLike(Protocol):
    """What is shown of an export; `misread.export.run.ExportResult` is one."""

    @property
    def origin(self) -> str:
        """As asked for."""

    @property
    def card(self) -> ModelCard:
        """In every build."""

    @property
    def card_from(self) -> Sequence[str]:
        """Who said how pictures are prepared."""

    @property
    def builds(self) -> Sequence[BuildLike]:
        """One per precision."""

    @property
    def calibration(self) -> int:
        """Pictures that int8 learnt its ranges from."""


def export_text(result: ExportLike, *, width: int = WIDTH) -> str:
    """Return an export as plain text: the files, how each agrees with the twin, and what each costs."""
    pairs = [
        ("origin", result.origin),
        ("card", f"from {', '.join(result.card_from)}" if result.card_from else ""),
        ("takes", "uint8 pictures (n, h, w, 3) of any size" if result.card.baked_preprocessing else ""),
        ("in the graph" if result.card.baked_preprocessing else "input", input_text(result.card)),
        ("labels", labels_text(result.card)),
        ("calibration", f"{result.calibration} pictures" if result.calibration else ""),
        ("parity on", " / ".join(dict.fromkeys(build.parity.pictures for build in result.builds))),
    ]
    for build in result.builds:
        pairs += cost_facts(build.made, build.precision, named=f"{build.precision} ")
    lines = [*facts(pairs, width=width), "", *files_table(result.builds, width=width)]
    for build in result.builds:
        lines += trials_table(build.made, width=width)
    notes = dict.fromkeys(note for build in result.builds for note in build.made.notes)
    lines += ["", *(line for note in notes for line in wrapped(note, first="note: ", width=width))] if notes else []
    return "\n".join([*lines, "", *wrapped(f"wrote {', '.join(paths(result.builds))}", width=width)]) + "\n"
