"""Resize and Upsample against onnxruntime, option by option, and the operators that move pixels elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from misread.attack.surrogate.node import UnsupportedOperator
from tests.attack.surrogate.single import compare, doubles, function_of, noise

if TYPE_CHECKING:
    from tests.attack.surrogate.single import Array

SCALES = ([2.0, 2.0], [0.6, 0.75], [1.3, 0.3], [1.0, 2.5], [1.05, 1.0])
SIZES = ([3, 11], [14, 8], [7, 5], [1, 1])
NOTHING = np.zeros(0, dtype=np.float32)
IMAGES = noise(1, 2, 7, 8)
TRANSFORMS = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"]


def scales_of(*factors: float) -> Array:
    return np.array([1, 1, *factors], dtype=np.float32)


def sizes_of(*extents: int) -> Array:
    return np.array([1, 2, *extents])


def both_ways(opset: int, **attributes: Any) -> None:
    """Compare by all scales and to all sizes."""
    roi = NOTHING if opset == 11 else None
    for factors in SCALES:
        compare("Resize", [IMAGES, roi, scales_of(*factors)], opset=opset, rtol=1e-3, atol=1e-4, **attributes)
    for extents in SIZES:
        empty = NOTHING if opset == 11 else None
        inputs = [IMAGES, roi, empty, sizes_of(*extents)]
        compare("Resize", inputs, opset=opset, rtol=1e-3, atol=1e-4, **attributes)


@pytest.mark.parametrize("opset", [11, 13, 18])
@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("mode", ["linear", "cubic"])
def test_interpolation(mode: str, transform: str, opset: int) -> None:
    both_ways(opset, mode=mode, coordinate_transformation_mode=transform)


@pytest.mark.parametrize("nearest_mode", ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"])
@pytest.mark.parametrize("transform", [*TRANSFORMS, "tf_half_pixel_for_nn"])
def test_nearest(transform: str, nearest_mode: str) -> None:
    both_ways(11, coordinate_transformation_mode=transform, nearest_mode=nearest_mode)


@pytest.mark.parametrize("nearest_mode", ["round_prefer_floor", "round_prefer_ceil"])
def test_the_middle_between_two_pixels_is_as_wide_as_onnxruntimes(nearest_mode: str) -> None:
    """2 / (4 / 7) is one bit below 3.5 in single precision, and is taken for it."""
    row = np.arange(7, dtype=np.float32).reshape(1, 1, 1, 7)
    attributes: dict[str, Any] = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": nearest_mode}
    for extent in range(1, 40):
        compare("Resize", [row, None, None, np.array([1, 1, 1, extent])], opset=13, **attributes)


def test_half_pixel_symmetric() -> None:
    options: list[dict[str, Any]] = [{"mode": "linear"}, {"nearest_mode": "ceil"}, {"mode": "cubic"}]
    for attributes in options:
        both_ways(19, coordinate_transformation_mode="half_pixel_symmetric", **attributes)


@pytest.mark.parametrize("mode", ["linear", "cubic"])
@pytest.mark.parametrize("outside", [0, 1])
def test_antialias(mode: str, outside: int) -> None:
    both_ways(18, mode=mode, antialias=1, exclude_outside=outside)


def test_cubic_options() -> None:
    both_ways(13, mode="cubic", cubic_coeff_a=-0.5, exclude_outside=1)


@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
def test_a_region_of_interest(mode: str) -> None:
    """Outside the image there is `extrapolation_value`; an axis that keeps its size is not cropped."""
    roi = np.array([0, 0, 0.2, -0.3, 1, 1, 0.7, 1.1], dtype=np.float32)
    attributes: dict[str, Any] = {
        "mode": mode,
        "coordinate_transformation_mode": "tf_crop_and_resize",
        "extrapolation_value": 9.0,
    }
    for extents in SIZES:
        inputs = [IMAGES, roi, None, sizes_of(*extents)]
        compare("Resize", inputs, opset=13, rtol=1e-3, atol=1e-4, **attributes)
    compare(
        "Resize", [IMAGES, roi[[2, 3, 6, 7]], None, np.array([4, 5])], opset=18, atol=1e-4, axes=[2, 3], **attributes
    )


@pytest.mark.parametrize("policy", ["stretch", "not_larger", "not_smaller"])
def test_aspect_ratio(policy: str) -> None:
    for extents in SIZES:
        attributes: dict[str, Any] = {"keep_aspect_ratio_policy": policy, "mode": "linear", "axes": [2, 3]}
        compare("Resize", [IMAGES, None, None, np.array(extents)], opset=18, atol=1e-5, **attributes)
        attributes["axes"] = [3, 2]
        found = function_of("Resize", opset=18, **attributes)
        turned = function_of("Resize", opset=18, **(attributes | {"axes": [-1, -2]}))
        images, sizes = torch.from_numpy(IMAGES), torch.tensor(extents)
        assert torch.equal(found(images, None, None, sizes), turned(images, None, None, sizes))


@pytest.mark.parametrize("mode", ["nearest", "linear"])
@pytest.mark.parametrize("factors", SCALES)
def test_files_before_opset_11(mode: str, factors: list[float]) -> None:
    scales = scales_of(*factors)
    compare("Resize", [IMAGES, scales], opset=10, mode=mode)
    if min(factors) >= 1:
        compare("Upsample", [IMAGES, scales], opset=9, mode=mode)
        compare("Upsample", [IMAGES], opset=7, mode=mode, scales=scales.tolist())


def test_whole_numbers_stay_whole() -> None:
    images = np.random.default_rng(0).integers(0, 256, (1, 2, 4, 4)).astype(np.uint8)
    compare("Resize", [images, None, scales_of(2, 1.5)], opset=13, mode="nearest")


@pytest.mark.parametrize(
    ("attributes", "what"),
    [
        ({"mode": "area"}, "mode 'area'"),
        ({"nearest_mode": "up"}, "nearest_mode 'up'"),
        ({"coordinate_transformation_mode": "centre"}, "coordinate_transformation_mode 'centre'"),
        ({"keep_aspect_ratio_policy": "crop"}, "keep_aspect_ratio_policy 'crop'"),
    ],
)
def test_unknown_options_are_refused(attributes: dict[str, Any], what: str) -> None:
    with pytest.raises(UnsupportedOperator, match=what):
        function_of("Resize", **attributes)(torch.zeros(1, 1, 2, 2), None, None, torch.tensor([1, 1, 3, 3]))


def test_a_resize_to_nothing_is_refused() -> None:
    with pytest.raises(UnsupportedOperator, match="neither scales nor sizes"):
        function_of("Resize")(torch.zeros(1, 1, 2, 2), None, torch.zeros(0))


@pytest.mark.parametrize("opset", [16, 20])
@pytest.mark.parametrize("align_corners", [0, 1])
@pytest.mark.parametrize("padding_mode", ["zeros", "border", "reflection"])
def test_grid_sample(padding_mode: str, align_corners: int, opset: int) -> None:
    grid = np.random.default_rng(1).uniform(-1.4, 1.4, (2, 3, 4, 2)).astype(np.float32)
    words = ["bilinear", "nearest", "bicubic"] if opset == 16 else ["linear", "nearest", "cubic"]
    for mode in words:
        attributes: dict[str, Any] = {"mode": mode, "padding_mode": padding_mode, "align_corners": align_corners}
        compare("GridSample", [noise(2, 3, 5, 6), grid], opset=opset, rtol=1e-4, atol=1e-4, **attributes)


def test_cubic_sampling_of_volumes_is_refused() -> None:
    with pytest.raises(UnsupportedOperator, match="mode 'cubic' on 3 spatial axes"):
        function_of("GridSample", mode="cubic")(torch.zeros(1, 1, 2, 2, 2), torch.zeros(1, 2, 2, 2, 3))


@pytest.mark.parametrize("size", [[2, 3, 4, 5], [2, 3, 2, 4, 5]])
@pytest.mark.parametrize("align_corners", [0, 1])
def test_affine_grid(size: list[int], align_corners: int) -> None:
    axes = len(size) - 2
    compare("AffineGrid", [noise(2, axes, axes + 1), np.array(size)], opset=20, align_corners=align_corners, atol=1e-5)


@pytest.mark.parametrize(("opset", "attributes"), [(7, {}), (11, {"mode": "DCR"}), (13, {"mode": "CRD"})])
def test_depth_to_space(opset: int, attributes: dict[str, Any]) -> None:
    compare("DepthToSpace", [noise(2, 8, 3, 4)], opset=opset, blocksize=2, **attributes)


def test_space_to_depth() -> None:
    compare("SpaceToDepth", [noise(2, 3, 4, 6)], opset=7, blocksize=2)
    images = torch.from_numpy(noise(2, 3, 4, 6))
    for mode in ("DCR", "CRD"):
        there = function_of("SpaceToDepth", blocksize=2, mode=mode)(images)
        assert torch.equal(function_of("DepthToSpace", blocksize=2, mode=mode)(there), images)


@pytest.mark.parametrize("shape", [[3, 9], [4, 2], [6, 5]])
def test_center_crop_pad(shape: list[int]) -> None:
    compare("CenterCropPad", [noise(2, 3, 6, 5), np.array(shape)], opset=18, axes=[2, -1])


@pytest.mark.parametrize(
    "attributes",
    [
        {"mode": "nearest"},
        {"mode": "linear", "coordinate_transformation_mode": "align_corners"},
        {"mode": "linear", "antialias": 1},
        {"mode": "cubic"},
    ],
)
def test_gradients(attributes: dict[str, Any]) -> None:
    sizes = torch.tensor([1, 1, 2, 6])
    call = function_of("Resize", **attributes)
    assert torch.autograd.gradcheck(lambda images: call(images, None, None, sizes), doubles(1, 1, 4, 3))


def test_gradients_of_sampling() -> None:
    grid = (doubles(1, 2, 3, 2, seed=1).detach() / 3).requires_grad_()
    assert torch.autograd.gradcheck(function_of("GridSample"), (doubles(1, 2, 3, 4), grid))
