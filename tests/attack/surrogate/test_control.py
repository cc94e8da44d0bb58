"""Branches, and outputs that nobody wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper

from misread.attack.surrogate.graph import parse
from misread.attack.surrogate.module import Surrogate
from misread.attack.surrogate.node import UnsupportedOperator
from tests.attack.surrogate.graphs import by_onnxruntime, by_surrogate, classifier, linear_head
from tests.attack.surrogate.single import function_of, noise

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto

IMAGES = noise(2, 3, 4, 4)


def branch(operator: str, name: str) -> GraphProto:
    """Return a body that takes the pictures from around it."""
    node = helper.make_node(operator, ["images"], [name])
    return helper.make_graph([node], name, [], [helper.make_tensor_value_info(name, TensorProto.FLOAT, None)])


@pytest.mark.parametrize("wide", [4, 5])
def test_a_shape_decides_which_branch_runs(wide: int) -> None:
    """As torch writes down a squeeze that may have nothing to do."""
    head, constants = linear_head("chosen", 48)
    nodes = [
        helper.make_node("Shape", ["images"], ["shape"]),
        helper.make_node("Gather", ["shape", "two"], ["wide"]),
        helper.make_node("Equal", ["wide", "limit"], ["is_wide"]),
        helper.make_node(
            "If", ["is_wide"], ["chosen"], then_branch=branch("Neg", "yes"), else_branch=branch("Abs", "no")
        ),
    ]
    model = classifier([*nodes, *head], constants | {"two": np.array(2), "limit": np.array(wide)})
    (right,) = by_onnxruntime(model, {"images": IMAGES})
    np.testing.assert_allclose(by_surrogate(model, IMAGES), right, rtol=1e-5, atol=1e-6)
    images = torch.from_numpy(IMAGES).requires_grad_()
    (gradient,) = torch.autograd.grad(Surrogate(parse(model))(images).sum(), images)
    slope = torch.from_numpy(constants["head"]).sum(dim=1).reshape(3, 4, 4)
    inner = -torch.ones_like(gradient) if wide == 4 else images.detach().sign()
    torch.testing.assert_close(gradient, slope * inner)


def test_branches_that_were_not_parsed_are_refused() -> None:
    with pytest.raises(UnsupportedOperator, match="no graphs"):
        function_of("If", then_branch=None, else_branch=None)(torch.tensor([True]))


def unwanted(source: str) -> ModelProto:
    """Return a graph in which the mean of `source` goes nowhere and Clip has no lower bound."""
    head, constants = linear_head("sum", 48)
    nodes = [
        helper.make_node("LayerNormalization", [source, "scale"], ["normed", "", "inverse"]),
        helper.make_node("Clip", ["normed", "", "top"], ["low"]),
        helper.make_node("Add", ["images", "low"], ["sum"]),
    ]
    more = {"scale": noise(4, seed=1), "top": np.array(0.1, np.float32), "constant": noise(1, 3, 4, 4, seed=2) + 3}
    return classifier([*nodes, *head], constants | more)


@pytest.mark.parametrize("source", ["images", "constant"])
def test_an_output_that_nobody_wants_is_no_input(source: str) -> None:
    """Both have the empty name; folded and not."""
    model = unwanted(source)
    (right,) = by_onnxruntime(model, {"images": IMAGES})
    np.testing.assert_allclose(by_surrogate(model, IMAGES), right, rtol=1e-4, atol=1e-5)
    found = Surrogate(parse(model))(torch.from_numpy(IMAGES))
    np.testing.assert_allclose(found.numpy(), right, rtol=1e-4, atol=1e-5)


def test_an_output_that_nobody_wants_puts_nothing_on_the_image() -> None:
    model = unwanted("images")
    model.graph.node.append(helper.make_node("Clip", ["top", "", "top"], ["apart"]))
    kinds = {node.outputs[0]: node.on_image for node in parse(model).nodes}
    assert kinds["low"]
    assert not kinds["apart"]
