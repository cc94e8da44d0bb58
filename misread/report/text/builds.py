"""What the texts of `misread export` and `misread quantize` share: a table of files, and what int8 costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from misread.report.text.table import WIDTH, counts, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from misread.card import ModelCard
    from misread.stats import Rate


class ParityLike(Protocol):
    """What is shown of a comparison; `misread.export.parity.Parity` is one."""

    @property
    def agreement(self) -> Rate:
        """Pictures that both give the same label."""

    @property
    def largest_absolute(self) -> float:
        """Largest difference of a logit."""

    @property
    def pictures(self) -> str:
        """Where the pictures are from."""


class StoredLike(Protocol):
    """What is shown of any file."""

    @property
    def path(self) -> Path:
        """Where it lies."""

    @property
    def sha256(self) -> str:
        """Its hash."""

    @property
    def size_bytes(self) -> int:
        """Its size."""


class FileLike(StoredLike, Protocol):
    """What is shown of an ONNX file; `misread.export.onnx_file.OnnxFile` is one."""

    @property
    def opset(self) -> int:
        """Version of the standard operators, read back."""


class VariantLike(StoredLike, Protocol):
    """What is shown of another form of a build; `misread.export.build.Variant` is one."""

    @property
    def form(self) -> str:
        """As in `batch-1`."""

    @property
    def parity(self) -> ParityLike:
        """How it was held against what it came from."""


class SettingsLike(Protocol):
    """What is shown of int8's settings; `misread.export.quantize.options.StaticOptions` is one."""

    def text(self) -> str:
        """Say them in words."""


class CostLike(Protocol):
    """What is shown of a cost in accuracy; `misread.export.quantize.accuracy.Cost` is one."""

    @property
    def float32(self) -> Rate:
        """Pictures that fp32 reads right."""

    @property
    def build(self) -> Rate:
        """Pictures that the build reads right."""

    @property
    def lost(self) -> int:
        """Read right by fp32 alone."""

    @property
    def gained(self) -> int:
        """Read right by the build alone."""

    @property
    def drop(self) -> float:
        """In points."""

    @property
    def low(self) -> float:
        """Lower end of its interval."""

    @property
    def high(self) -> float:
        """Upper end."""

    @property
    def pictures(self) -> str:
        """Where the pictures are from."""


class LayerLike(Protocol):
    """What is shown of an operator; `misread.export.quantize.layers.LayerError` is one."""

    @property
    def node(self) -> str:
        """Its name."""

    @property
    def operator(self) -> str:
        """Its kind."""

    @property
    def snr_db(self) -> float:
        """Signal over noise when it alone is quantised."""


class TrialLike(Protocol):
    """What is shown of a trial; `misread.export.quantize.search.Trial` is one."""

    @property
    def options(self) -> SettingsLike:
        """Its settings."""

    @property
    def keep_float(self) -> int:
        """Operators in float."""

    @property
    def cost(self) -> CostLike:
        """What it costs."""


class MadeLike(Protocol):
    """What is shown of how a build was made; `misread.export.quantize.make.Made` is one."""

    @property
    def options(self) -> SettingsLike | None:
        """Of int8."""

    @property
    def cost(self) -> CostLike | None:
        """Against fp32."""

    @property
    def kept_float(self) -> Sequence[LayerLike]:
        """Operators in float, the worst first."""

    @property
    def trials(self) -> Sequence[TrialLike]:
        """What was measured on the way."""

    @property
    def notes(self) -> Sequence[str]:
        """What is no gain."""


class BuildLike(Protocol):
    """What is shown of a build; `misread.export.build.Build` is one."""

    @property
    def precision(self) -> str:
        """As in `int8`."""

    @property
    def file(self) -> FileLike:
        """What was written."""

    @property
    def parity(self) -> ParityLike:
        """How it was held against what it came from."""

    @property
    def made(self) -> MadeLike:
        """How it was made."""

    @property
    def variants(self) -> Sequence[VariantLike]:
        """Its other forms."""


def input_text(card: ModelCard) -> str:
    """Say in one line how a model is fed."""
    details = {"crop": f"crop from {card.resize_px}", "letterbox": f"letterbox on {card.pad_level}"}
    resize = details.get(card.resize, card.resize)
    return f"{card.size_hw[0]}x{card.size_hw[1]} {card.colour}, {resize}, {card.interpolation}"


def labels_text(card: ModelCard) -> str:
    """Say how many labels there are, and the first."""
    return f"{len(card.labels)}: {', '.join(card.labels[:4])}{' …' if len(card.labels) > 4 else ''}"


def files_table(builds: Sequence[BuildLike], *, width: int = WIDTH) -> list[str]:
    """Return one line for each file."""
    head = ("build", "", "size", "opset", "same label", "logit diff", "sha256")
    rows = [row for build in builds for row in _rows(build)]
    return table(head, rows, right=range(2, 6), width=width)


def paths(builds: Sequence[BuildLike]) -> list[str]:
    """Return every file that was written."""
    return [str(path) for build in builds for path in (build.file.path, *(form.path for form in build.variants))]


def cost_facts(made: MadeLike, precision: str, *, named: str = "") -> Iterator[tuple[str, str]]:
    """Yield (name, value) of how a build was made and what it costs.

    Args:
        made: how.
        precision: of the build.
        named: in front of each name, where there are several builds.
    """
    if made.options is not None:
        yield f"{named}settings", made.options.text()
    if made.cost is not None:
        cost = made.cost
        yield f"{named}accuracy", f"fp32 {cost.float32.text()}, {precision} {cost.build.text()}, on {cost.pictures}"
        interval = f"95 % CI {cost.low:.2f} to {cost.high:.2f}"
        yield f"{named}drop", f"{cost.drop:.2f} points ({interval}): pictures lost {cost.lost}, gained {cost.gained}"
    if made.kept_float:
        named_layers = [f"{layer.operator} {layer.node} ({layer.snr_db:.1f} dB)" for layer in made.kept_float]
        more = f" and {len(named_layers) - 8} more" if len(named_layers) > 8 else ""
        yield f"{named}in float", f"{len(named_layers)} operators: {', '.join(named_layers[:8])}{more}"


def trials_table(made: MadeLike, *, width: int = WIDTH) -> list[str]:
    """Return one line for each build that a search measured; none where there was nothing to choose."""
    if len(made.trials) < 2:
        return []
    head = ("tried", "in float", "right", "drop")
    rows = [
        (trial.options.text(), str(trial.keep_float), counts(trial.cost.build), f"{trial.cost.drop:.2f}")
        for trial in made.trials
    ]
    return ["", *table(head, rows, right=range(1, 4), width=width)]


def _rows(build: BuildLike) -> Iterator[tuple[str, ...]]:
    yield _row(build.precision, str(build.file.opset), build.file, build.parity)
    for form in build.variants:
        yield _row(form.form, "", form, form.parity)


def _row(kind: str, opset: str, file: StoredLike, parity: ParityLike) -> tuple[str, ...]:
    same, difference = counts(parity.agreement), f"{parity.largest_absolute:.2g}"
    return file.path.name, kind, size_text(file.size_bytes), opset, same, difference, file.sha256[:8]


def size_text(count: int) -> str:
    """Say a number of bytes."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} B"
