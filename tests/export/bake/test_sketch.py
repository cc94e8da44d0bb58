"""Arithmetic that becomes nodes: each operation against numpy, and what is shared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from onnx import helper

from misread.export.bake.sketch import BOOL, DOUBLE, FLOAT, INT64, Sketch, Value
from tests.export.bake.mirror import opened

if TYPE_CHECKING:
    from collections.abc import Callable


def computed(build: Callable[[Value, Value], Value], x: Any, y: Any, dtype: int) -> Any:
    """Run what `build` makes of two inputs."""
    sketch = Sketch()
    inputs = [Value(sketch=sketch, name=name, dtype=dtype) for name in ("x", "y")]
    result = build(*inputs)
    ends = [helper.make_tensor_value_info(value.name, value.dtype, None) for value in (*inputs, result)]
    graph = helper.make_graph(sketch.nodes, "sketch", ends[:2], ends[2:], list(sketch.constants.values()))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    given = {"x": x, "y": y}
    session = opened(model)
    return session.run(None, {entry.name: given[entry.name] for entry in session.get_inputs()})[0]


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (lambda x, y: x + y * 2.0 - 0.5, lambda x, y: x + y * 2 - 0.5),
        (lambda x, y: (1.0 - x) / y, lambda x, y: (1 - x) / y),
        (lambda x, y: x.at_least(y).at_most(1.5), lambda x, y: np.minimum(np.maximum(x, y), 1.5)),
        (lambda x, y: (x + y).clipped(0.0, 1.0), lambda x, y: np.clip(x + y, 0, 1)),
        (lambda x, y: x.where(x.below(y) & y.below(1.0), 7.0), lambda x, y: np.where((x < y) & (y < 1), x, 7)),
        (lambda x, y: (x * y).plain("Round").cast(INT64), lambda x, y: np.rint(x * y)),
        (lambda x, y: x.reshaped(1, -1, x.side(0)) + y.reshaped(1, 1, 3), lambda x, y: (x + y).reshape(1, 1, 3)),
        (lambda x, y: x.reshaped(1, 3).transposed(1, 0) + y, lambda x, y: x[:, None] + y),
    ],
)
@pytest.mark.parametrize("dtype", [FLOAT, DOUBLE])
def test_arithmetic_is_numpys(build: Any, expected: Any, dtype: int) -> None:
    x, y = (
        np.array(values, {FLOAT: np.float32, DOUBLE: np.float64}[dtype]) for values in ([-1.5, 0.5, 2.5], [1, 3, 1])
    )
    np.testing.assert_allclose(computed(build, x, y, dtype), expected(x, y), rtol=1e-6)


def test_whole_numbers_stay_whole() -> None:
    made = computed(lambda x, y: x * 7 // y, np.array([10, 11]), np.array([4, 4]), INT64)
    assert made.dtype == np.int64
    assert made.tolist() == [17, 19]


@pytest.mark.parametrize(("y", "wanted"), [(1.0, 3.0), (9.0, -3.0)])
def test_one_of_two_branches_is_computed(y: float, wanted: float) -> None:
    def build(x: Value, y: Value) -> Value:
        condition = y.below(x)
        return x.sketch.choose(condition, lambda inner: x.within(inner) + 1.0, lambda inner: x.within(inner) - 5.0)

    assert computed(build, np.array(2.0), np.array(y), DOUBLE) == wanted


def test_equal_constants_and_equal_nodes_are_made_once() -> None:
    sketch = Sketch()
    x = Value(sketch=sketch, name="x", dtype=FLOAT)
    assert (x + 1.0).name == (x + 1.0).name != (x - 1.0).name
    assert len(sketch.nodes) == 2
    assert len(sketch.constants) == 1
    sketch.constant(1.0, DOUBLE)
    assert len(sketch.constants) == 2
    assert x.below(2.0).dtype == BOOL
