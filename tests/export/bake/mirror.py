"""A network that returns its own input, so that a test sees what a front made of a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper

from misread.export.bake import bake

if TYPE_CHECKING:
    import onnx
    from numpy.typing import NDArray

    from misread.card import ModelCard


def mirror(card: ModelCard, *, batch: int | str = "batch", opset: int = 18) -> onnx.ModelProto:
    shape = (batch, card.channels, *card.size_hw)
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("input", "seen")]
    graph = helper.make_graph([helper.make_node("Identity", ["input"], ["seen"])], "mirror", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    helper.set_model_props(model, {**card.to_metadata(), "author": "a test"})
    return model


def opened(model: onnx.ModelProto, level: str = "ORT_ENABLE_ALL") -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.graph_optimization_level = getattr(ort.GraphOptimizationLevel, level)
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def seen(session: ort.InferenceSession, *pictures: NDArray[np.uint8], prepared: bool = False) -> NDArray[np.float32]:
    """What the network behind the front is fed, for pictures of one size."""
    flag = {"prepared": np.array(prepared)} if prepared else {}
    result: NDArray[np.float32] = session.run(None, {"picture": np.stack(pictures), **flag})[0]
    return result


def front_of(card: ModelCard) -> ort.InferenceSession:
    return opened(bake(mirror(card)))


def hard(generator: np.random.Generator, height: int, width: int) -> NDArray[np.uint8]:
    """A picture of black and white squares of chance, 1 to 4 pixels wide: nothing lies between the levels 0 and 255."""
    side = int(generator.integers(1, 5))
    cells = generator.integers(0, 2, (-(-height // side), -(-width // side), 3), dtype=np.uint8) * 255
    return cells.repeat(side, axis=0).repeat(side, axis=1)[:height, :width]
