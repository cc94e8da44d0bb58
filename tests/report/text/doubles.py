"""Stand-ins for what the host floor returns: the texts know it by its attributes alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from misread.stats import Rate, wilson
from tests.report.text.hostile import EVIL


@dataclass(frozen=True)
class File:
    path: Path
    sha256: str = "a" * 64
    size_bytes: int = 997_012
    opset: int = 20


@dataclass(frozen=True)
class Parity:
    agreement: Rate
    largest_absolute: float
    pictures: str = "shipped scenes"


@dataclass(frozen=True)
class Settings:
    said: str

    def text(self) -> str:
        return self.said


@dataclass(frozen=True)
class Cost:
    float32: Rate = field(default_factory=lambda: wilson(90, 100))
    build: Rate = field(default_factory=lambda: wilson(88, 100))
    lost: int = 3
    gained: int = 1
    drop: float = 2.0
    low: float = -2.25
    high: float = 6.125
    pictures: str = "data"


@dataclass(frozen=True)
class Layer:
    node: str
    operator: str
    snr_db: float


@dataclass(frozen=True)
class Trial:
    options: Settings
    keep_float: int
    cost: Cost


@dataclass(frozen=True)
class Made:
    options: Settings | None = None
    cost: Cost | None = None
    kept_float: tuple[Layer, ...] = ()
    trials: tuple[Trial, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Variant:
    form: str
    path: Path
    parity: Parity
    sha256: str = "b" * 64
    size_bytes: int = 1_500


@dataclass(frozen=True)
class Build:
    precision: str
    file: File
    parity: Parity
    made: Made = field(default_factory=Made)
    variants: tuple[Variant, ...] = ()


def everything() -> Build:
    """Return a build of which everything can be said, foreign control characters among it."""
    settings, parity = Settings("minmax, per tensor, x86"), Parity(wilson(20, 21), 0.0625)
    layers = tuple(Layer(f"{EVIL}/conv{at}", "Conv", at + 0.5) for at in range(10))
    trials = (Trial(settings, 0, Cost(drop=78.0)), Trial(settings, 10, Cost()))
    made = Made(settings, Cost(), layers, trials, ("one thing " * 20, f"another {EVIL}"))
    variant = Variant("batch-1", Path("out/model_b1.onnx"), parity)
    return Build("int8", File(Path("out/model.onnx")), parity, made, (variant,))
