"""A build that prepares pictures itself, timed: its input is the picture."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from misread.card import ModelCard
from misread.runtime.perf.subject import Subject
from misread.runtime.session import Deployed
from tests.models import graph

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("batch", [1, 2])
def test_the_pictures_themselves_are_the_input(tmp_path: Path, batch: int) -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("torch")
    from misread.export.bake import bake

    card = ModelCard(labels=("red", "green"), size_hw=(8, 8))
    model = onnx.load(graph(tmp_path / "m.onnx", metadata=card.to_metadata()))
    model.graph.output[0].CopyFrom(onnx.helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, ("n", 2)))
    onnx.save(bake(model), tmp_path / "baked.onnx")
    deployed = Deployed.open(tmp_path / "baked.onnx")
    assert deployed.card == replace(card, baked_preprocessing=True)
    pictures = [np.full((*size, 3), level, np.uint8) for level, size in enumerate(((20, 30), (9, 9), (20, 30)))]
    subject = Subject(deployed, pictures, batch)
    made = subject.prepare(0)
    assert made.shape == (batch, 20, 30, 3)
    assert made.dtype.name == "uint8"
    assert made[:, 0, 0, 0].tolist() == [0, 2][:batch]
    ran: Any = subject.run(0)
    read: Any = subject.read(0)
    np.testing.assert_allclose(ran[0], read.logits)
