"""A first layer's way back to the picture, as one matrix product: convolutions waste their width on so few planes.

The way forward is the ordinary convolution's. On two cores the way back of 32 filters on one plane of 28x28 costs an
eighth, of 64 filters of 7x7 on three planes of 224x224 two thirds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from misread.attack.speed.rewrite.graph import layer_of, put

if TYPE_CHECKING:
    from torch.fx import GraphModule

WIDENING: Final = 16
"""Filters per plane from which the matrix product is the quicker way."""


def thin_first(graph: GraphModule) -> int:
    """Replace the convolutions that make many planes of few.

    Returns:
        How many were replaced.
    """
    count = 0
    for node in list(graph.graph.nodes):
        layer = layer_of(graph, node)
        if isinstance(layer, nn.Conv2d) and _fits(layer):
            put(graph, node, ThinConvolution(layer), node.args[0])
            count += 1
    return count


@final
class ThinConvolution(nn.Module):
    """A convolution of frozen weights that gives its gradient by a matrix product."""

    columns: Tensor

    def __init__(self, layer: nn.Conv2d) -> None:
        """Take over a layer that is neither grouped nor dilated and pads with a number of zeros.

        Args:
            layer: Used on, not copied.
        """
        super().__init__()
        self.layer = layer
        columns = layer.weight.detach().permute(2, 3, 1, 0).reshape(-1, layer.out_channels)
        self.register_buffer("columns", columns.contiguous(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """What the layer gives, (n, out, h, w)."""
        if x.device.type != "cpu" or not (torch.is_grad_enabled() and x.requires_grad):
            passed: Tensor = self.layer(x)
            return passed
        made: Tensor = _Thin.apply(x, self.columns, self.layer)  # type: ignore[no-untyped-call]
        return made


@final
class _Thin(torch.autograd.Function):
    """Forward by the layer, backward by one product and k x k shifted sums."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, columns: Tensor, layer: nn.Conv2d) -> Tensor:
        ctx.save_for_backward(columns)
        ctx.size, ctx.kernel, ctx.stride, ctx.padding = x.shape, layer.kernel_size, layer.stride, layer.padding
        return functional.conv2d(x, layer.weight, layer.bias, layer.stride, layer.padding)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None, None]:
        (columns,) = ctx.saved_tensors
        (n, planes, height, width), (tall, wide) = ctx.size, ctx.kernel
        (down, right), (top, left) = ctx.stride, ctx.padding
        rows, across = slope.shape[2:]
        parts = (columns @ slope.permute(0, 2, 3, 1).reshape(-1, slope.shape[1]).T).view(
            tall, wide, planes, n, rows, across
        )
        image = slope.new_zeros(planes, n, height + 2 * top, width + 2 * left)
        for y in range(tall):
            for x in range(wide):
                reach = (slice(y, y + down * (rows - 1) + 1, down), slice(x, x + right * (across - 1) + 1, right))
                image[(..., *reach)] += parts[y, x]
        return image[..., top : top + height, left : left + width].transpose(0, 1), None, None


def _fits(layer: nn.Conv2d) -> bool:
    wide = layer.out_channels >= WIDENING * layer.in_channels and layer.in_channels <= 4
    usual = layer.groups == 1 and layer.dilation == (1, 1) and layer.padding_mode == "zeros"
    return wide and usual and not isinstance(layer.padding, str)
