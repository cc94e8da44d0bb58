"""Resize of all versions, and Upsample before it: each axis on its own, as a product with a matrix of weights.

Coordinates follow onnxruntime, which computes them in single precision: at the border between two pixels the nearest
one is decided by the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch import Tensor

from misread.attack.surrogate.node import Operator

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from misread.attack.surrogate.node import Node

    Coordinates = NDArray[np.float32]

ZERO: Final = np.float32(0)
ONE: Final = np.float32(1)
HALF: Final = np.float32(0.5)
TIE: Final = 1e-6
"""How far from the middle between two pixels onnxruntime 1.31 still takes a coordinate for the middle; measured."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Axis:
    """What happens to one axis.

    Attributes:
        old: Pixels before.
        new: Pixels after.
        scale: Of the file, or new / old.
        start: First end of the region of interest, 0 is the first pixel.
        end: Its other end, 1 is the last pixel.
    """

    old: int
    new: int
    scale: np.float32
    start: np.float32 = ZERO
    end: np.float32 = ONE

    @property
    def still(self) -> bool:
        """Whether nothing happens; onnxruntime does not look at the region where the scale is 1."""
        return bool(self.scale == 1)


def resize(node: Node, images: Tensor, *rest: Tensor | None) -> Tensor:
    """Resize by `scales` or to `sizes`; opset 10 has (scales), from 11 on it is (roi, scales, sizes)."""
    if node.opset < 11:
        return upsample(node, images, *rest)
    roi, scales, sizes = (*rest, None, None, None)[:3]
    axes = _plan(node, images, roi, scales, sizes)
    found = images if images.is_floating_point() else images.float()
    if all(plan.old == plan.new for plan in axes.values()):
        return images  # as onnxruntime, whatever the scales
    smooth = bool(node.get("antialias", 0))
    for axis, plan in axes.items():
        if not plan.still and not (smooth and plan.old == plan.new):
            found = _resize_axis(node, found, axis, plan)
    return found if images.is_floating_point() else found.to(images.dtype)


def upsample(node: Node, images: Tensor, scales: Tensor | None = None) -> Tensor:
    """Resize as files before opset 11 mean it: the corner stays, the nearest pixel is the one before.

    Down-sampling takes the one behind. Opset 7 has the scales in an attribute.
    """
    factors = node.get("scales", []) if scales is None else scales.tolist()
    linear = node.get("mode", "nearest") in {"linear", "bilinear"}
    plans = _by_scales(list(images.shape), [np.float32(factor) for factor in factors])
    if all(plan.old == plan.new for plan in plans):
        return images  # as onnxruntime, whatever the scales
    for axis, plan in enumerate(plans):
        if plan.still:
            continue
        at = _asymmetric(plan)
        if linear:
            images = _weighted(images, axis, _matrix(at, plan, _triangle, reach=1))
        else:
            images = _picked(images, axis, at, np.ceil if plan.scale < 1 else np.floor)
    return images


def _plan(
    node: Node, images: Tensor, roi: Tensor | None, scales: Tensor | None, sizes: Tensor | None
) -> dict[int, _Axis]:
    """Return what happens to each axis that the node names.

    Raises:
        UnsupportedOperator: neither scales nor sizes, or an unknown policy.
    """
    axes = [axis % images.ndim for axis in node.get("axes", list(range(images.ndim)))]
    old = [images.shape[axis] for axis in axes]
    if scales is not None and scales.numel():
        plans = _by_scales(old, [np.float32(factor) for factor in scales.tolist()])
    elif sizes is not None and sizes.numel():
        plans = _by_sizes(node, old, [int(extent) for extent in sizes.tolist()])
    else:
        raise node.refuse("neither scales nor sizes")
    if roi is not None and roi.numel() and _transform(node) == "tf_crop_and_resize":
        ends = [np.float32(end) for end in roi.tolist()]
        regions = zip(plans, ends, ends[len(axes) :], strict=False)
        plans = [replace(plan, start=start, end=end) for plan, start, end in regions]
    return dict(zip(axes, plans, strict=True))


def _by_scales(old: list[int], scales: list[np.float32]) -> list[_Axis]:
    """Return what happens to axes of these sizes by scales."""
    pairs = zip(old, scales, strict=True)
    return [_Axis(old=extent, new=int(np.float32(extent) * scale), scale=scale) for extent, scale in pairs]


def _by_sizes(node: Node, old: list[int], wanted: list[int]) -> list[_Axis]:
    """Return what happens to axes of these sizes, by wanted sizes and `keep_aspect_ratio_policy`."""
    factors = [np.float32(after) / np.float32(before) for after, before in zip(wanted, old, strict=True)]
    policy = node.get("keep_aspect_ratio_policy", "stretch")
    if policy == "stretch":
        triples = zip(old, wanted, factors, strict=True)
        return [_Axis(old=before, new=after, scale=factor) for before, after, factor in triples]
    if policy not in {"not_larger", "not_smaller"}:
        raise node.refuse(f"keep_aspect_ratio_policy {policy!r}")
    factor = min(factors) if policy == "not_larger" else max(factors)
    new = [int(np.floor(factor * np.float32(before) + HALF)) for before in old]
    return [_Axis(old=before, new=after, scale=factor) for before, after in zip(old, new, strict=True)]


def _resize_axis(node: Node, images: Tensor, axis: int, plan: _Axis) -> Tensor:
    """Resize one axis in the node's mode."""
    mode, name = node.get("mode", "nearest"), _transform(node)
    if name not in TRANSFORMS:
        raise node.refuse(f"coordinate_transformation_mode {name!r}")
    at = TRANSFORMS[name](plan)
    if mode == "nearest":
        how = node.get("nearest_mode", "round_prefer_floor")
        if how not in NEAREST:
            raise node.refuse(f"nearest_mode {how!r}")
        found = _picked(images, axis, at, NEAREST[how])
    elif mode in {"linear", "cubic"}:
        found = _weighted(images, axis, _matrix_of(node, at, plan))
    else:
        raise node.refuse(f"mode {mode!r}")
    if name != "tf_crop_and_resize":
        return found
    outside = torch.from_numpy((at < 0) | (at > plan.old - 1)).to(images.device)
    shape = [-1 if number == axis else 1 for number in range(images.ndim)]
    return found.masked_fill(outside.reshape(shape), node.get("extrapolation_value", 0.0))


def _transform(node: Node) -> str:
    """Return the name of the transformation of coordinates."""
    return node.get("coordinate_transformation_mode", "half_pixel")


def _matrix_of(node: Node, at: Coordinates, plan: _Axis) -> Tensor:
    """Return the weights of linear or cubic interpolation, stretched where the node wants antialiasing."""
    stretch = max(1.0, 1.0 / float(plan.scale)) if node.get("antialias", 0) else 1.0
    inside = bool(node.get("exclude_outside", 0))
    if node.get("mode", "nearest") == "linear":
        return _matrix(at, plan, _triangle, reach=1, stretch=stretch, inside=inside and stretch > 1)
    slope = node.get("cubic_coeff_a", -0.75)
    return _matrix(at, plan, lambda x: _cubic(x, slope), reach=2, stretch=stretch, inside=inside)


def _matrix(
    at: Coordinates,
    plan: _Axis,
    kernel: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    *,
    reach: int,
    stretch: float = 1.0,
    inside: bool = False,
) -> Tensor:
    """Return the weight of each old pixel in each new one, (new, old).

    Args:
        at: Where each new pixel lies among the old ones, (new,).
        plan: The axis.
        kernel: Weight by distance.
        reach: From what distance on it is zero.
        stretch: Factor on distances.
        inside: Leave out the pixels beyond the border, which else repeat the last one.
    """
    span = int(np.ceil(reach * stretch)) + 1
    exact = at.astype(np.float64)
    places = np.floor(exact).astype(np.int64)[:, None] + np.arange(-span, span + 1)
    weights = kernel((places - exact[:, None]) / stretch)
    if inside:
        weights = np.where((places < 0) | (places >= plan.old), 0.0, weights)
    if inside or stretch > 1:
        weights = weights / weights.sum(axis=1, keepdims=True)
    found = np.zeros((len(at), plan.old))
    np.add.at(found, (np.arange(len(at))[:, None], places.clip(0, plan.old - 1)), weights)
    return torch.from_numpy(found)


def _triangle(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weights of linear interpolation."""
    weights: NDArray[np.float64] = np.maximum(1 - np.abs(distance), 0.0)
    return weights


def _cubic(distance: NDArray[np.float64], slope: float) -> NDArray[np.float64]:
    """Return the weights of cubic convolution (Keys 1981), by its free parameter."""
    far = np.abs(distance)
    near = ((slope + 2) * far - (slope + 3)) * far * far + 1
    tail = ((slope * far - 5 * slope) * far + 8 * slope) * far - 4 * slope
    return np.where(far <= 1, near, np.where(far < 2, tail, 0.0))


def _weighted(images: Tensor, axis: int, matrix: Tensor) -> Tensor:
    """Multiply `axis` with (new, old)."""
    weights = matrix.to(images.device, images.dtype)
    return (images.movedim(axis, -1) @ weights.T).movedim(-1, axis)


def _picked(images: Tensor, axis: int, at: Coordinates, rounding: Callable[[Coordinates], Coordinates]) -> Tensor:
    """Pick the pixels at the rounded coordinates, the last one beyond the border."""
    places = rounding(at).astype(np.int64).clip(0, images.shape[axis] - 1)
    return images.index_select(axis, torch.from_numpy(places).to(images.device))


def _steps(plan: _Axis) -> Coordinates:
    return np.arange(plan.new, dtype=np.float32)


def _half_pixel(plan: _Axis) -> Coordinates:
    return (_steps(plan) + HALF) / plan.scale - HALF


def _half_pixel_symmetric(plan: _Axis) -> Coordinates:
    adjustment = np.float32(plan.new) / (plan.scale * np.float32(plan.old))
    offset = np.float32(plan.old) * HALF * (ONE - adjustment)
    exact = np.float64(offset) + (_steps(plan) + np.float64(0.5)) / plan.scale - 0.5  # half of it in double precision
    return exact.astype(np.float32)


def _pytorch_half_pixel(plan: _Axis) -> Coordinates:
    return _half_pixel(plan) if plan.new > 1 else np.zeros(plan.new, dtype=np.float32)


def _align_corners(plan: _Axis) -> Coordinates:
    return _steps(plan) * np.float32(plan.old - 1) / np.float32(max(plan.new - 1, 1))


def _asymmetric(plan: _Axis) -> Coordinates:
    return _steps(plan) / plan.scale


def _tf_crop_and_resize(plan: _Axis) -> Coordinates:
    last = np.float32(plan.old - 1)
    if plan.new <= 1:
        return np.full(plan.new, HALF * (plan.start + plan.end) * last)
    return plan.start * last + _steps(plan) * (plan.end - plan.start) * last / np.float32(plan.new - 1)


TRANSFORMS: Final[Mapping[str, Callable[[_Axis], Coordinates]]] = {
    "align_corners": _align_corners,
    "asymmetric": _asymmetric,
    "half_pixel": _half_pixel,
    "half_pixel_symmetric": _half_pixel_symmetric,
    "pytorch_half_pixel": _pytorch_half_pixel,
    "tf_crop_and_resize": _tf_crop_and_resize,
    "tf_half_pixel_for_nn": lambda plan: (_steps(plan) + HALF) / plan.scale,
}
"""Where each new pixel lies among the old ones; `tf_half_pixel_for_nn` is opset 11's alone."""

NEAREST: Final[Mapping[str, Callable[[Coordinates], Coordinates]]] = {
    "round_prefer_floor": lambda at: np.floor(at) + (at - np.floor(at) > HALF + TIE),
    "round_prefer_ceil": lambda at: np.floor(at) + (at - np.floor(at) >= HALF - TIE),
    "floor": np.floor,
    "ceil": np.ceil,
}

RESIZE: Final[tuple[Operator, ...]] = (
    Operator(name="Resize", function=resize),
    Operator(name="Upsample", function=upsample),
)
