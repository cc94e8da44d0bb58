"""Convolutions against onnxruntime, and their gradients against finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from misread.attack.surrogate.node import UnsupportedOperator
from tests.attack.surrogate.single import compare, doubles, function_of, noise

BIAS = noise(6, seed=2)


@pytest.mark.parametrize("opset", [7, 11, 22])
@pytest.mark.parametrize(
    ("size", "kernel", "attributes"),
    [
        ((9,), (3,), {"strides": [2], "pads": [2, 0]}),
        ((8, 7), (3, 2), {"pads": [0, 1, 2, 1], "dilations": [2, 1], "strides": [1, 2]}),
        ((8, 7), (3, 3), {"pads": [1, 1, 1, 1], "group": 2}),
        ((8, 7), (3, 3), {"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
        ((8, 7), (2, 4), {"auto_pad": "SAME_LOWER", "strides": [1, 2]}),
        ((8, 7), (3, 3), {"auto_pad": "VALID", "kernel_shape": [3, 3]}),
        ((9, 7), (1, 2), {"auto_pad": "SAME_UPPER", "strides": [3, 2]}),
        ((5, 6, 4), (2, 3, 1), {"pads": [0, 1, 0, 1, 1, 0]}),
    ],
)
def test_conv(opset: int, size: tuple[int, ...], kernel: tuple[int, ...], attributes: dict[str, Any]) -> None:
    weight = noise(6, 4 // attributes.get("group", 1), *kernel, seed=1)
    compare("Conv", [noise(2, 4, *size), weight, BIAS], opset=opset, rtol=1e-4, atol=1e-5, **attributes)


@pytest.mark.parametrize("opset", [7, 11])
@pytest.mark.parametrize(
    ("size", "kernel", "attributes"),
    [
        ((5,), (3,), {"strides": [2], "output_padding": [1]}),
        ((5, 4), (3, 2), {"strides": [2, 3], "pads": [1, 0, 0, 1], "dilations": [2, 1]}),
        ((5, 4), (3, 3), {"strides": [2, 2], "auto_pad": "SAME_UPPER"}),
        ((5, 4), (3, 3), {"strides": [2, 2], "auto_pad": "SAME_LOWER", "group": 2}),
        ((5, 4), (1, 2), {"strides": [2, 2], "auto_pad": "SAME_UPPER"}),
        ((5, 4), (2, 2), {"strides": [2, 2], "output_shape": [9, 7]}),
        ((5, 4), (2, 2), {"strides": [2, 2], "output_shape": [9, 9], "auto_pad": "SAME_UPPER"}),
        ((3, 2, 4), (2, 1, 3), {"strides": [1, 2, 1]}),
    ],
)
def test_conv_transpose(opset: int, size: tuple[int, ...], kernel: tuple[int, ...], attributes: dict[str, Any]) -> None:
    """A kernel shorter than its stride leaves gaps that SAME does not fill; output_shape can ask for more than all."""
    weight = noise(4, 6 // attributes.get("group", 1), *kernel, seed=1)
    compare("ConvTranspose", [noise(2, 4, *size), weight, BIAS], opset=opset, rtol=1e-4, atol=1e-5, **attributes)


@pytest.mark.parametrize("masked", [False, True])
def test_deform_conv(masked: bool) -> None:
    """Two groups of channels, two of offsets, everything uneven."""
    offset = noise(2, 2 * 2 * 3 * 2, 3, 2, seed=3) * 2
    mask = [noise(2, 2 * 2 * 3, 3, 2, seed=4)] if masked else []
    inputs = [noise(2, 4, 5, 7), noise(6, 2, 2, 3, seed=1), offset, BIAS, *mask]
    attributes: dict[str, Any] = {
        "group": 2,
        "offset_group": 2,
        "strides": [2, 2],
        "pads": [1, 0, 1, 1],
        "dilations": [1, 2],
    }
    compare("DeformConv", inputs, rtol=1e-4, atol=1e-5, **attributes)


def test_a_deformable_convolution_that_nothing_deforms_is_a_convolution() -> None:
    images, weight = torch.from_numpy(noise(1, 2, 6, 5)), torch.from_numpy(noise(3, 2, 3, 3, seed=1))
    still = torch.zeros(1, 18, 4, 3)
    plain = function_of("Conv")(images, weight)
    torch.testing.assert_close(function_of("DeformConv")(images, weight, still), plain)


def test_col2im() -> None:
    """Overlapping, dilated, padded windows are added up."""
    blocks = [np.array([5, 6]), np.array([2, 3])]
    attributes: dict[str, Any] = {"pads": [1, 0, 0, 1], "strides": [1, 2], "dilations": [2, 1]}
    compare("Col2Im", [noise(2, 3 * 6, 4 * 3), *blocks], **attributes)


def test_four_spatial_axes_are_refused() -> None:
    with pytest.raises(UnsupportedOperator, match="4 spatial axes"):
        function_of("Conv")(torch.zeros(1, 1, 2, 2, 2, 2), torch.zeros(1, 1, 1, 1, 1, 1))


def test_an_unknown_padding_is_refused() -> None:
    with pytest.raises(UnsupportedOperator, match="auto_pad 'SAME'"):
        function_of("Conv", auto_pad="SAME")(torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 1, 1))


def test_a_deformable_convolution_of_a_line_is_refused() -> None:
    with pytest.raises(UnsupportedOperator, match="1 spatial axes"):
        function_of("DeformConv")(torch.zeros(1, 1, 2), torch.zeros(1, 1, 1), torch.zeros(1, 2, 2))


@pytest.mark.parametrize(
    ("operator", "shapes", "attributes"),
    [
        ("Conv", [(1, 2, 4, 5), (2, 1, 2, 2), (2,)], {"group": 2, "pads": [1, 0, 0, 1]}),
        ("ConvTranspose", [(1, 2, 2, 3), (2, 1, 2, 2), (1,)], {"strides": [2, 2], "output_shape": [3, 7]}),
        ("DeformConv", [(1, 2, 3, 4), (2, 2, 2, 2), (1, 8, 2, 3), (2,), (1, 4, 2, 3)], {}),
    ],
)
def test_gradients(operator: str, shapes: list[tuple[int, ...]], attributes: dict[str, Any]) -> None:
    inputs = [doubles(*shape, seed=seed) for seed, shape in enumerate(shapes)]
    assert torch.autograd.gradcheck(function_of(operator, **attributes), inputs)


def test_gradients_of_added_windows() -> None:
    size, block = torch.tensor([3, 3]), torch.tensor([2, 2])
    add = function_of("Col2Im")
    assert torch.autograd.gradcheck(lambda columns: add(columns, size, block), doubles(1, 4, 4))
