"""What `misread export` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from misread.report.text.table import WIDTH, facts, table, wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from misread.card import ModelCard
    from misread.stats import Rate


class ParityLike(Protocol):
    """What is shown of a comparison with the twin; `misread.export.parity.Parity` is one."""

    @property
    def agreement(self) -> Rate:
        """Pictures that both give the same label."""

    @property
    def largest_absolute(self) -> float:
        """Largest difference of a logit."""

    @property
    def pictures(self) -> str:
        """Where the pictures are from."""


class FileLike(Protocol):
    """What is shown of a file; `misread.export.onnx_file.OnnxFile` is one."""

    @property
    def path(self) -> Path:
        """Where it lies."""

    @property
    def sha256(self) -> str:
        """Its hash."""

    @property
    def size_bytes(self) -> int:
        """Its size."""

    @property
    def opset(self) -> int:
        """Version of the standard operators, read back."""


class BuildLike(Protocol):
    """What is shown of a build; `misread.export.run.Build` is one."""

    @property
    def precision(self) -> str:
        """As in `int8`."""

    @property
    def file(self) -> FileLike:
        """What was written."""

    @property
    def parity(self) -> ParityLike:
        """How it was held against the twin."""


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
    """Return an export as plain text: the files, and how each agrees with the twin."""
    card = result.card
    details = {"crop": f"crop from {card.resize_px}", "letterbox": f"letterbox on {card.pad_level}"}
    crop = details.get(card.resize, card.resize)
    pairs = [
        ("origin", result.origin),
        ("card", f"from {', '.join(result.card_from)}" if result.card_from else ""),
        ("input", f"{card.size_hw[0]}x{card.size_hw[1]} {card.colour}, {crop}, {card.interpolation}"),
        ("labels", f"{len(card.labels)}: {', '.join(card.labels[:4])}{' …' if len(card.labels) > 4 else ''}"),
        ("calibration", f"{result.calibration} pictures" if result.calibration else ""),
        ("parity on", " / ".join(dict.fromkeys(build.parity.pictures for build in result.builds))),
    ]
    head = ("build", "", "size", "opset", "same label", "logit diff", "sha256")
    rows = [_row(build) for build in result.builds]
    lines = [*facts(pairs, width=width), "", *table(head, rows, right=range(2, 6), width=width)]
    names = ", ".join(str(build.file.path) for build in result.builds)
    return "\n".join([*lines, "", *wrapped(f"wrote {names}", width=width)]) + "\n"


def _row(build: BuildLike) -> tuple[str, ...]:
    agreement = build.parity.agreement
    return (
        build.file.path.name,
        build.precision,
        _size(build.file.size_bytes),
        str(build.file.opset),
        f"{agreement.hits}/{agreement.total}",
        f"{build.parity.largest_absolute:.2g}",
        build.file.sha256[:8],
    )


def _size(count: int) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} B"
