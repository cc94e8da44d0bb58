"""Normalisations: by stored statistics, by the image's own, and by neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch
from torch.nn import functional

from misread.attack.surrogate.node import Operator

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.surrogate.node import Node

MVN_EPSILON: Final = 1e-9
"""What MeanVarianceNormalization adds to the standard deviation."""


def batch_normalization(  # noqa: PLR0917  a node gives its inputs by position
    node: Node, images: Tensor, scale: Tensor, bias: Tensor, mean: Tensor, variance: Tensor
) -> Tensor | tuple[Tensor, Tensor, Tensor]:
    """Normalise (n, c, ...) by the stored statistics, (c,) each; in `training_mode` by the batch's own.

    Before opset 9 `spatial` 0 gives each pixel statistics of its own, (c, ...).
    """
    epsilon = node.get("epsilon", 1e-5)
    if node.get("training_mode", 0):
        return _train(node, images, scale, bias, mean, variance)
    if images.ndim < 2 or scale.ndim != 1:
        return (images - mean) * ((variance + epsilon).rsqrt() * scale) + bias
    return functional.batch_norm(images, mean, variance, scale, bias, training=False, eps=epsilon)


def _train(  # noqa: PLR0917  a node gives its inputs by position
    node: Node, images: Tensor, scale: Tensor, bias: Tensor, mean: Tensor, variance: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Normalise by the batch's statistics; return the running ones too."""
    axes = [axis for axis in range(images.ndim) if axis != 1]
    shape = [-1 if axis == 1 else 1 for axis in range(images.ndim)]
    now_mean, now_variance = images.mean(dim=axes), images.var(dim=axes, correction=0)
    factor = (now_variance + node.get("epsilon", 1e-5)).rsqrt() * scale
    found = (images - now_mean.reshape(shape)) * factor.reshape(shape) + bias.reshape(shape)
    keep = node.get("momentum", 0.9)
    return found, mean * keep + now_mean * (1 - keep), variance * keep + now_variance * (1 - keep)


def instance_normalization(node: Node, images: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    """Normalise each channel of each image by its own statistics."""
    return functional.group_norm(images, images.shape[1], scale, bias, node.get("epsilon", 1e-5))


def group_normalization(node: Node, images: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    """Normalise groups of channels (arXiv:1803.08494); before opset 21 scale and bias have one entry per group."""
    groups, channels = node.get("num_groups", 1), images.shape[1]
    if node.opset < 21:
        scale, bias = (values.repeat_interleave(channels // len(values)) for values in (scale, bias))
    return functional.group_norm(images, groups, scale, bias, node.get("epsilon", 1e-5))


def layer_normalization(
    node: Node, values: Tensor, scale: Tensor, bias: Tensor | None = None
) -> Tensor | tuple[Tensor, Tensor, Tensor]:
    """Normalise over the axes from `axis` on (arXiv:1607.06450); with mean and 1 / deviation where they are wanted."""
    first = node.get("axis", -1) % values.ndim
    over, epsilon = list(values.shape[first:]), node.get("epsilon", 1e-5)
    if list(scale.shape) == over and (bias is None or list(bias.shape) == over):
        found = functional.layer_norm(values, over, scale, bias, epsilon)
    else:
        found = functional.layer_norm(values, over, eps=epsilon) * scale
        found = found if bias is None else found + bias
    if not any(node.outputs[1:]):
        return found
    axes = list(range(first, values.ndim))
    inverse = (values.var(dim=axes, correction=0, keepdim=True) + epsilon).rsqrt()
    return found, values.mean(dim=axes, keepdim=True), inverse


def rms_normalization(node: Node, values: Tensor, scale: Tensor) -> Tensor:
    """Divide by the root of the mean square over the axes from `axis` on (arXiv:1910.07467)."""
    axes = list(range(node.get("axis", -1) % values.ndim, values.ndim))
    mean_square = values.square().mean(dim=axes, keepdim=True)
    return values * (mean_square + node.get("epsilon", 1e-5)).rsqrt() * scale


def lrn(node: Node, images: Tensor) -> Tensor:
    """Divide by a power of the squares of neighbouring channels."""
    size = node.get("size", 1)
    before = (size - 1) // 2
    flat = functional.pad(images.square().flatten(2), [0, 0, before, size - 1 - before])
    sums = flat.unfold(1, size, 1).sum(dim=-1).reshape(images.shape)
    factor = node.get("bias", 1.0) + node.get("alpha", 1e-4) / size * sums
    return images / factor ** node.get("beta", 0.75)


def lp_normalization(node: Node, values: Tensor) -> Tensor:
    """Divide by the 1- or 2-norm along `axis`; zeros stay zeros."""
    axis = node.get("axis", -1)
    if node.get("p", 2) == 1:
        norm = values.abs().sum(dim=axis, keepdim=True)
    else:
        squares = values.square().sum(dim=axis, keepdim=True)
        norm = torch.where(squares == 0, torch.ones_like(squares), squares).sqrt()
    return values / torch.where(norm == 0, torch.ones_like(norm), norm)


def mean_variance_normalization(node: Node, images: Tensor) -> Tensor:
    """Subtract the mean over `axes` and divide by the deviation."""
    axes = node.get("axes", [0, 2, 3])
    centred = images - images.mean(dim=axes, keepdim=True)
    squares = centred.square().mean(dim=axes, keepdim=True)
    flat = squares == 0  # the root's gradient there is infinite
    deviation = torch.where(flat, squares, torch.where(flat, torch.ones_like(squares), squares).sqrt())
    return centred / (deviation + MVN_EPSILON)


NORMALISATION: Final[tuple[Operator, ...]] = (
    Operator(name="BatchNormalization", function=batch_normalization),
    Operator(name="GroupNormalization", function=group_normalization),
    Operator(name="InstanceNormalization", function=instance_normalization),
    Operator(name="LRN", function=lrn),
    Operator(name="LayerNormalization", function=layer_normalization),
    Operator(name="LpNormalization", function=lp_normalization),
    Operator(name="MeanVarianceNormalization", function=mean_variance_normalization),
    Operator(name="RMSNormalization", function=rms_normalization),
)
