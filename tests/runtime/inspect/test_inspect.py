"""An ONNX file read without onnx: the same as onnx says, and one sentence for whatever is broken."""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from misread import cli
from misread.card import ModelCard
from misread.errors import FileError
from misread.report.text.inspection import inspection_text, size_text
from misread.runtime.inspect import inspect, wire
from tests.models import graph

if TYPE_CHECKING:
    from pathlib import Path

onnx = pytest.importorskip("onnx")
CARD = ModelCard(labels=("dark", "bright"), size_hw=(8, 8))


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def part(number: int, payload: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def model(body: bytes = b"") -> bytes:
    return b"\x08\x0a" + part(8, b"\x10\x12") + part(7, body)


def written(folder: Path, data: bytes) -> Path:
    path = folder / "m.onnx"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("options", [{}, {"dynamic": True}, {"kind": "FLOAT16", "shape": (1, 3, None, "w")}])
def test_it_says_what_onnx_says(tmp_path: Path, options: dict[str, Any]) -> None:
    path = graph(tmp_path / "m.onnx", metadata=CARD.to_metadata(), **options)
    found, truth = inspect(path), onnx.load(path)
    assert dict(found.operators) == Counter(node.op_type for node in truth.graph.node)
    assert dict(found.opsets) == {entry.domain or "ai.onnx": entry.version for entry in truth.opset_import}
    assert (found.ir_version, found.size_bytes) == (truth.ir_version, path.stat().st_size)
    shape = tuple(side.dim_value or side.dim_param or "?" for side in truth.graph.input[0].type.tensor_type.shape.dim)
    (given_in,) = found.inputs
    assert (given_in.name, given_in.shape) == ("input", shape)
    assert given_in.dtype == options.get("kind", "FLOAT").lower().replace("float", "float32").replace("3216", "16")
    assert [(value.name, value.shape) for value in found.outputs] == [("logits", None)]
    sizes = Counter[str]()
    for tensor in truth.graph.initializer:
        sizes[onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).name] += onnx.numpy_helper.to_array(tensor).nbytes
    assert {entry.dtype: entry.size_bytes for entry in found.stored} == sizes
    assert (found.card, found.card_from) == (CARD, ("misread card",))


def test_the_weights_hash_is_of_the_weights_alone(tmp_path: Path) -> None:
    plain = inspect(graph(tmp_path / "a.onnx"))
    card = inspect(graph(tmp_path / "b.onnx", metadata=CARD.to_metadata()))
    other = inspect(graph(tmp_path / "c.onnx", constant=1.0))
    assert plain.sha256 != card.sha256
    assert plain.weights_sha256 == card.weights_sha256 != other.weights_sha256


def test_precision_is_said_by_operators_and_weights(tmp_path: Path) -> None:
    assert inspect(graph(tmp_path / "a.onnx")).precision == "fp32"
    assert inspect(graph(tmp_path / "b.onnx", dynamic=True)).precision == "int8 dynamic"
    nodes = {name: part(1, part(4, name.encode())) for name in ("QuantizeLinear", "DequantizeLinear", "QLinearConv")}
    both = model(nodes["QuantizeLinear"] + nodes["DequantizeLinear"])
    assert inspect(written(tmp_path, both)).precision == "int8 static (QDQ)"
    assert inspect(written(tmp_path, model(nodes["DequantizeLinear"]))).precision.startswith("int8 weights")
    assert inspect(written(tmp_path, model(nodes["QLinearConv"]))).precision == "int8 static (QLinear)"
    half = part(5, b"\x08\x02\x10\x0a" + part(9, bytes(4)))
    assert inspect(written(tmp_path, model(half))).precision == "fp16"
    assert inspect(written(tmp_path, model())).precision == "none"


def test_nested_graphs_and_functions_count(tmp_path: Path) -> None:
    node = part(1, part(4, b"Add"))
    outer = part(1, part(4, b"If") + part(5, part(6, node)) + part(5, part(11, node)))
    own = part(25, part(7, part(4, b"Mine") + part(7, b"my.domain")))
    found = inspect(written(tmp_path, model(outer) + own))
    assert dict(found.operators) == {"If": 1, "Add": 2, "my.domain.Mine": 1}
    assert found.functions == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "expected one graph, its opset and a version, got 0, 0 and 0"),
        (model() + part(7, b""), "got 2, 1 and 10"),
        (model() + b"\x0b", "of kind 3, which does not exist"),
        (model() + b"\x00\x00", "there is no field 0"),
        (model() + b"\x3a\x7f", "field 7 reaches 127 bytes beyond its message"),
        (model() + b"\x08" + b"\xff" * 11, "a number in it does not end"),
        (b"\x38\x01", "a number stands where a message belongs"),
        (model() + b"\x10\x01", "a number stands where bytes belong"),
        (part(1, b""), "bytes stand where a number belongs"),
        (part(2, bytes(2**17)), "131072 bytes stand where at most 65536 are read"),
        (model(part(5, b"\x0d" + bytes(4))), "a fraction stands where whole numbers belong"),
        (model(part(5, part(1, bytes(65)))), "more than 64 numbers stand in one field"),
        (model(part(5, b"\x08\x01" * 65)), "a tensor has more than 64 sides"),
        (model(part(5, b"\x08" + varint(2**64 - 1))), r"a tensor has the shape \[-1\]"),
        (model(part(5, b"\x08\x02\x10\x01" + part(9, bytes(7)))), "needs 8 bytes and has 7"),
        (model(part(5, b"\x08" + varint(2**62) + b"\x10\x01")), "has no values"),
        (b"".join(part(8, part(1, b"%d" % n)) for n in range(4097)), "more than 4096 opsets"),
        (part(14, part(1, b"a") + part(2, bytes(2**24))) + part(14, part(2, b"b")), "16777216 characters"),
    ],
)
def test_a_file_that_lies_is_one_sentence(tmp_path: Path, data: bytes, words: str) -> None:
    with pytest.raises(FileError, match=words) as caught:
        inspect(written(tmp_path, data))
    assert "\n" not in str(caught.value)


def test_graphs_in_graphs_end(tmp_path: Path) -> None:
    body = b""
    for _ in range(200):
        body = part(1, part(5, part(6, body)))
    with pytest.raises(FileError, match="nested more than 16 deep"):
        inspect(written(tmp_path, model(body)))


def test_fields_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_FIELDS", 1000)
    with pytest.raises(FileError, match="more than 1000 fields"):
        inspect(written(tmp_path, b"\x28\x00" * 1001))


def test_a_file_that_shrinks_while_it_is_read_is_one_sentence(tmp_path: Path) -> None:
    path = written(tmp_path, b"\x12\x02a")
    with path.open("rb") as file:
        told = wire.Wire(file, 4, "m.onnx")
        (field,) = told.fields(told.whole())
        with pytest.raises(FileError, match="ends before its last field does"):
            told.text(field)


def test_what_is_no_file_is_one_sentence(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, words in (
        (tmp_path / "none", "no such file"),
        (tmp_path, "is a directory"),
        (tmp_path / "pipe", "plain"),
    ):
        with pytest.raises(FileError, match=words):
            inspect(path)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_damage_ends_in_a_sentence(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("m")
    raw = bytearray(graph(folder / "m.onnx", metadata=CARD.to_metadata()).read_bytes())
    for _ in range(data.draw(st.integers(0, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(raw)))
    try:
        found = inspect(written(folder, bytes(raw[:cut])))
    except FileError as error:
        assert "\n" not in str(error)  # noqa: PT017  either outcome is right, and both are checked
    else:
        assert math.isfinite(sum(entry.size_bytes for entry in found.stored))
        inspection_text(found)


@settings(max_examples=200, deadline=None)
@given(raw=st.binary(max_size=200))
def test_noise_ends_in_a_sentence(raw: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(FileError):
        inspect(written(tmp_path_factory.mktemp("m"), raw))


def test_a_card_that_is_missing_or_broken_is_said(tmp_path: Path) -> None:
    assert "carries no card" in inspect(graph(tmp_path / "a.onnx")).card_missing
    broken = inspect(graph(tmp_path / "b.onnx", metadata={"misread.card": "{"}))
    assert (broken.card, broken.card_from) == (None, ())
    assert "card is broken" in broken.card_missing
    assert inspect(graph(tmp_path / "c.onnx"), card=CARD).card_from == ("flags",)


def test_the_command_says_it_as_text_and_json(tmp_path: Path) -> None:
    path = graph(tmp_path / "m.onnx", metadata=CARD.to_metadata() | {"evil": "\x1b[2J"})
    said = CliRunner().invoke(cli.app, ["inspect", str(path)])
    assert said.exit_code == 0
    for words in ("precision", "input float32 (n, 3, 8, 8)", "ai.onnx 18", "ReduceMean", "from misread card", "dark"):
        assert words in " ".join(said.stdout.split())
    document = json.loads(CliRunner().invoke(cli.app, ["inspect", str(path), "--json"]).stdout)
    assert (document["kind"], document["precision"]) == ("misread-inspection", "fp32")
    assert document["card"]["labels"] == ["dark", "bright"]


def test_sizes_are_said_in_the_largest_unit() -> None:
    assert [size_text(size) for size in (5, 1536, 2**20, 3 * 2**30)] == ["5 B", "1.5 KiB", "1.0 MiB", "3.0 GiB"]


@pytest.mark.parametrize(
    ("geometry", "words"),
    [
        ({}, "squash to 8x8"),
        ({"resize": "crop", "resize_px": 9}, "shortest side to 9, centre crop to 8x8"),
        ({"resize": "letterbox", "pad_level": 0}, "letterbox on grey level 0 to 8x8"),
    ],
)
def test_how_a_picture_is_brought_to_size_is_said(tmp_path: Path, geometry: dict[str, Any], words: str) -> None:
    card = ModelCard(labels=("dark", "bright"), size_hw=(8, 8), **geometry)
    assert words in inspection_text(inspect(graph(tmp_path / "a.onnx", metadata=card.to_metadata())))
