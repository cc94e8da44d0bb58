"""Pixels moved elsewhere: GridSample, AffineGrid, DepthToSpace, SpaceToDepth, CenterCropPad."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from torch.nn import functional

from misread.attack.surrogate.node import Operator
from misread.attack.surrogate.operators.spatial import padded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from misread.attack.surrogate.node import Node

MODES: Final[Mapping[str, str]] = {
    "bicubic": "bicubic",
    "bilinear": "bilinear",
    "cubic": "bicubic",
    "linear": "bilinear",
    "nearest": "nearest",
}
"""The words of opset 16 and of opset 20 -> torch's."""


def grid_sample(node: Node, images: Tensor, grid: Tensor) -> Tensor:
    """Sample images (n, c, *size) at grid (n, *new, axes), coordinates in [-1, 1], the innermost axis first."""
    mode = MODES.get(node.get("mode", "bilinear"))
    if mode is None or images.ndim not in {4, 5} or (mode == "bicubic" and images.ndim == 5):
        raise node.refuse(f"mode {node.get('mode', 'bilinear')!r} on {images.ndim - 2} spatial axes")
    return functional.grid_sample(
        images,
        grid.to(images.dtype),
        mode=mode,
        padding_mode=node.get("padding_mode", "zeros"),
        align_corners=bool(node.get("align_corners", 0)),
    )


def affine_grid(node: Node, theta: Tensor, size: Tensor) -> Tensor:
    """Return the grid that maps an image of `size` by the matrices (n, axes, axes + 1)."""
    extents = [int(extent) for extent in size.tolist()]
    return functional.affine_grid(theta, extents, align_corners=bool(node.get("align_corners", 0)))


def depth_to_space(node: Node, images: Tensor) -> Tensor:
    """Spread channels over blocks of pixels; `DCR` has the block outermost in the channels, `CRD` innermost."""
    block = node.get("blocksize", 1)
    count, channels, height, width = images.shape
    if node.get("mode", "DCR") == "CRD":
        return functional.pixel_shuffle(images, block)
    found = images.reshape(count, block, block, channels // block**2, height, width).permute(0, 3, 4, 1, 5, 2)
    return found.reshape(count, channels // block**2, height * block, width * block)


def space_to_depth(node: Node, images: Tensor) -> Tensor:
    """Gather blocks of pixels into channels; the inverse of `depth_to_space` in the same mode."""
    block = node.get("blocksize", 1)
    count, channels, height, width = images.shape
    if node.get("mode", "DCR") == "CRD":
        return functional.pixel_unshuffle(images, block)
    found = images.reshape(count, channels, height // block, block, width // block, block).permute(0, 3, 5, 1, 2, 4)
    return found.reshape(count, channels * block**2, height // block, width // block)


def center_crop_pad(node: Node, images: Tensor, shape: Tensor) -> Tensor:
    """Crop or pad with zeros around the centre; the odd pixel goes to the end, or stays at it where cropped."""
    axes = [axis % images.ndim for axis in node.get("axes", list(range(images.ndim)))]
    begins, ends = [0] * images.ndim, [0] * images.ndim
    for axis, extent in zip(axes, shape.tolist(), strict=True):
        more = int(extent) - images.shape[axis]
        begins[axis] = more // 2 if more > 0 else -(-more // 2)
        ends[axis] = more - begins[axis]
    return padded(images, begins, ends)


SAMPLING: Final[tuple[Operator, ...]] = (
    Operator(name="AffineGrid", function=affine_grid),
    Operator(name="CenterCropPad", function=center_crop_pad),
    Operator(name="DepthToSpace", function=depth_to_space),
    Operator(name="GridSample", function=grid_sample),
    Operator(name="SpaceToDepth", function=space_to_depth),
)
