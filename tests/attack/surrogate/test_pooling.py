"""Pools against onnxruntime, and their gradients against finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from tests.attack.surrogate.single import by_surrogate, compare, doubles, function_of, noise, one_node

WINDOWS: list[tuple[tuple[int, ...], dict[str, Any]]] = [
    ((9,), {"kernel_shape": [3], "strides": [2]}),
    ((8, 7), {"kernel_shape": [3, 2], "pads": [1, 0, 2, 1]}),
    ((8, 7), {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": "SAME_UPPER"}),
    ((8, 7), {"kernel_shape": [2, 2], "auto_pad": "SAME_LOWER"}),
    ((8, 7), {"kernel_shape": [3, 3], "strides": [3, 3], "auto_pad": "VALID"}),
    ((4, 5, 6), {"kernel_shape": [2, 2, 3], "strides": [1, 2, 2], "pads": [0, 1, 1, 1, 0, 1]}),
]
CEILED: list[tuple[tuple[int, ...], dict[str, Any]]] = [
    ((8, 8), {"kernel_shape": [3, 3], "strides": [2, 2]}),
    ((7, 8), {"kernel_shape": [2, 3], "strides": [2, 3], "pads": [1, 1, 1, 1]}),
    ((5, 5), {"kernel_shape": [2, 2], "strides": [3, 3], "pads": [1, 1, 1, 1]}),
    ((9,), {"kernel_shape": [1], "strides": [3]}),
]


@pytest.mark.parametrize("opset", [7, 8, 10, 12, 22])
@pytest.mark.parametrize("operator", ["MaxPool", "AveragePool", "LpPool"])
def test_pools(operator: str, opset: int) -> None:
    for size, attributes in WINDOWS:
        compare(operator, [noise(2, 3, *size)], opset=opset, **attributes)


@pytest.mark.parametrize(
    ("operator", "opset"), [("MaxPool", 10), ("MaxPool", 12), ("AveragePool", 10), ("AveragePool", 19), ("LpPool", 18)]
)
def test_ceil_mode(operator: str, opset: int) -> None:
    """The last window may reach over the end, unless it would start there."""
    for size, attributes in CEILED:
        compare(operator, [noise(2, 3, *size)], opset=opset, ceil_mode=1, **attributes)


@pytest.mark.parametrize(("operator", "opset"), [("MaxPool", 10), ("AveragePool", 19), ("LpPool", 18)])
def test_dilations(operator: str, opset: int) -> None:
    attributes: dict[str, Any] = {"kernel_shape": [3, 2], "dilations": [2, 3], "pads": [1, 1, 0, 1]}
    compare(operator, [noise(2, 3, 8, 9)], opset=opset, **attributes)
    compare(operator, [noise(2, 3, 8, 9)], opset=opset, strides=[2, 2], ceil_mode=1, **attributes)


@pytest.mark.parametrize("opset", [7, 11, 19])
def test_the_padding_counts_where_the_node_says_so(opset: int) -> None:
    for size, attributes in WINDOWS:
        compare("AveragePool", [noise(2, 3, *size)], opset=opset, count_include_pad=1, **attributes)
    if opset >= 10:
        for size, attributes in CEILED:
            compare("AveragePool", [noise(2, 3, *size)], opset=opset, count_include_pad=1, ceil_mode=1, **attributes)


@pytest.mark.parametrize("storage_order", [0, 1])
def test_places_count_over_the_whole_tensor(storage_order: int) -> None:
    for size, attributes in [*WINDOWS, ((8, 7), {"kernel_shape": [2, 2], "dilations": [2, 2], "ceil_mode": 1})]:
        compare("MaxPool", [noise(2, 3, *size)], opset=12, outputs=2, storage_order=storage_order, **attributes)


def test_places_lead_back() -> None:
    images = noise(2, 3, 6, 8)
    pooled, places = by_surrogate(one_node("MaxPool", [images], opset=12, outputs=2, kernel_shape=[2, 2]), [images])
    compare("MaxUnpool", [pooled, places], opset=11, kernel_shape=[2, 2], strides=[1, 1])


def test_places_lead_back_into_a_wider_image() -> None:
    """What `output_shape` asks for beyond the image that was pooled is zero; onnxruntime shifts the rows there."""
    values, places = torch.tensor([[[[1.0, 2.0]]]]), torch.tensor([[[[3, 5]]]])
    wider = function_of("MaxUnpool", kernel_shape=[2, 2], strides=[2, 2])(values, places, torch.tensor([1, 1, 3, 5]))
    right = torch.zeros(1, 1, 3, 5)
    right[0, 0, 0, 3], right[0, 0, 1, 1] = 1.0, 2.0
    torch.testing.assert_close(wider, right)


def test_whole_numbers_stay_whole() -> None:
    images = np.random.default_rng(0).integers(-128, 128, (1, 2, 5, 5)).astype(np.int8)
    compare("MaxPool", [images], opset=12, kernel_shape=[2, 2], pads=[1, 1, 1, 1])


@pytest.mark.parametrize("operator", ["GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"])
@pytest.mark.parametrize("size", [(5,), (4, 5), (2, 3, 4)])
def test_global_pools(operator: str, size: tuple[int, ...]) -> None:
    compare(operator, [noise(2, 3, *size)], opset=7)


@pytest.mark.parametrize("p", [1, 2, 3])
def test_norms_of_windows(p: int) -> None:
    compare("LpPool", [noise(2, 3, 6, 7)], opset=11, kernel_shape=[2, 3], strides=[2, 1], p=p)
    compare("GlobalLpPool", [noise(2, 3, 6, 7)], opset=11, p=p)


@pytest.mark.parametrize(
    ("operator", "attributes"),
    [
        ("MaxPool", {"kernel_shape": [2, 2], "pads": [1, 0, 0, 1], "ceil_mode": 1, "strides": [2, 2]}),
        ("AveragePool", {"kernel_shape": [2, 2], "pads": [1, 0, 0, 1], "ceil_mode": 1, "strides": [2, 2]}),
        ("AveragePool", {"kernel_shape": [2, 2], "dilations": [2, 1], "count_include_pad": 1, "pads": [1, 1, 1, 1]}),
        ("LpPool", {"kernel_shape": [2, 2], "p": 3}),
        ("GlobalAveragePool", {}),
        ("GlobalMaxPool", {}),
        ("GlobalLpPool", {}),
    ],
)
def test_gradients(operator: str, attributes: dict[str, Any]) -> None:
    assert torch.autograd.gradcheck(function_of(operator, **attributes), doubles(1, 2, 4, 5))


def test_the_gradient_of_a_norm_is_zero_where_nothing_is() -> None:
    images = torch.zeros(1, 1, 2, 2, requires_grad=True)
    (gradient,) = torch.autograd.grad(function_of("GlobalLpPool")(images).sum(), images)
    assert not gradient.any()
