"""What is no gain is said, and nothing else is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from misread.export.onnx_file import read_model
from misread.export.quantize import notes
from misread.export.quantize.notes import gain_notes, measuring_notes
from misread.export.quantize.options import StaticOptions
from misread.export.quantize.target import target_named
from tests.export.quantize import plants

if TYPE_CHECKING:
    from pathlib import Path

CPU = ("CPUExecutionProvider",)


@pytest.mark.parametrize(
    ("here", "precision", "given", "words"),
    [
        ("x86-vnni", "int8", {}, []),
        ("x86-vnni", "fp32", {}, []),
        ("arm64", "int8", {"target": "arm64"}, []),
        ("x86-vnni", "fp16", {}, ["fp16 is storage only on a CPU"]),
        ("x86-vnni", "int8-dynamic", {}, ["makes convolutions slower"]),
        ("x86", "int8", {"target": "x86"}, ["without VNNI int8 gains little"]),
        ("x86-vnni", "int8", {"target": "x86"}, ["without VNNI", "built for x86 and measured on x86-vnni"]),
        ("x86-vnni", "int8", {"target": "arm64"}, ["built for arm64 and measured on x86-vnni"]),
        ("x86-vnni", "int8", {"forms": ("ort",)}, []),
        ("x86-vnni", "fp32", {"forms": ("ort",)}, ["up to twice slower"]),
        ("arm64", "fp32", {"forms": ("ort",)}, []),
    ],
)
def test_notes_of_a_build(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    here: str,
    precision: str,
    given: dict[str, Any],
    words: list[str],
) -> None:
    monkeypatch.setattr(notes, "this_machine", lambda: target_named(here))
    model = read_model(plants.planted(tmp_path / "net.onnx", "none"))
    options = StaticOptions(target=given.get("target", "x86-vnni"))
    said = list(gain_notes(precision, model, options, CPU, given.get("forms", ())))
    assert len(said) == len(words)
    assert all(word in note for word, note in zip(words, said, strict=True))


def test_an_accelerator_may_gain_by_fp16(tmp_path: Path) -> None:
    model = read_model(plants.planted(tmp_path / "net.onnx", "none"))
    assert list(gain_notes("fp16", model, StaticOptions(), ("CUDAExecutionProvider", *CPU))) == []


def test_dynamic_int8_suits_a_network_of_matrix_products(tmp_path: Path) -> None:
    model = read_model(plants.planted(tmp_path / "net.onnx", "none"))
    for node in model.graph.node:
        node.op_type = "MatMul" if node.op_type == "Conv" else node.op_type
    assert list(gain_notes("int8-dynamic", model, StaticOptions(), CPU)) == []


def test_notes_of_a_measurement() -> None:
    measured = plants.labelled(50, seed=1)
    assert list(measuring_notes(measured, "cal", None)) == []
    assert list(measuring_notes(measured, "cal", 2.0)) == []
    (small,) = measuring_notes(measured, "cal", 0.5)
    assert "one picture of 50 is 2 points, more than the budget of 0.5" in small
    shared, some = measuring_notes(replace(measured, shared=7, found=100), "cal", None)
    assert shared.startswith("7 pictures of measured were left out of the measuring")
    assert some == "measured on 50 of 100 pictures, spread evenly"
