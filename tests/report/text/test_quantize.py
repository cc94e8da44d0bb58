"""What `misread quantize` prints."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from misread.card import ModelCard
from misread.report.text.quantize import quantize_text
from misread.stats import wilson
from tests.report.text.doubles import Build, File, Parity, everything
from tests.report.text.hostile import EVIL, clean, fits


@dataclass(frozen=True)
class Result:
    build: Build
    model: Path = Path("net.onnx")
    model_sha256: str = "c" * 64
    card: ModelCard = field(default_factory=lambda: ModelCard(labels=(EVIL, "b"), size_hw=(48, 64)))
    card_from: tuple[str, ...] = ("timm", "flags")
    calibration: int = 94
    calibration_from: str = "photos"


def test_everything_is_said_and_fits() -> None:
    text = quantize_text(Result(everything()))
    lines = [" ".join(line.split()) for line in text.splitlines()]
    said = " ".join(lines)
    assert lines[0] == "model net.onnx, sha256 cccccccc"
    assert "card from timm, flags" in lines
    assert "calibration 94 pictures of photos" in lines
    assert "settings minmax, per tensor, x86" in lines
    assert "fp32 90/100 (90.0 %, 95 % CI 82.6-94.5), int8 88/100 (88.0 %, 95 % CI 80.2-93.0), on data" in said
    assert "drop 2.00 points (95 % CI -2.25 to 6.12): pictures lost 3, gained 1" in lines
    assert "in float 10 operators: Conv" in said
    assert "and 2 more" in said
    assert "minmax, per tensor, x86 0 88/100 78.00" in lines
    assert "minmax, per tensor, x86 10 88/100 2.00" in lines
    assert "model_b1.onnx batch-1 1.5 kB 20/21 0.062 bbbbbbbb" in lines
    assert lines[-1] == "wrote out/model.onnx, out/model_b1.onnx"
    assert fits(text)
    assert clean(text)


def test_what_was_not_asked_is_not_said() -> None:
    build = Build("fp16", File(Path("half.onnx")), Parity(wilson(9, 9), 0.0))
    text = quantize_text(Result(build, calibration=0, calibration_from=""))
    words = ("settings", "accuracy", "drop", "float", "tried", "note", "calibration")
    assert not any(word in text for word in words)
    assert text.endswith("wrote half.onnx\n")
