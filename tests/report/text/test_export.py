"""What `misread export` prints."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from misread.card import ModelCard
from misread.report.text import export_text
from misread.stats import wilson
from tests.report.text.doubles import Build, File, Parity, everything
from tests.report.text.hostile import EVIL, clean, fits


@dataclass(frozen=True)
class Export:
    origin: str
    card: ModelCard
    builds: tuple[Build, ...]
    calibration: int
    card_from: tuple[str, ...] = ("timm metadata", "flags")


@pytest.mark.parametrize(
    ("size", "shown"),
    [(999, "999 B"), (1500, "1.5 kB"), (997_012, "997.0 kB"), (14_000_000, "14.0 MB"), (2 * 10**9, "2.0 GB")],
)
def test_an_export_shows_its_files_and_their_parity(size: int, shown: str) -> None:
    card = ModelCard(labels=(EVIL, "b", "c", "d", "e"), size_hw=(48, 64), resize="crop", resize_px=72)
    build = Build("int8", File(Path("out/model_int8.onnx"), size_bytes=size), Parity(wilson(20, 21), 0.0625))
    text = export_text(Export("signs", card, (build,), 94))
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert f"model_int8.onnx int8 {shown} 20 20/21 0.062 aaaaaaaa" in lines
    assert "card from timm metadata, flags" in lines
    assert "input 48x64 rgb, crop from 72, bilinear" in lines
    padded = Export("signs", replace(card, resize="letterbox", resize_px=None, pad_level=0), (build,), 94)
    assert "letterbox on 0, bilinear" in " ".join(export_text(padded).split())
    assert "calibration 94 pictures" in lines
    assert lines[-1] == "wrote out/model_int8.onnx"
    assert fits(text)
    assert clean(text)


def test_an_export_shows_what_each_precision_costs() -> None:
    card = ModelCard(labels=("a", "b"), size_hw=(48, 64))
    plain = Build("fp32", File(Path("m.onnx")), Parity(wilson(9, 9), 0.0))
    text = export_text(Export("signs", card, (plain, everything()), 94))
    said = " ".join(text.split())
    assert "int8 settings minmax, per tensor, x86" in said
    assert "fp32 settings" not in said
    assert said.count("note: ") == 2
    assert fits(text)
    assert clean(text)
