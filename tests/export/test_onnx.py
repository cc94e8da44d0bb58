from __future__ import annotations

import json
import logging
import random
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from torch import Tensor, nn

from misread.card import ModelCard
from misread.errors import ModelError, OptionError, StorageError
from misread.export import onnx as exporter
from misread.export.onnx import export_onnx
from misread.export.onnx_file import opset_of, read_metadata, read_model
from misread.export.origin import load_origin
from misread.export.twin import make_twin
from tests.export.nets import LABELS, SIZE_HW, tiny, tiny_card


class Applied(nn.Module):
    """A classifier that does what the test says before it pools."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function, self.linear = function, nn.Linear(3, 4)

    def forward(self, images: Tensor) -> Tensor:
        out: Tensor = self.linear(self.function(images).mean((2, 3)))
        return out


def test_the_file_computes_what_the_twin_does_at_any_batch(exported: Path) -> None:
    session = ort.InferenceSession(exported)
    assert [entry.name for entry in session.get_inputs()] == ["input"]
    assert [entry.name for entry in session.get_outputs()] == ["logits"]
    twin = make_twin(tiny())
    for count in (1, 2, 5):
        given = torch.rand((count, 3, *SIZE_HW), generator=torch.Generator().manual_seed(count))
        (logits,) = session.run(["logits"], {"input": given.numpy()})
        np.testing.assert_allclose(logits, twin(given).numpy(), atol=1e-5)


def test_the_card_and_the_tools_travel_inside(exported: Path) -> None:
    metadata = read_metadata(read_model(exported))
    assert ModelCard.from_metadata(metadata) == tiny_card()
    assert json.loads(metadata["misread.tool_versions"])["onnx"] == onnx.__version__
    assert set(metadata) == {*tiny_card().to_metadata(), "misread.tool_versions"}


def test_nothing_of_the_machine_is_left(factory_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    origin = load_origin(f"{factory_file}:network", labels=Path("none"), size_hw=SIZE_HW)
    model = exporter._export(origin.twin, origin.card, "dynamic", None)
    assert b"nets.py" in model.SerializeToString()  # the exporter does leave traces
    monkeypatch.setattr(exporter, "_export", lambda *_: model)
    clean = tmp_path / "model.onnx"
    export_onnx(origin.twin, origin.card, clean)
    data = clean.read_bytes()
    for trace in (b".py", b"site-packages", b"stack_trace", b'File "', bytes(tmp_path), bytes(Path.home()), b"tests"):
        assert trace not in data


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    file = export_onnx(make_twin(tiny()), tiny_card(), path, batch=3, opset=18)
    model = onnx.load(path)
    assert (file.opset, opset_of(model)) == (18, 18)
    assert (file.ir_version, file.size_bytes, file.path) == (model.ir_version, path.stat().st_size, path)
    assert dict(file.operators)["Conv"] == 1
    assert file.nodes == len(model.graph.node)
    assert [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim] == [3, 3, *SIZE_HW]
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


def test_another_opset_than_asked_for_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    with pytest.raises(ModelError, match="opset 17 was asked for and the exporter produced 18; type --opset 18"):
        export_onnx(make_twin(tiny()), tiny_card(), path, opset=17)
    assert list(tmp_path.iterdir()) == []


def test_a_batch_that_the_exporter_froze_is_refused(exported: Path) -> None:
    model = read_model(exported)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 2
    with pytest.raises(ModelError, match="batch dynamic was asked for, the exporter fixed it at 2; type --batch 1"):
        exporter._check_ends(model, "dynamic")
    model.graph.output[0].name = "other"
    with pytest.raises(ModelError, match=r"one input and one output were asked for, .*\['other'\]"):
        exporter._check_ends(model, 2)


def test_everything_is_left_as_found_and_silent(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    module, folder = tiny(), Path.cwd()
    before = (torch.get_rng_state(), repr(np.random.get_state()), random.getstate(), logging.root.manager.disable)  # noqa: NPY002
    listing = sorted(folder.iterdir())
    export_onnx(make_twin(module), tiny_card(), tmp_path / "model.onnx")
    after = (torch.get_rng_state(), repr(np.random.get_state()), random.getstate(), logging.root.manager.disable)  # noqa: NPY002
    assert torch.equal(before[0], after[0])
    assert before[1:] == after[1:]
    assert module.training
    assert all(parameter.requires_grad and parameter.grad is None for parameter in module.parameters())
    assert capfd.readouterr() == ("", "")
    # The structured trace goes to whoever sets TORCH_TRACE; torch exempts it from logging.disable.
    assert [record for record in caplog.records if record.name != "torch.__trace"] == []
    assert sorted(folder.iterdir()) == listing


@pytest.mark.parametrize("batch", ["dynamic", 2])
def test_control_flow_that_depends_on_values_is_refused(
    tmp_path: Path, batch: exporter.Batch, capfd: pytest.CaptureFixture[str]
) -> None:
    twin = make_twin(Applied(lambda x: x if x.mean() > 0.5 else -x))
    before = torch.get_rng_state()
    with pytest.raises(ModelError, match=r"torch cannot export this network: .*control flow") as caught:
        export_onnx(twin, tiny_card(), tmp_path / "model.onnx", batch=batch)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    assert torch.equal(before, torch.get_rng_state())
    assert capfd.readouterr() == ("", "")


def test_ctrl_c_inside_the_exporter_stays_ctrl_c(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupted imports of torch's compiler fail on top of the interruption, and in other words."""

    def interrupted(*_: object, **__: object) -> None:
        try:
            raise KeyboardInterrupt
        finally:
            raise AttributeError("module 'torch._dynamo' has no attribute 'exc'")

    monkeypatch.setattr(torch.onnx, "export", interrupted)
    with pytest.raises(KeyboardInterrupt):
        export_onnx(make_twin(tiny()), tiny_card(), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("batch", [0, -1, 5000])
def test_a_batch_that_makes_no_sense_is_refused(tmp_path: Path, batch: int) -> None:
    with pytest.raises(OptionError, match="batch is a whole number"):
        export_onnx(make_twin(tiny()), tiny_card(), tmp_path / "model.onnx", batch=batch)


def test_a_place_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exported: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setattr(exporter, "_export", lambda *_: read_model(exported))
    with pytest.raises(StorageError, match="cannot write"):
        export_onnx(make_twin(tiny()), tiny_card(), tmp_path / "file" / "model.onnx")


def test_a_model_that_the_checker_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exported: Path) -> None:
    broken = read_model(exported)
    broken.graph.node[0].op_type = "NoSuchOperator"
    monkeypatch.setattr(exporter, "_export", lambda *_: broken)
    with pytest.raises(ModelError, match="the ONNX checker refuses"):
        export_onnx(make_twin(tiny()), tiny_card(), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_model_too_large_for_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exported: Path) -> None:
    monkeypatch.setattr(torch.onnx, "export", lambda *_, **__: SimpleNamespace(model_proto=read_model(exported)))
    monkeypatch.setattr(exporter, "MAX_FILE_BYTES", 100)
    with pytest.raises(ModelError, match=re.compile(r"the model has \d+ bytes; one file holds at most 100")):
        export_onnx(make_twin(tiny()), tiny_card(), tmp_path / "model.onnx")


def test_labels_of_any_script_survive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exported: Path) -> None:
    monkeypatch.setattr(exporter, "_export", lambda *_: read_model(exported))
    card = ModelCard(labels=("Vorfahrt gewähren", "停", "\x1b[2J", "a'b\"c"), size_hw=SIZE_HW)
    assert len(card.labels) == len(LABELS)
    path = tmp_path / "model.onnx"
    export_onnx(make_twin(tiny()), card, path)
    assert ModelCard.from_metadata(ort.InferenceSession(path).get_modelmeta().custom_metadata_map) == card


def test_a_tool_without_version_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporter, "_TOOLS", ("torch", "no-such-distribution"))
    assert set(exporter.tool_versions()) == {"torch"}
