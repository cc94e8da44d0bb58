"""Normalisations against onnxruntime, and their gradients against finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from tests.attack.surrogate.single import compare, doubles, function_of, noise

SCALE, BIAS, MEAN = (noise(4, seed=seed) for seed in (1, 2, 3))
VARIANCE = noise(4, seed=4) ** 2 + np.float32(0.1)


@pytest.mark.parametrize("opset", [7, 9, 14, 15])
@pytest.mark.parametrize("shape", [(3, 4), (2, 4, 5), (2, 4, 5, 3), (2, 4, 2, 3, 2)])
def test_batch_normalization(opset: int, shape: tuple[int, ...]) -> None:
    compare("BatchNormalization", [noise(*shape), SCALE, BIAS, MEAN, VARIANCE], opset=opset, epsilon=1e-3)


def test_statistics_of_each_pixel() -> None:
    """`spatial` 0 of opset 7."""
    values = [noise(4, 2, 3, seed=seed) for seed in (1, 2, 3)]
    compare("BatchNormalization", [noise(2, 4, 2, 3), *values, values[2] ** 2 + 1], opset=7, spatial=0)


def test_statistics_of_the_batch() -> None:
    """Only a file exported in training mode has this; the running statistics come with it."""
    images = torch.from_numpy(noise(3, 4, 5))
    stored = [torch.from_numpy(values) for values in (SCALE, BIAS, MEAN, VARIANCE)]
    found = function_of("BatchNormalization", training_mode=1)(images, *stored)
    right = torch.nn.functional.batch_norm(images, None, None, stored[0], stored[1], training=True)
    torch.testing.assert_close(found, right)


@pytest.mark.parametrize("shape", [(2, 4, 7), (2, 4, 5, 3), (1, 4, 2, 3, 2)])
def test_instance_normalization(shape: tuple[int, ...]) -> None:
    compare("InstanceNormalization", [noise(*shape), SCALE, BIAS], opset=7, epsilon=1e-2, atol=1e-5)


@pytest.mark.parametrize("opset", [18, 21])
def test_group_normalization(opset: int) -> None:
    """Before opset 21 scale and bias belong to groups, from then on to channels."""
    count = 2 if opset == 18 else 4
    inputs = [noise(2, 4, 3, 5), SCALE[:count], BIAS[:count]]
    compare("GroupNormalization", inputs, opset=opset, num_groups=2, epsilon=1e-2, atol=1e-5)


@pytest.mark.parametrize(
    ("axis", "scale", "bias"),
    [
        (-1, (5,), (5,)),
        (-1, (5,), None),
        (1, (3, 5), (3, 5)),
        (1, (5,), (5,)),
        (2, (2, 1, 5), (3, 5)),
        (-1, (1,), None),
    ],
)
def test_layer_normalization(axis: int, scale: tuple[int, ...], bias: tuple[int, ...] | None) -> None:
    """Scale and bias may have fewer axes than what is normalised, or more."""
    inputs = [noise(2, 3, 5), noise(*scale, seed=1), *([noise(*bias, seed=2)] if bias else [])]
    compare("LayerNormalization", inputs, opset=17, outputs=3, axis=axis, epsilon=1e-3, atol=1e-5)


@pytest.mark.parametrize("axis", [-1, 1])
def test_rms_normalization(axis: int) -> None:
    compare("RMSNormalization", [noise(2, 3, 5), noise(5, seed=1)], opset=23, axis=axis, epsilon=1e-3)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_lrn(size: int) -> None:
    """An even number of neighbours has one more behind than before."""
    if size % 2:
        compare("LRN", [noise(2, 6, 3, 4)], opset=7, size=size, alpha=0.5, beta=0.6, bias=1.5)
    images = torch.from_numpy(noise(1, 6, 1, 1))
    found = function_of("LRN", size=size, alpha=0.5, beta=0.6, bias=1.5)(images).flatten()
    row = images.flatten()
    before, behind = (size - 1) // 2, size // 2
    sums = torch.stack([row[max(at - before, 0) : at + behind + 1].square().sum() for at in range(6)])
    torch.testing.assert_close(found, row / (1.5 + 0.5 / size * sums) ** 0.6)


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_lp_normalization(p: int, axis: int) -> None:
    compare("LpNormalization", [noise(2, 3, 4)], opset=7, p=p, axis=axis)


def test_mean_variance_normalization() -> None:
    compare("MeanVarianceNormalization", [noise(2, 3, 4, 5)], opset=13, atol=1e-5)
    compare("MeanVarianceNormalization", [noise(2, 3, 4, 5)], opset=13, axes=[2, 3], atol=1e-5)


@pytest.mark.parametrize(
    ("operator", "shapes", "attributes"),
    [
        ("InstanceNormalization", [(2, 2, 3), (2,), (2,)], {}),
        ("GroupNormalization", [(1, 4, 3), (4,), (4,)], {"num_groups": 2}),
        ("LayerNormalization", [(2, 3, 2), (3, 2), (3, 2)], {"axis": 1}),
        ("LayerNormalization", [(2, 3, 2), (2,)], {"axis": 1}),
        ("RMSNormalization", [(2, 3), (3,)], {}),
        ("LRN", [(1, 4, 2)], {"size": 3, "alpha": 0.5}),
        ("LpNormalization", [(2, 3)], {"p": 2}),
        ("MeanVarianceNormalization", [(2, 2, 2, 2)], {}),
    ],
)
def test_gradients(operator: str, shapes: list[tuple[int, ...]], attributes: dict[str, Any]) -> None:
    inputs = [doubles(*shape, seed=seed) for seed, shape in enumerate(shapes)]
    assert torch.autograd.gradcheck(function_of(operator, **attributes), inputs)


def test_gradients_through_stored_statistics() -> None:
    stored = [doubles(2, seed=seed).detach() for seed in (1, 2, 3)]
    call = function_of("BatchNormalization")
    assert torch.autograd.gradcheck(lambda images: call(images, *stored, stored[2] ** 2), doubles(2, 2, 2, 2))


@pytest.mark.parametrize("operator", ["LpNormalization", "MeanVarianceNormalization"])
def test_the_gradient_is_finite_where_nothing_is(operator: str) -> None:
    values = torch.zeros(1, 2, 2, 2, requires_grad=True)
    (gradient,) = torch.autograd.grad(function_of(operator)(values).sum(), values)
    assert gradient.isfinite().all()
